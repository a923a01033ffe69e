# Writes FX_SOURCES_HASH, sixteen digits of the hash of all C sources below FOLDER, into the header OUT.
# A run records which FlexLab made it: core.info().sources, origin/code.lua.
#   cmake -DFOLDER=csrc -DOUT=build/sources_hash.h -P tools/sources_hash.cmake
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*.c ${FOLDER}/*.h ${FOLDER}/*.def)
list(SORT files)
foreach(name ${files})
  file(SHA256 ${FOLDER}/${name} hash)
  string(APPEND all "${name} ${hash}\n")
endforeach()
string(SHA256 hash "${all}")
string(SUBSTRING ${hash} 0 16 hash)
file(WRITE ${OUT} "#define FX_SOURCES_HASH \"${hash}\"\n")
