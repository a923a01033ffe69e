/*
** lfieldwriter.c - core.io.field_writer: fields over time, written as HDF5 (io/h5_field_writer.h).
*/
#include "lua/lfx.h"

#include "io/h5_field_writer.h"

#define WRITER "flexlab.FieldWriter"

typedef struct {
  fx_field_writer *writer;
} writer;

static fx_field_writer *open_writer (lua_State *L) {
  const writer *w = luaL_checkudata(L, 1, WRITER);
  if (!w->writer)
    luaL_error(L, "field_writer: the file is finished or abandoned already");
  return w->writer;
}

static int io_field_writer (lua_State *L) {
  static const char *const known[] = { "dataset", "frames", "height", "width", "channels",
                                       "deflate", "chunk",  "done",   NULL };
  const char *path = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  const lfx_options o = lfx_read_options(L, 2, "field_writer", known, false);
  const int64_t deflate = lfx_int(&o, "deflate", 0);
  if (deflate < 0 || deflate > 9) /* before it is cut to an int */
    return luaL_error(L, "field_writer: 'deflate' must be 0 (off) to 9, got %I",
                      (LUAI_UACINT)deflate);
  const fx_field_layout layout = { .dataset = lfx_string(&o, "dataset", NULL),
                                   .frames = lfx_int(&o, "frames", 0),
                                   .channels = lfx_int(&o, "channels", 1),
                                   .height = lfx_int(&o, "height", 0),
                                   .width = lfx_int(&o, "width", 0),
                                   .deflate = (int)deflate,
                                   .chunk = lfx_int(&o, "chunk", 0) };
  if (layout.frames < 1 || layout.channels < 1 || layout.height < 1 || layout.width < 1)
    return luaL_error(L, "field_writer: 'frames', 'height', 'width' and 'channels' must be at "
                         "least 1");
  writer *w = lua_newuserdatauv(L, sizeof *w, 0);
  w->writer = NULL;
  luaL_setmetatable(L, WRITER);
  const int64_t done = lfx_int(&o, "done", -1); /* absent: a temporary of this process */
  const fx_status st = done < 0 ? fx_field_writer_create(path, &layout, &w->writer)
                                : fx_field_writer_resume(path, &layout, done, &w->writer);
  return st == FX_OK ? 1 : lfx_refused(L, st);
}

static int writer_append (lua_State *L) {
  fx_field_writer *w = open_writer(L);
  const fx_tensor *t = lfx_check_tensor(L, 2, "append", "frame");
  return lfx_done(L, fx_field_writer_append(w, t));
}

static int writer_number (lua_State *L) {
  fx_field_writer *w = open_writer(L);
  const char *key = luaL_checkstring(L, 2);
  return lfx_done(L, fx_field_writer_number(w, key, lfx_to_number(L, 3, "number", "value")));
}

static int writer_text (lua_State *L) {
  fx_field_writer *w = open_writer(L);
  const char *key = luaL_checkstring(L, 2);
  const char *text = luaL_checkstring(L, 3), *dataset = luaL_optstring(L, 4, NULL);
  return lfx_done(L, dataset ? fx_field_writer_attribute(w, dataset, key, text)
                             : fx_field_writer_text(w, key, text));
}

static int writer_array (lua_State *L) {
  fx_field_writer *w = open_writer(L);
  const char *key = luaL_checkstring(L, 2);
  int64_t n;
  const double *values = lfx_push_numbers(L, 3, "array", "values", &n);
  return lfx_done(L, fx_field_writer_array(w, key, n, values));
}

static int writer_plane (lua_State *L) {
  fx_field_writer *w = open_writer(L);
  const char *key = luaL_checkstring(L, 2);
  return lfx_done(L, fx_field_writer_plane(w, key, lfx_check_tensor(L, 3, "plane", "plane")));
}

static int writer_finish (lua_State *L) {
  fx_field_writer *w = open_writer(L);
  ((writer *)lua_touserdata(L, 1))->writer = NULL;
  return lfx_done(L, fx_field_writer_finish(w));
}

static int writer_flush (lua_State *L) {
  return lfx_done(L, fx_field_writer_flush(open_writer(L)));
}

static int writer_leave (lua_State *L) {
  writer *w = luaL_checkudata(L, 1, WRITER);
  fx_field_writer_leave(w->writer);
  w->writer = NULL;
  return 0;
}

static int writer_abandon (lua_State *L) {
  writer *w = luaL_checkudata(L, 1, WRITER);
  fx_field_writer_abandon(w->writer);
  w->writer = NULL;
  return 0;
}

void lfx_open_field_writer (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", writer_abandon },
                                   { "__close", writer_abandon },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = { { "append", writer_append },   { "number", writer_number },
                                      { "text", writer_text },       { "array", writer_array },
                                      { "plane", writer_plane },     { "finish", writer_finish },
                                      { "flush", writer_flush },     { "leave", writer_leave },
                                      { "abandon", writer_abandon }, { NULL, NULL } };
  lfx_class(L, WRITER, meta, methods);
  lua_getfield(L, -1, "io");
  lua_pushcfunction(L, io_field_writer);
  lua_setfield(L, -2, "field_writer");
  lua_pop(L, 1);
}
