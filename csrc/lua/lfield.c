/*
** lfield.c - core.io.field and core.io.field_writer: fields over time, read from files of arrays, written as HDF5.
**
** Frames, rows, columns and channels count from 1 here and from 0 in C. A rectangle outside the
** field is a mistake and raises; what the file does is nil and a message.
*/
#include "lua/lfx.h"

#include <string.h>

#include "base/alloc.h"
#include "io/field.h"

#define FIELD "flexlab.Field"
#define WRITER "flexlab.FieldWriter"

/* --- reader ----------------------------------------------------------------------------------- */

typedef struct {
  fx_field *field;
} reader;

static fx_field *self (lua_State *L) {
  const reader *r = luaL_checkudata(L, 1, FIELD);
  if (!r->field)
    luaL_error(L, "field: the file is closed already");
  return r->field;
}

static int io_field (lua_State *L) {
  const char *path = luaL_checkstring(L, 1), *dataset = luaL_optstring(L, 2, NULL);
  reader *r = lua_newuserdatauv(L, sizeof *r, 0);
  r->field = NULL;
  luaL_setmetatable(L, FIELD);
  const fx_status st = fx_field_open(path, dataset, &r->field);
  return st == FX_OK ? 1 : lfx_refused(L, st);
}

static int field_close (lua_State *L) {
  reader *r = luaL_checkudata(L, 1, FIELD);
  fx_field_close(r->field);
  r->field = NULL;
  return 0;
}

/* Absent is nil alone; any other failure is nil and the message. */
static int absent (lua_State *L, fx_status st) {
  if (st != FX_EARG)
    return lfx_refused(L, st);
  lua_pushnil(L);
  return 1;
}

static int field_number (lua_State *L) {
  double v;
  const fx_status st = fx_field_number(self(L), luaL_checkstring(L, 2), &v);
  if (st != FX_OK)
    return absent(L, st);
  lua_pushnumber(L, v);
  return 1;
}

static void end_text (void *payload) { fx_free(*(char **)payload); }

static int field_text (lua_State *L) {
  const fx_field *f = self(L);
  const char *key = luaL_checkstring(L, 2);
  char **text = lfx_push_guard(L, sizeof *text, end_text);
  const fx_status st = fx_field_text(f, key, text);
  if (st != FX_OK)
    return absent(L, st);
  lua_pushstring(L, *text);
  lfx_guard_end(text);
  return 1;
}

static int field_array (lua_State *L) {
  const fx_field *f = self(L);
  const char *key = luaL_checkstring(L, 2);
  lfx_handle *h = lfx_push_handle(L);
  const fx_status st = fx_field_array(f, key, &h->t);
  if (st != FX_OK)
    return absent(L, st);
  const int64_t n = fx_tensor_count(h->t);
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    lua_pushnumber(L, fx_tensor_get(h->t, i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* A range along one axis: where it starts (an option, from 1 or -1), and how long it is. */
static void range (const lfx_options *o, const char *from, const char *length, int64_t size,
                   int64_t *start, int64_t *n) {
  *start = lfx_int(o, from, 1);
  if (*start == 0 || *start > size || *start < -size)
    luaL_error(o->L, "read: '%s' is %I, the field has %I", from, (LUAI_UACINT)*start,
               (LUAI_UACINT)size);
  *start = *start > 0 ? *start - 1 : *start + size;
  *n = lfx_int(o, length, size - *start);
  if (*n < 1 || *n > size - *start)
    luaL_error(o->L, "read: '%s' = %I from '%s' = %I does not lie in the field's %I", length,
               (LUAI_UACINT)*n, from, (LUAI_UACINT)(*start + 1), (LUAI_UACINT)size);
}

static int field_read (lua_State *L) {
  static const char *const known[] = { "frame",   "y",        "x",     "height", "width",
                                       "channel", "channels", "check", NULL };
  const fx_field *f = self(L);
  int64_t y, x, h, w, channel, channels;
  fx_status st;
  luaL_checktype(L, 2, LUA_TTABLE);
  const lfx_options o = lfx_read_options(L, 2, "read", known, false);
  const int64_t given = lfx_int(&o, "frame", 0);
  if (given == 0)
    return luaL_error(L, "read: 'frame' must be given, 1..%I", (LUAI_UACINT)f->frames);
  const int64_t frame = lfx_index(L, "read: 'frame'", given, f->frames);
  range(&o, "y", "height", f->height, &y, &h);
  range(&o, "x", "width", f->width, &x, &w);
  range(&o, "channel", "channels", f->channels, &channel, &channels);
  const bool check = lfx_flag(&o, "check", true);
  lfx_budget(L);
  lfx_handle *t = lfx_push_handle(L);
  LFX_TRY(L, st, fx_field_read(f, frame, channel, channels, y, x, h, w, &t->t));
  if (st == FX_OK && check)
    st = fx_field_check(f, frame, channel, y, x, t->t);
  return st == FX_OK ? 1 : lfx_refused(L, st);
}

/* upvalue 1: the methods */
static int field_index (lua_State *L) {
  static const char *const properties[] = { "frames",  "channels", "height", "width",
                                            "dataset", "path",     NULL };
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  const fx_field *f = self(L);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "frames") == 0)
    lua_pushinteger(L, f->frames);
  else if (strcmp(key, "channels") == 0)
    lua_pushinteger(L, f->channels);
  else if (strcmp(key, "height") == 0)
    lua_pushinteger(L, f->height);
  else if (strcmp(key, "width") == 0)
    lua_pushinteger(L, f->width);
  else if (strcmp(key, "dataset") == 0)
    lua_pushstring(L, f->dataset);
  else if (strcmp(key, "path") == 0)
    lua_pushstring(L, f->path);
  else
    return lfx_no_field(L, FIELD, lua_upvalueindex(1), properties);
  return 1;
}

/* --- writer ----------------------------------------------------------------------------------- */

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

void lfx_open_field (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", field_close },
                                   { "__close", field_close },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = { { "read", field_read },   { "number", field_number },
                                      { "text", field_text },   { "array", field_array },
                                      { "close", field_close }, { NULL, NULL } };
  static const luaL_Reg writer_meta[] = { { "__gc", writer_abandon },
                                          { "__close", writer_abandon },
                                          { NULL, NULL } };
  static const luaL_Reg writer_methods[] = {
    { "append", writer_append },   { "number", writer_number },
    { "text", writer_text },       { "array", writer_array },
    { "plane", writer_plane },     { "finish", writer_finish },
    { "flush", writer_flush },     { "leave", writer_leave },
    { "abandon", writer_abandon }, { NULL, NULL }
  };
  lfx_class(L, FIELD, meta, NULL);
  luaL_getmetatable(L, FIELD);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushcclosure(L, field_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lfx_class(L, WRITER, writer_meta, writer_methods);
  lua_getfield(L, -1, "io");
  lua_pushcfunction(L, io_field);
  lua_setfield(L, -2, "field");
  lua_pushcfunction(L, io_field_writer);
  lua_setfield(L, -2, "field_writer");
  lua_pop(L, 1);
}
