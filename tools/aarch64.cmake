# aarch64.cmake - CMake's toolchain for programs of aarch64 that run on another processor: Debian's cross compiler, the
# libraries of a folder that tools/test_aarch64.sh fills (FLEXLAB_ROOT), and qemu, which runs what was built.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(FLEXLAB_ROOT "$ENV{FLEXLAB_ROOT}" CACHE PATH "The libraries of aarch64")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES FLEXLAB_ROOT)
set(CMAKE_SYSROOT ${FLEXLAB_ROOT})
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
find_program(QEMU_AARCH64 NAMES qemu-aarch64-static qemu-aarch64 REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${QEMU_AARCH64} -L ${FLEXLAB_ROOT})
