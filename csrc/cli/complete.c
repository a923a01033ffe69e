/*
** complete.c - what TAB offers: "flex.da" -> flex.data, "t:su" -> t:sum t:summary.
**
** The expression before the last '.' or ':' must be a chain of names. It is followed through raw
** fields and through __index that is a table, at most 20 of them; no metamethod runs, so completing
** never computes. Objects of the core keep their methods in the first upvalue of a C function
** __index, where lua_getupvalue finds them.
*/
#include <ctype.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define MOST_HOPS 20
#define MOST_NAMES 500

typedef struct {
  char *list[MOST_NAMES + 2]; /* [0]: the common part */
  int count;
} found;

/* Replaces the value on top by what its __index leads to, if that is a table; false if nothing. */
static int follow (lua_State *L) {
  if (!lua_getmetatable(L, -1))
    return 0;
  lua_pushliteral(L, "__index");
  lua_rawget(L, -2);
  if (lua_iscfunction(L, -1) && !lua_getupvalue(L, -1, 1))
    lua_pushnil(L);
  if (!lua_istable(L, -1))
    return 0;
  return 1;
}

static void add (found *f, const char *prefix, size_t prefix_size, const char *name) {
  const size_t n = strlen(name) + 1;
  for (int i = 1; i <= f->count; i++)
    if (strcmp(f->list[i] + prefix_size, name) == 0)
      return;
  char *text = f->count < MOST_NAMES ? malloc(prefix_size + n) : NULL;
  if (!text)
    return;
  memcpy(text, prefix, prefix_size);
  memcpy(text + prefix_size, name, n);
  f->list[++f->count] = text;
}

/* Adds the names of the table on top that begin with `start`. */
static void add_fields (lua_State *L, found *f, const char *prefix, size_t prefix_size,
                        const char *start, int functions_only) {
  const size_t n = strlen(start);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING && strncmp(lua_tostring(L, -2), start, n) == 0 &&
        (!functions_only || lua_isfunction(L, -1)) &&
        (n > 0 || strncmp(lua_tostring(L, -2), "__", 2) != 0))
      add(f, prefix, prefix_size, lua_tostring(L, -2));
}

/* Pushes what the chain of names of `size` bytes stands for; false if it is not one. */
static int push_owner (lua_State *L, const char *chain, size_t size) {
  lua_pushglobaltable(L);
  while (size > 0) {
    size_t n = 0;
    while (n < size && (isalnum((unsigned char)chain[n]) || chain[n] == '_'))
      n++;
    if (n == 0 || !lua_istable(L, -1))
      return 0;
    lua_pushlstring(L, chain, n);
    lua_rawget(L, -2);
    n += n < size; /* the dot */
    chain += n;
    size -= n;
  }
  return 1;
}

static char *common_part (char *const *names, int count) {
  size_t n = strlen(names[0]);
  for (int i = 1; i < count; i++)
    for (size_t k = 0; k < n; k++)
      if (names[i][k] != names[0][k])
        n = k;
  char *text = malloc(n + 1);
  if (text) {
    memcpy(text, names[0], n);
    text[n] = '\0';
  }
  return text;
}

static int by_bytes (const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

char **cli_complete (lua_State *L, const char *text) {
  static found f;
  const int top = lua_gettop(L);
  const char *last = text + strlen(text);
  while (last > text && last[-1] != '.' && last[-1] != ':')
    last--;
  const size_t prefix = (size_t)(last - text);
  f.count = 0;
  if (!lua_checkstack(L, 8 + 4 * MOST_HOPS))
    return NULL;
  if (push_owner(L, text, prefix ? prefix - 1 : 0)) {
    int hops = 0;
    const int method = prefix && last[-1] == ':';
    if (lua_istable(L, -1))
      add_fields(L, &f, text, prefix, last, method);
    while (hops++ < MOST_HOPS && follow(L))
      add_fields(L, &f, text, prefix, last, method);
  }
  lua_settop(L, top);
  if (f.count == 0)
    return NULL;
  qsort(f.list + 1, (size_t)f.count, sizeof *f.list, by_bytes);
  char **names = malloc(((size_t)f.count + 2) * sizeof *names);
  if (names) {
    memcpy(names + 1, f.list + 1, (size_t)f.count * sizeof *names);
    names[0] = common_part(names + 1, f.count);
    names[f.count + 1] = NULL;
  }
  return names;
}
