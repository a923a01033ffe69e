/*
** checkpoint.c - see checkpoint.h. The file is treated as hostile: every number is checked before it
** is used, and the configuration as a whole by fx_flex_new.
*/
#include "io/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/alloc.h"
#include "io/archive.h"

/* A JSON text of the file being read; failures name it. */
typedef struct {
  const char *key;
  cJSON *json;
} text;

static fx_status open_text (const fx_archive *a, const char *key, text *t) {
  const char *value = fx_archive_text(a, key);
  *t = (text){ .key = key };
  if (!value)
    return fx_fail(FX_EFORMAT,
                   "the text '%s' is missing; is this the last.h5 of a run? (`flexlab convert` "
                   "makes one of other files)",
                   key);
  t->json = cJSON_Parse(value);
  if (!cJSON_IsObject(t->json)) {
    cJSON_Delete(t->json);
    t->json = NULL;
    return fx_fail(FX_EFORMAT, "the text '%s' is not a JSON object", key);
  }
  return FX_OK;
}

/* --- values ---------------------------------------------------------------------------------- */

/* A whole number small enough for any size of a network. */
static bool is_size (const cJSON *v) {
  return cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= 0x1p31 &&
         floor(v->valuedouble) == v->valuedouble;
}

static fx_status read_size (const text *t, const char *name, int64_t *out) {
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(t->json, name);
  if (!is_size(v))
    return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must be a whole number", name, t->key);
  *out = (int64_t)v->valuedouble;
  return FX_OK;
}

static fx_status read_flag (const text *t, const char *name, bool *out) {
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(t->json, name);
  if (!cJSON_IsBool(v))
    return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must be true or false", name, t->key);
  *out = cJSON_IsTrue(v);
  return FX_OK;
}

/* Absent, null and false give `otherwise`: false means "not set" in a recipe. */
static fx_status read_number (const text *t, const char *name, double otherwise, double *out) {
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(t->json, name);
  *out = cJSON_IsNumber(v) ? v->valuedouble : otherwise;
  if (v && !cJSON_IsNumber(v) && !cJSON_IsFalse(v) && !cJSON_IsNull(v))
    return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must be a number", name, t->key);
  return FX_OK;
}

static fx_status read_word (const text *t, const char *name, char out[FX_WORD_SIZE]) {
  const char *v = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(t->json, name));
  if (!v || strlen(v) >= FX_WORD_SIZE)
    return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must be a word", name, t->key);
  snprintf(out, FX_WORD_SIZE, "%s", v);
  return FX_OK;
}

/* One size a level; *levels is 0 before the first list. */
static fx_status read_levels (const text *t, const char *name, int64_t *out, int *levels) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(t->json, name);
  const int n = cJSON_GetArraySize(list);
  bool good = cJSON_IsArray(list) && n >= 1 && n <= FX_MAX_LEVELS && (!*levels || n == *levels);
  for (int i = 0; good && i < n; i++) {
    const cJSON *v = cJSON_GetArrayItem(list, i);
    good = is_size(v);
    out[i] = good ? (int64_t)v->valuedouble : 0;
  }
  if (!good)
    return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must list a whole number a level", name,
                   t->key);
  *levels = n;
  return FX_OK;
}

/* --- the four texts --------------------------------------------------------------------------- */

/* What the text may have beside the fields. Where `lua` is a word, a part of the network is no C; a size and a seed, which
** core.flex takes too, are told by the fields and by the weights. */
static bool is_beside (const char *name) {
  return fx_option_place("lua|version|size|seed", name) >= 0;
}

/* A name that is no field is refused: a network that leaves out what the file says is another one. */
static fx_status check_names (const text *t) {
  for (const cJSON *v = t->json->child; v; v = v->next) {
    const fx_option *row = fx_flex_fields;
    while (row->name && strcmp(row->name, v->string) != 0)
      row++;
    if (!row->name && !is_beside(v->string))
      return fx_fail(FX_EFORMAT, "'%.64s' of the text '%s' is no part of a FLEX network", v->string,
                     t->key);
  }
  return FX_OK;
}

