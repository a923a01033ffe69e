# dependencies.cmake - the libraries, under the names that systems give them.
#
# pkg-config is asked first, for each name in turn; then CMake's own search, for what came without a .pc file. Both look
# into the folders of CMAKE_PREFIX_PATH before the system's. Gives NAME_INCLUDE_DIRS and NAME_LINK_LIBRARIES for LUA,
# HDF5, BLAS, PNG, ZLIB, CJSON and EDIT, FLEXLAB_OPENBLAS, and for flexlab.pc what a program that links the library
# needs: PC_REQUIRES, and PC_LIBRARIES that have no .pc file. tests/dependencies.sh tries the names.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# What was found, in a line; or what to do.
function(dependency_found name what)
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "flexlab: ${what} was not found. Where it is installed in a folder of its own, name that folder: "
      "cmake -DCMAKE_PREFIX_PATH=/its/folder ... (docs/install.md)")
  endif()
  list(JOIN ${name}_LINK_LIBRARIES " " libraries)
  message(STATUS "flexlab: ${what}: ${libraries}")
  if(NOT name MATCHES "LUA|EDIT")
    # Not what OpenBLAS's .pc file says: in Debian 13 its flags hold -fopenmp, for which clang links a library of its own.
    if(${name}_MODULE_NAME AND NOT name STREQUAL "BLAS")
      set(PC_REQUIRES "${PC_REQUIRES} ${${name}_MODULE_NAME}" PARENT_SCOPE)
    else()
      set(PC_LIBRARIES "${PC_LIBRARIES} ${libraries}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

# A library that has neither a .pc file nor a module of CMake: a header and a name.
macro(dependency_search name header)
  find_path(${name}_INCLUDE_DIRS ${header})
  find_library(${name}_LINK_LIBRARIES NAMES ${ARGN})
  if(${name}_INCLUDE_DIRS AND ${name}_LINK_LIBRARIES)
    set(${name}_FOUND TRUE)
  endif()
endmacro()

pkg_search_module(LUA QUIET lua5.4 lua-5.4 lua54)
if(NOT LUA_FOUND)
  pkg_check_modules(LUA QUIET lua>=5.4 lua<5.5)
endif()
if(NOT LUA_FOUND)
  find_package(Lua 5.4 EXACT QUIET)
  set(LUA_INCLUDE_DIRS ${LUA_INCLUDE_DIR})
  set(LUA_LINK_LIBRARIES ${LUA_LIBRARIES})
endif()
dependency_found(LUA "Lua 5.4")

pkg_search_module(HDF5 QUIET hdf5-serial hdf5)
if(NOT HDF5_FOUND)
  find_package(HDF5 QUIET COMPONENTS C)
  set(HDF5_LINK_LIBRARIES ${HDF5_C_LIBRARIES})
endif()
dependency_found(HDF5 "HDF5")

# OpenBLAS can be asked for one thread and for its name; of any other BLAS its products are all that is used.
pkg_search_module(BLAS QUIET openblas openblas-openmp openblas-threads openblas-serial)
set(FLEXLAB_OPENBLAS ${BLAS_FOUND})
if(NOT BLAS_FOUND)
  find_package(BLAS QUIET)
  set(BLAS_LINK_LIBRARIES ${BLAS_LIBRARIES})
  find_path(BLAS_INCLUDE_DIRS cblas.h PATH_SUFFIXES openblas cblas atlas blis flexiblas mkl)
  find_library(CBLAS_LIBRARY cblas)
  include(CheckFunctionExists)
  set(CMAKE_REQUIRED_LIBRARIES ${BLAS_LIBRARIES})
  check_function_exists(cblas_sgemm BLAS_HAS_CBLAS)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(NOT BLAS_HAS_CBLAS AND CBLAS_LIBRARY)
    list(PREPEND BLAS_LINK_LIBRARIES ${CBLAS_LIBRARY})
  elseif(NOT BLAS_HAS_CBLAS)
    set(BLAS_FOUND FALSE)
  endif()
  if(NOT BLAS_INCLUDE_DIRS)
    set(BLAS_FOUND FALSE)
  endif()
endif()
dependency_found(BLAS "BLAS with cblas.h (OpenBLAS, or one that FindBLAS knows)")

pkg_search_module(PNG QUIET libpng libpng16)
if(NOT PNG_FOUND)
  find_package(PNG QUIET)
  set(PNG_LINK_LIBRARIES ${PNG_LIBRARIES})
endif()
dependency_found(PNG "libpng")

pkg_search_module(ZLIB QUIET zlib)
if(NOT ZLIB_FOUND)
  find_package(ZLIB QUIET)
  set(ZLIB_LINK_LIBRARIES ${ZLIB_LIBRARIES})
endif()
dependency_found(ZLIB "zlib")

pkg_search_module(CJSON QUIET libcjson cjson)
if(NOT CJSON_FOUND)
  dependency_search(CJSON cjson/cJSON.h cjson)
endif()
dependency_found(CJSON "cJSON")

pkg_search_module(EDIT QUIET libedit)
if(NOT EDIT_FOUND)
  dependency_search(EDIT editline/readline.h edit)
endif()
dependency_found(EDIT "libedit")
