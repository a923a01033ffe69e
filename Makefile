# A thin front over CMake presets. `make demo` and `make test` each work first, alone, on a bare
# Debian 12 or 13 as root or with sudo: they install what is missing (tools/packages.sh) and build.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
BEGAN := $(shell date +%s)
# On a terminal the build is one line that counts; elsewhere only warnings and errors are shown.
QUIET := $(shell test -t 2 || echo --quiet)

# The compiler that was asked for (make test CC=clang-16), if one was.
CHOSEN_CC := $(if $(filter default undefined,$(origin CC)),,$(CC))
# A folder that another generator made, or another compiler than the one asked for, is made anew.
define build
@tools/fresh.sh build/$(1) $(CHOSEN_CC)
@cmake --preset $(1) $(2) >/dev/null
@echo "flexlab: building ($(1), $$(sed -n 's/^set(CMAKE_C_COMPILER "\(.*\)")/\1/p' \
  build/$(1)/CMakeFiles/*/CMakeCCompiler.cmake | tail -n 1))"
@cmake --build --preset $(1) -j $(JOBS) -- $(QUIET)
endef

.PHONY: all packages release debug tsan demo test check-all fuzz clients bench docs bench-peer check-samples install uninstall format lint aarch64 test-aarch64 coverage clean

all: release

packages:
	@tools/packages.sh

release debug tsan: packages
	$(call build,$@)

demo: release
	@build/release/flexlab run recipes/demo.lua
	@s=$$(( $$(date +%s) - $(BEGAN) )); \
	  printf 'make demo took %d:%02d, packages and building included\n' $$((s / 60)) $$((s % 60))

# FLEXLAB_WERROR: in tests a warning is an error.
test: packages
	$(call build,release,-DFLEXLAB_WERROR=ON)
	$(call build,debug,-DFLEXLAB_WERROR=ON)
	@tools/check_aarch64.sh
	@ctest --preset release -j $(JOBS)
	@ctest --preset debug -j $(JOBS)

# What takes longer than a push should wait for; tests/README.md says how long. What the machine lacks is SKIPPED,
# by name.
check-all:
	@JOBS=$(JOBS) tools/check_all.sh

# The readers of files against bytes that nobody wrote: FUZZ_SECONDS (60) for each harness of tests/fuzz.
fuzz:
	@tools/fuzz.sh

# What we write, read by others.
clients: release
	@tools/clients.sh

bench: release
	@build/release/flexlab bench

# docs/reference.md and lua/flexlab.d.lua, from the tables of the program.
docs: release
	@LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" LUA_CPATH="build/release/lua/?.so;;" lua5.4 tools/reference.lua

# Against PyTorch, for developers: bench/README.md says how to get an interpreter that has it.
PYTHON ?= python3
bench-peer: release
	@$(PYTHON) bench/compare.py $(BENCH)

# Real files of Debian's and PyPI's packages against netCDF4 and h5py, for developers; SKIPPED without a network.
check-samples: release
	@tools/check_samples.sh

install: release
	@cmake --install build/release --prefix "$(PREFIX)"

# What an installation has written there, of whatever version; needs no build.
uninstall:
	@tools/uninstall.sh "$(PREFIX)"

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# What the style check needs, nobody else does.
lint:
	@tools/packages.sh style
	@tools/lint.sh

# All C sources through a compiler for aarch64, where it is installed.
aarch64: release
	@tools/check_aarch64.sh

# The C tests, parity and a nano on aarch64, in qemu, where it is installed: about ten minutes.
test-aarch64:
	@JOBS=$(JOBS) tools/test_aarch64.sh

# Which lines of csrc the tests execute.
coverage: packages
	@JOBS=$(JOBS) tools/coverage.sh

clean:
	@rm -rf build