/* The version of the list of fields that the writer had; files that do not say it are of the first. */
static fx_status read_version (const text *t, int64_t *out) {
  *out = 1;
  if (!cJSON_GetObjectItemCaseSensitive(t->json, "version"))
    return FX_OK;
  FX_TRY(read_size(t, "version", out));
  if (*out < 1 || *out > fx_flex_version())
    return fx_fail(FX_EUNSUPPORTED,
                   "its network is described as of version %" PRId64
                   ", this FlexLab knows versions 1 to %d: a newer one wrote it",
                   *out, fx_flex_version());
  return FX_OK;
}

static fx_status read_choice (const text *t, const fx_option *row, int *out) {
  char word[FX_WORD_SIZE];
  FX_TRY(read_word(t, row->name, word));
  *out = fx_option_place(row->words, word);
  if (*out < 0)
    return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must be one of %s, not %s", row->name, t->key,
                   row->words, word);
  return FX_OK;
}

static fx_status read_field (const text *t, const fx_option *row, fx_flex_config *c) {
  void *at = fx_option_at(row, c);
  switch (row->kind) {
  case FX_OPTION_SIZES: return read_levels(t, row->name, at, &c->levels);
  case FX_OPTION_SIZE: return read_size(t, row->name, at);
  case FX_OPTION_FLAG: return read_flag(t, row->name, at);
  case FX_OPTION_CHOICE: return read_choice(t, row, at);
  case FX_OPTION_NUMBER:
    if (!cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(t->json, row->name)))
      return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must be a number", row->name, t->key);
    return read_number(t, row->name, 0, at);
  default: return fx_fail(FX_EUNSUPPORTED, "'%s' is of a kind that no text has", row->name);
  }
}

/* Every field; one that is younger than the file is as it was before there was that choice: the default. */
static fx_status read_config (const text *t, fx_flex_config *c) {
  const char *lua = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(t->json, "lua"));
  int64_t version;
  *c = (fx_flex_config){ 0 };
  if (lua)
    return fx_fail(FX_EUNSUPPORTED,
                   "its %.64s is written in Lua; C knows FLEX's own (`flexlab sample` and Lua read "
                   "this file)",
                   lua);
  FX_TRY(read_version(t, &version));
  FX_TRY(check_names(t));
  fx_options_default(fx_flex_fields, c);
  for (const fx_option *row = fx_flex_fields; row->name; row++) {
    if (cJSON_GetObjectItemCaseSensitive(t->json, row->name))
      FX_TRY(read_field(t, row, c));
    else if (row->since <= version)
      return fx_fail(FX_EFORMAT, "'%s' of the text '%s' is missing", row->name, t->key);
  }
  if (!c->condition_encoder && (c->weak_skips || c->strong_skips || c->strong_bottleneck))
    return fx_fail(FX_EUNSUPPORTED, "its condition encoder is written in Lua; C knows FLEX's own");
  return FX_OK;
}

/* Bytes that a network may take which comes with these tensors: its text alone could ask for more than there is. */
static int64_t most_bytes (const fx_archive *a) {
  fx_memory_stats memory;
  double numbers = 0;
  for (int64_t i = 0; i < fx_archive_count(a); i++)
    numbers += (double)fx_tensor_count(fx_archive_tensor(a, i));
  fx_memory(&memory);
  return memory.live_bytes + (INT64_C(256) << 20) + (int64_t)(32 * numbers);
}

static fx_status read_network (const fx_archive *a, fx_checkpoint *c) {
  fx_flex_config config;
  text t;
  FX_TRY(open_text(a, "network", &t));
  fx_status st = read_config(&t, &config);
  cJSON_Delete(t.json);
  if (st != FX_OK)
    return st;
  const int64_t before = fx_alloc_limit(most_bytes(a));
  const fx_status made = fx_flex_new(&config, 0, &c->net);
  fx_alloc_limit(before);
  return made == FX_ENOMEM
             ? fx_fail_in(made, "the network of its text 'network' is larger than its tensors")
             : made;
}

static fx_status read_model (const fx_archive *a, fx_checkpoint *c) {
  fx_status st;
  text t;
  FX_TRY(open_text(a, "model", &t));
  FX_GOTO(read_word(&t, "predict", c->predict));
  FX_GOTO(read_word(&t, "schedule", c->schedule));
  FX_GOTO(read_flag(&t, "official", &c->official));
  FX_GOTO(read_number(&t, "shift", 1, &c->shift));
  FX_GOTO(read_number(&t, "limit", 0, &c->limit));
done:
  cJSON_Delete(t.json);
  return st;
}

