/*
** lio.c - core.io: checkpoints (archives) and pictures. Fields over time are written by lfieldwriter.c.
**
** An archive is { names = {...}, tensors = {name = tensor}, text = {key = string} }; `names` is the
** order in the file. When saving, names may be left out (byte order then), and texts may be numbers
** or booleans. Files belong to the world: failures are nil and a message.
*/
#include "lua/lfx.h"

#include "base/alloc.h"
#include "io/archive.h"
#include "io/png.h"

/* --- archives --------------------------------------------------------------------------------- */

static void end_archive (void *payload) { fx_archive_free(*(fx_archive **)payload); }

static void push_archive (lua_State *L, const fx_archive *a) {
  const int64_t tensors = fx_archive_count(a), texts = fx_archive_text_count(a);
  lua_createtable(L, 0, 3);
  lua_createtable(L, (int)tensors, 0);
  lua_createtable(L, 0, (int)tensors);
  for (int64_t i = 0; i < tensors; i++) {
    lua_pushstring(L, fx_archive_name(a, i));
    lua_pushvalue(L, -1);
    lua_rawseti(L, -4, i + 1);
    lfx_push_tensor(L, fx_archive_tensor(a, i), false);
    lua_rawset(L, -3);
  }
  lua_setfield(L, -3, "tensors");
  lua_setfield(L, -2, "names");
  lua_createtable(L, 0, (int)texts);
  for (int64_t i = 0; i < texts; i++) {
    lua_pushstring(L, fx_archive_text_key(a, i));
    lua_pushstring(L, fx_archive_text_value(a, i));
    lua_rawset(L, -3);
  }
  lua_setfield(L, -2, "text");
}

static int io_load (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  fx_status st;
  lfx_budget(L);
  fx_archive **a = lfx_push_guard(L, sizeof *a, end_archive);
  LFX_TRY(L, st, fx_archive_load(path, a));
  if (st != FX_OK)
    return lfx_refused(L, st);
  push_archive(L, *a);
  lfx_guard_end(a);
  return 1;
}

/* Adds the tensor called `name` of the table at `tensors`. */
static void add_tensor (lua_State *L, fx_archive *a, int tensors, const char *name) {
  lua_getfield(L, tensors, name);
  const lfx_handle *h = lfx_test_handle(L, -1);
  if (!h)
    luaL_error(L, "save: tensors['%s'] must be a tensor, got %s", name, lfx_describe(L, -1));
  lfx_check(L, fx_archive_add(a, name, h->t), "save");
  lua_pop(L, 1);
}

static void add_tensors (lua_State *L, fx_archive *a, const lfx_options *o) {
  int count;
  if (!lfx_option(o, "tensors"))
    return;
  if (!lua_istable(L, -1))
    luaL_error(L, "save: 'tensors' must be a table of tensors by name, got %s",
               lfx_describe(L, -1));
  const int tensors = lua_gettop(L);
  const char **keys = lfx_push_sorted_keys(L, tensors, "save", &count);
  if (!lfx_option(o, "names")) {
    for (int i = 0; i < count; i++)
      add_tensor(L, a, tensors, keys[i]);
    lua_pop(L, 2);
    return;
  }
  if (!lua_istable(L, -1) || (int)lua_rawlen(L, -1) != count)
    luaL_error(L, "save: 'names' must list each of the %d tensors once", count);
  for (int i = 0; i < count; i++) {
    if (lua_rawgeti(L, tensors + 2, i + 1) != LUA_TSTRING)
      luaL_error(L, "save: entry %d of 'names' must be a string, got %s", i + 1,
                 lfx_describe(L, -1));
    add_tensor(L, a, tensors, lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_pop(L, 3);
}

static void add_texts (lua_State *L, fx_archive *a, const lfx_options *o) {
  int count;
  if (!lfx_option(o, "text"))
    return;
  if (!lua_istable(L, -1))
    luaL_error(L, "save: 'text' must be a table of strings by name, got %s", lfx_describe(L, -1));
  const int text = lua_gettop(L);
  const char **keys = lfx_push_sorted_keys(L, text, "save", &count);
  for (int i = 0; i < count; i++) {
    const int type = lua_getfield(L, text, keys[i]);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
      luaL_error(L, "save: text['%s'] must be a string, got %s", keys[i], lfx_describe(L, -1));
    if (type == LUA_TNUMBER && !lua_isinteger(L, -1))
      lfx_check(L, fx_archive_set_number(a, keys[i], lua_tonumber(L, -1)), "save");
    else
      lfx_check(L, fx_archive_set_text(a, keys[i], luaL_tolstring(L, -1, NULL)), "save");
    lua_settop(L, text + 1);
  }
  lua_pop(L, 2);
}

static int io_save (lua_State *L) {
  static const char *const known[] = { "names", "tensors", "text", NULL };
  const char *path = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  const lfx_options o = lfx_read_options(L, 2, "save", known, false);
  fx_archive **a = lfx_push_guard(L, sizeof *a, end_archive);
  fx_status st;
  lfx_check(L, fx_archive_new(a), "save");
  add_tensors(L, *a, &o);
  add_texts(L, *a, &o);
  LFX_TRY(L, st, fx_archive_save(path, *a));
  lfx_guard_end(a);
  return lfx_done(L, st);
}

/* --- pictures --------------------------------------------------------------------------------- */

/* Pushes a buffer with the pixels of the tensor at idx, (H,W,3) in 0..1; NaN becomes black. */
static unsigned char *push_pixels (lua_State *L, int idx, const char *what, int64_t *w,
                                   int64_t *h) {
  char shape[FX_SHAPE_TEXT];
  const fx_tensor *t = lfx_check_tensor(L, idx, what, "picture (H,W,3)");
  if (t->ndim != 3 || t->shape[2] != 3)
    luaL_error(L, "%s: a picture must be (H,W,3), not %s", what, fx_shape_text(t, shape));
  const int64_t n = fx_tensor_count(t);
  unsigned char *rgb = lua_newuserdatauv(L, (size_t)n + 1, 0);
  for (int64_t i = 0; i < n; i++) {
    const double v = fx_tensor_get(t, i);
    rgb[i] = (unsigned char)(v >= 1 ? 255 : v > 0 ? (int)(v * 255 + 0.5) : 0);
  }
  *h = t->shape[0];
  *w = t->shape[1];
  return rgb;
}

static int io_png (lua_State *L) {
  int64_t w, h;
  const char *path = luaL_checkstring(L, 1);
  const unsigned char *rgb = push_pixels(L, 2, "png", &w, &h);
  return lfx_done(L, fx_png_write_rgb(path, w, h, rgb));
}

static void end_block (void *payload) { fx_free(*(void **)payload); }

static int io_png_encode (lua_State *L) {
  int64_t w, h;
  size_t n;
  const unsigned char *rgb = push_pixels(L, 1, "png_encode", &w, &h);
  unsigned char **bytes = lfx_push_guard(L, sizeof *bytes, end_block);
  lfx_check(L, fx_png_encode_rgb(w, h, rgb, bytes, &n), "png_encode");
  lua_pushlstring(L, (const char *)*bytes, n);
  lfx_guard_end(bytes);
  return 1;
}

void lfx_open_io (lua_State *L) {
  static const luaL_Reg functions[] = { { "load", io_load },
                                        { "save", io_save },
                                        { "png", io_png },
                                        { "png_encode", io_png_encode },
                                        { NULL, NULL } };
  lfx_functions(L, "io", functions);
}
