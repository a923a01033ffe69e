# A thin front over CMake presets. `make demo` and `make test` each work first, alone, on a bare
# Debian 12 as root or with sudo: they install what is missing (tools/packages.sh) and build.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.PHONY: all demo test bench docs install clean packages release debug format lint

all: release

packages:
	@tools/packages.sh

release debug tsan: packages
	@cmake --preset $@ >/dev/null
	@cmake --build --preset $@ -j $(JOBS)

demo: release
	@build/release/flexlab run recipes/demo.lua

# FLEXLAB_WERROR: in tests a warning is an error.
test: packages
	@cmake --preset release -DFLEXLAB_WERROR=ON >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@cmake --preset debug -DFLEXLAB_WERROR=ON >/dev/null
	@cmake --build --preset debug -j $(JOBS)
	@tools/lint.sh
	@ctest --preset release
	@ctest --preset debug

bench: release
	@build/release/flexlab bench

# docs/reference.md and lua/flexlab.d.lua, from the tables of the program.
docs: release
	@LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" LUA_CPATH="build/release/lua/?.so;;" lua5.4 tools/reference.lua

install: release
	@cmake --install build/release --prefix $(PREFIX)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint: packages
	@tools/lint.sh

clean:
	@rm -rf build