static fx_status read_data (const fx_archive *a, fx_checkpoint *c) {
  fx_status st;
  text t;
  FX_TRY(open_text(a, "data", &t));
  FX_GOTO(read_word(&t, "task", c->task));
  if (strcmp(c->task, "superres") == 0) {
    FX_GOTO(read_word(&t, "degradation", c->degradation));
    FX_GOTO(read_size(&t, "factor", &c->factor));
  }
done:
  cJSON_Delete(t.json);
  return st;
}

/* The list `name` of `channels` numbers as a new tensor. */
static fx_status read_channels (const text *t, const char *name, int64_t channels,
                                fx_tensor **out) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(t->json, name);
  if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != channels)
    return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must list %" PRId64 " numbers, one a channel",
                   name, t->key, channels);
  FX_TRY(fx_tensor_new(FX_F32, 1, &channels, out));
  int64_t i = 0;
  for (const cJSON *v = list->child; v; v = v->next) {
    if (!cJSON_IsNumber(v))
      return fx_fail(FX_EFORMAT, "'%s' of the text '%s' must list numbers", name, t->key);
    fx_tensor_set(*out, i++, v->valuedouble);
  }
  return FX_OK;
}

static fx_status read_scale (const fx_archive *a, fx_checkpoint *c) {
  const int64_t channels = fx_flex_config_of(c->net)->in_channels;
  text t;
  FX_TRY(open_text(a, "normalisation", &t));
  fx_status st = read_channels(&t, "mean", channels, &c->mean);
  if (st == FX_OK)
    st = read_channels(&t, "std", channels, &c->std);
  cJSON_Delete(t.json);
  return st;
}

/* --- weights ---------------------------------------------------------------------------------- */

/* Which tensors are the network's: lua/flexlab/checkpoint/weights.lua has the same rules. A reduced file has ema/<name> alone
** of what is averaged. */
static fx_status read_weight (const fx_archive *a, const fx_param *p, bool averaged) {
  char name[512], has[FX_SHAPE_TEXT], wants[FX_SHAPE_TEXT];
  snprintf(name, sizeof name, "ema/%s", p->name);
  const fx_tensor *average = fx_archive_find(a, name), *t = averaged ? average : NULL;
  if (!t) {
    snprintf(name, sizeof name, "model/%s", p->name);
    t = fx_archive_find(a, name);
  }
  if (!t && average)
    return fx_fail(FX_EFORMAT, "it holds the averaged weights alone (train.keep, flexlab prune), "
                               "not the last ones");
  if (!t)
    return fx_fail(FX_EFORMAT, "the tensor '%s' is missing", name);
  if (!fx_same_shape(t, p->value))
    return fx_fail(FX_ESHAPE, "'%s' is %s, its network wants %s", name, fx_shape_text(t, has),
                   fx_shape_text(p->value, wants));
  return fx_tensor_copy(p->value, t);
}

static fx_status read_all (const fx_archive *a, bool averaged, fx_checkpoint *c) {
  FX_TRY(read_network(a, c));
  FX_TRY(read_model(a, c));
  FX_TRY(read_data(a, c));
  FX_TRY(read_scale(a, c));
  const fx_params *ps = fx_flex_params(c->net);
  for (int i = 0; i < ps->count; i++)
    FX_TRY(read_weight(a, &ps->list[i], averaged));
  return FX_OK;
}

fx_status fx_checkpoint_load (const char *path, bool averaged, fx_checkpoint *out) {
  fx_checkpoint c = { 0 };
  fx_archive *a = NULL;
  FX_TRY(fx_archive_load(path, &a));
  const fx_status st = read_all(a, averaged, &c);
  fx_archive_free(a);
  if (st != FX_OK) {
    fx_checkpoint_free(&c);
    return fx_fail_in(st, "%s", path);
  }
  *out = c;
  return FX_OK;
}

void fx_checkpoint_free (fx_checkpoint *c) {
  fx_flex_free(c->net);
  fx_tensor_release(c->mean);
  fx_tensor_release(c->std);
  *c = (fx_checkpoint){ 0 };
}
