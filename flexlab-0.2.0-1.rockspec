-- LuaRocks: `luarocks --lua-version 5.4 make` builds and installs this checkout. The packages that README.md lists must
-- be there; nothing is fetched. CMAKE_BUILD_PARALLEL_LEVEL=N in the environment builds with N processes.
rockspec_format = "3.0"
package = "flexlab"
version = "0.2.0-1"
source = {
  url = "git+file://.",   -- `make` takes the checkout it stands in
}
description = {
  summary = "A laboratory for diffusion models of spatio-temporal physics",
  detailed = [[
    FLEX (arXiv 2505.17351) in C, scripted in Lua: a turbulence solver, training, sampling, evaluation and reports.
    Every choice of the method is a word that a recipe names.]],
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua >= 5.4, < 5.5" }
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_C_FLAGS_RELEASE = "-O2 -g",
    FLEXLAB_TESTS = "OFF",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    FLEXLAB_LUA_FOLDER = "$(LUADIR)",
    FLEXLAB_CORE_FOLDER = "$(LIBDIR)",
    -- What is for C and for shells stays in the rock's own folder: LuaRocks has no place for it.
    CMAKE_INSTALL_LIBDIR = "c/lib",
    CMAKE_INSTALL_INCLUDEDIR = "c/include",
    CMAKE_INSTALL_DOCDIR = "doc",
  },
}
