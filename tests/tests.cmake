# Every tests/unit/*_test.c is a program, every tests/lua/*_test.lua a script; both are found by name.
# Lua tests run under stock lua5.4 (lua.NAME) and, as `flexlab script`, inside the program (program.NAME);
# with sanitizers, where the objects are the same and time is short, under stock lua5.4 alone. Tests run side
# by side (CMakePresets.json, Makefile), so lua.NAME has one thread; program.NAME has two, with equal results.
set(LONGEST 900) # seconds
if(CMAKE_CROSSCOMPILING)
  set(LONGEST 3600) # every instruction is emulated
endif()
# What is undefined ends the program: as a line on stderr it would pass a test. (-fno-sanitize-recover would do the same,
# but clang 16 needs more than 13 GB for winograd.c with it.)
set(STRICT "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1")
file(GLOB UNIT_TESTS CONFIGURE_DEPENDS tests/unit/*_test.c)
foreach(source ${UNIT_TESTS})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source} $<TARGET_OBJECTS:flexlab_base> ${CPU_OBJECTS})
  target_include_directories(${name} PRIVATE tests/unit)
  target_compile_definitions(${name} PRIVATE ${ISA_DEFINITIONS})
  target_link_libraries(${name} PRIVATE flags ${LIBRARIES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME unit.${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  # HDF5 leaks when it refuses a damaged file; what is ours to free is still judged.
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT ${LONGEST}
    ENVIRONMENT "${STRICT};LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/leaks.txt")
endforeach()

# Its small jobs have several threads, which wait for each other: alone it took 12 s, beside other tests 72 to 89, and
# under the thread sanitizer on a busy machine more than ten minutes.
set_tests_properties(unit.ops_test PROPERTIES COST 150 PROCESSORS 2 TIMEOUT 3600)

# The C program of the documentation, as anyone would compile it against the library.
add_executable(sample_in_c docs/sample.c)
target_link_libraries(sample_in_c PRIVATE flags libflexlab)
set_target_properties(sample_in_c PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# Stock Lua of version 5.4, whatever its name.
function(is_lua54 result path)
  execute_process(COMMAND ${path} -v OUTPUT_VARIABLE version ERROR_VARIABLE version)
  if(NOT version MATCHES "^Lua 5\\.4")
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()
find_program(LUA54 NAMES lua5.4 lua-5.4 lua54 lua VALIDATOR is_lua54 REQUIRED)
set(LUA_TEST_ENVIRONMENT
  "LUA_PATH=${CMAKE_SOURCE_DIR}/lua/?.lua\\;${CMAKE_SOURCE_DIR}/lua/?/init.lua\\;${CMAKE_SOURCE_DIR}/?.lua\\;\\;"
  "LUA_CPATH=${CMAKE_BINARY_DIR}/lua/?.so\\;\\;"
  "FLEXLAB_PROGRAM=$<TARGET_FILE:flexlab>"
  "FLEXLAB_LUA=${CMAKE_SOURCE_DIR}/lua"
  "FLEXLAB_SAMPLE=$<TARGET_FILE:sample_in_c>"
  "${STRICT}")
# A sanitizer's run-time library must come first in a stock interpreter that knows nothing of it.
# LuaJIT-free Lua leaks by design at exit (os.exit skips finalizers), so leaks are judged in C tests.
if(FLEXLAB_SANITIZE MATCHES "address")
  list(APPEND LUA_TEST_ENVIRONMENT "LD_PRELOAD=${ASAN_LIBRARY}" "ASAN_OPTIONS=detect_leaks=0")
endif()
# Long ones, longest first: begun first, so that none is waited for at the end; and under stock lua5.4 alone,
# since inside the program they would train the same networks by the same objects once more (docs, bench and
# c_sample start the program themselves).
set(LONG_LUA_TESTS docs_test choices_models_test recipes_test doctor_test backbones_test bench_test tiling_test
  c_sample_test trust_test hostile_test guidance_test ensembles_test samplers_test split_test diffusion_test loader_test study_runs_test)
if(NOT FLEXLAB_SANITIZE MATCHES "thread")
  file(GLOB LUA_TESTS CONFIGURE_DEPENDS tests/lua/*_test.lua)
  foreach(source ${LUA_TESTS})
    get_filename_component(name ${source} NAME_WE)
    add_test(NAME lua.${name} COMMAND ${LUA54} ${source} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(lua.${name} PROPERTIES
      ENVIRONMENT "${LUA_TEST_ENVIRONMENT};FLEXLAB_THREADS=1" TIMEOUT 900)
    list(FIND LONG_LUA_TESTS ${name} place)
    if(NOT place EQUAL -1)
      math(EXPR cost "200 - ${place}")
      set_tests_properties(lua.${name} PROPERTIES COST ${cost})
    elseif(NOT FLEXLAB_SANITIZE)
      add_test(NAME program.${name} COMMAND flexlab script ${source}
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(program.${name} PROPERTIES
        ENVIRONMENT "${LUA_TEST_ENVIRONMENT};FLEXLAB_THREADS=2" PROCESSORS 2 TIMEOUT ${LONGEST})
    endif()
  endforeach()
endif()
add_test(NAME layers COMMAND ${LUA54} tests/layers.lua WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
# A field of FLEX, and an op, as their lists promise, in a copy of the tree. The objects of sanitizers would need their
# flags again.
if(NOT FLEXLAB_SANITIZE)
  set(LINKED ${LIBRARIES})
  list(TRANSFORM LINKED REPLACE "^Threads::Threads$" "-pthread")
  list(TRANSFORM LINKED REPLACE "^([A-Za-z0-9_]+)$" "-l\\1")
  list(JOIN LINKED " " LINKED)
  foreach(name new_field new_op)
    add_test(NAME ${name} COMMAND ${LUA54} tests/${name}.lua ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}
      ${CMAKE_C_COMPILER} ${LINKED} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${LUA_TEST_ENVIRONMENT};FLEXLAB_THREADS=1" TIMEOUT 600)
  endforeach()
  set_tests_properties(new_op PROPERTIES COST 170 PROCESSORS 2)
endif()
# What is installed is the same in every build; an executable of a sanitizer needs its flags.
if(NOT FLEXLAB_SANITIZE)
  add_test(NAME dependencies COMMAND sh ${CMAKE_SOURCE_DIR}/tests/dependencies.sh ${CMAKE_SOURCE_DIR}
    ${CMAKE_C_COMPILER})
  add_test(NAME install COMMAND sh ${CMAKE_SOURCE_DIR}/tests/install.sh ${CMAKE_BINARY_DIR}
    ${CMAKE_SOURCE_DIR} ${CMAKE_C_COMPILER})
  add_test(NAME build_tools COMMAND sh ${CMAKE_SOURCE_DIR}/tests/build_tools.sh ${CMAKE_SOURCE_DIR}
    ${CMAKE_C_COMPILER})
endif()
