# sanitizer.cmake - the address sanitizer's run-time library: ASAN_LIBRARY, for programs that load what was built here.
#
# A stock interpreter preloads it before it loads the module. What it starts inherits that, so a program of ours must not
# carry a second copy inside, as clang would have it: there the shared library is asked for, which clang alone finds.
if(FLEXLAB_SANITIZE MATCHES "address")
  set(names libasan.so)
  if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    # Debian's name, and that of a folder for each target.
    set(names libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so libclang_rt.asan.so)
  endif()
  foreach(name ${names})
    # A name that the compiler does not know comes back as it is.
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=${name}
      OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT ASAN_LIBRARY AND EXISTS ${path})
      set(ASAN_LIBRARY ${path})
    endif()
  endforeach()
  if(NOT ASAN_LIBRARY)
    string(REGEX MATCH "^[0-9]+" release ${CMAKE_C_COMPILER_VERSION})
    message(FATAL_ERROR "flexlab: ${CMAKE_C_COMPILER} has no address sanitizer here: ${names} was not found. "
      "Debian has it in libclang-rt-${release}-dev, for gcc in libasan.")
  endif()
  if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    get_filename_component(folder ${ASAN_LIBRARY} DIRECTORY)
    target_link_options(flags INTERFACE -shared-libasan -Wl,-rpath,${folder})
  endif()
endif()
