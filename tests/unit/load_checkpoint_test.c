/*
** load_checkpoint_test.c - the checkpoint of a network from C: weights and words arrive, averages are
** chosen where there are any, and nothing is lost when memory runs out.
*/
#include "base/alloc.h"
#include "check.h"
#include "io/archive.h"
#include "io/checkpoint.h"
#include "scratch.h"

/* HDF5 1.10.8 itself forgets blocks when a damaged file fails to open; read by LeakSanitizer. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions (void) { return "leak:libhdf5"; }

static const char network[] =
    "{\"channels\":[32],\"res_blocks\":[1],\"depth\":1,\"heads\":2,\"height\":4,\"width\":6,"
    "\"in_channels\":2,\"cond_channels\":2,\"use_transf\":false,\"skip\":true,\"circular\":true,"
    "\"weak_skips\":true,\"strong_skips\":false,\"strong_bottleneck\":true,"
    "\"embed_condition\":true,\"dropout\":0.25,\"condition_encoder\":true}";

static fx_flex *small (uint64_t seed) {
  fx_flex *net = NULL;
  fx_flex_config c = { .levels = 1,
                       .channels = { 32 },
                       .res_blocks = { 1 },
                       .depth = 1,
                       .heads = 2,
                       .height = 4,
                       .width = 6,
                       .in_channels = 2,
                       .cond_channels = 2,
                       .mlp_ratio = 2,
                       .skip = true,
                       .weak_skips = true,
                       .strong_bottleneck = true,
                       .embed_condition = true,
                       .condition_encoder = true };
  CHECK_STATUS(fx_flex_new(&c, seed, &net));
  return net;
}

/* Weights of seed 3; as averages, all 0.5, but only of the decoder's norm. The text `key`, if not
** NULL, is `value` instead of a good one. */
static const char *write_file (const char *name, const char *key, const char *value) {
  const char *path = scratch(name);
  fx_flex *net = small(3);
  const fx_params *ps = fx_flex_params(net);
  fx_archive *a = NULL;
  fx_tensor *half = NULL;
  char entry[300];
  CHECK_STATUS(fx_archive_new(&a));
  for (int i = 0; i < ps->count; i++) {
    snprintf(entry, sizeof entry, "model/%s", ps->list[i].name);
    CHECK_STATUS(fx_archive_add(a, entry, ps->list[i].value));
  }
  CHECK_STATUS(fx_tensor_new_zeros(FX_F32, 1, (int64_t[]){ 32 }, &half));
  fx_tensor_fill(half, 0.5);
  CHECK_STATUS(fx_archive_add(a, "ema/decoder.norm.weight", half));
  CHECK_STATUS(fx_archive_set_text(a, "network", network));
  CHECK_STATUS(fx_archive_set_text(a, "model",
                                   "{\"predict\":\"v\",\"schedule\":\"linear\",\"official\":false,"
                                   "\"shift\":2,\"limit\":false}"));
  CHECK_STATUS(fx_archive_set_text(
      a, "data", "{\"task\":\"superres\",\"factor\":2,\"degradation\":\"block_mean\"}"));
  CHECK_STATUS(fx_archive_set_text(a, "normalisation", "{\"mean\":[0.5,-1],\"std\":[2,4.25]}"));
  if (key)
    CHECK_STATUS(fx_archive_set_text(a, key, value));
  CHECK_STATUS(fx_archive_save(path, a));
  fx_archive_free(a);
  fx_tensor_release(half);
  fx_flex_free(net);
  return path;
}

static double at (fx_checkpoint *c, const char *name, int64_t i) {
  const fx_param *p = fx_params_find(fx_flex_params(c->net), name);
  CHECK(p != NULL);
  return p ? fx_tensor_get(p->value, i) : 0;
}

static void everything_arrives (void) {
  const char *path = write_file("a.h5", NULL, NULL),
             *weight = "decoder.output_blocks.0.0.in_layers.2.weight";
  fx_flex *net = small(3);
  fx_checkpoint c = { 0 };
  CHECK_STATUS(fx_checkpoint_load(path, false, &c));
  const fx_flex_config *config = fx_flex_config_of(c.net);
  CHECK(config->width == 6 && config->levels == 1 && config->circular && !config->strong_skips);
  CHECK_NEAR(config->dropout, 0.25, 0);
  CHECK(strcmp(c.predict, "v") == 0 && strcmp(c.schedule, "linear") == 0 && !c.official);
  CHECK(strcmp(c.task, "superres") == 0 && strcmp(c.degradation, "block_mean") == 0);
  CHECK(c.factor == 2 && c.shift == 2 && c.limit == 0);
  CHECK_NEAR(fx_tensor_get(c.mean, 1), -1, 0);
  CHECK_NEAR(fx_tensor_get(c.std, 1), 4.25, 0);
  CHECK_NEAR(at(&c, weight, 7),
             fx_tensor_get(fx_params_find(fx_flex_params(net), weight)->value, 7), 0);
  CHECK(at(&c, weight, 7) != 0);
  CHECK_NEAR(at(&c, "decoder.norm.weight", 0), 1, 0);
  fx_checkpoint_free(&c);
  CHECK(c.net == NULL);
  CHECK_STATUS(fx_checkpoint_load(path, true, &c));
  CHECK_NEAR(at(&c, "decoder.norm.weight", 31), 0.5, 0); /* averaged where there is an average */
  fx_checkpoint_free(&c);
  fx_checkpoint_free(&c);
  fx_flex_free(net);
}

/* What train.keep = "ema" and `flexlab prune` leave: the averaged weights serve, the last ones are refused. */
static void a_reduced_file_serves_its_averages (void) {
  char path[256];
  const char *whole = write_file("whole.h5", NULL, NULL);
  snprintf(path, sizeof path, "%s.reduced.h5", whole);
  fx_archive *a = NULL, *b = NULL;
  fx_checkpoint c = { 0 };
  CHECK_STATUS(fx_archive_load(whole, &a));
  CHECK_STATUS(fx_archive_new(&b));
  for (int64_t i = 0; i < fx_archive_count(a); i++)
    if (strcmp(fx_archive_name(a, i), "model/decoder.norm.weight") != 0)
      CHECK_STATUS(fx_archive_add(b, fx_archive_name(a, i), fx_archive_tensor(a, i)));
  for (int64_t i = 0; i < fx_archive_text_count(a); i++)
    CHECK_STATUS(fx_archive_set_text(b, fx_archive_text_key(a, i), fx_archive_text_value(a, i)));
  CHECK_STATUS(fx_archive_set_text(b, "kept", "ema"));
  CHECK_STATUS(fx_archive_save(path, b));
  CHECK_STATUS(fx_checkpoint_load(path, true, &c));
  CHECK_NEAR(at(&c, "decoder.norm.weight", 31), 0.5, 0);
  fx_checkpoint_free(&c);
  CHECK(fx_checkpoint_load(path, false, &c) == FX_EFORMAT);
  CHECK_MESSAGE("it holds the averaged weights alone");
  fx_archive_free(a);
  fx_archive_free(b);
}

/* `network` with `from` replaced by `to`. */
static const char *edited (const char *from, const char *to) {
  static char text[sizeof network + 64];
  const char *at = strstr(network, from);
  CHECK(at != NULL);
  snprintf(text, sizeof text, "%.*s%s%s", at ? (int)(at - network) : 0, network, to,
           at ? at + strlen(from) : "");
  return text;
}

static void refuse (const char *key, const char *value, fx_status wanted) {
  fx_checkpoint c = { 0 };
  const char *path = write_file("bad.h5", key, value);
  CHECK(fx_checkpoint_load(path, true, &c) == wanted);
  CHECK(c.net == NULL);
  CHECK_MESSAGE("bad.h5: ");
}

static void bad_texts_are_refused_by_name (void) {
  refuse("network", "[1]", FX_EFORMAT);
  CHECK_MESSAGE("the text 'network' is not a JSON object");
  refuse("network", "{", FX_EFORMAT);
  refuse("network", edited("\"depth\":1", "\"depth\":1.5"), FX_EFORMAT);
  CHECK_MESSAGE("'depth' of the text 'network' must be a whole number");
  refuse("network", edited("\"depth\":1", "\"depth\":1025"), FX_EARG);
  CHECK_MESSAGE("depth must be a whole number from 0 to 1024, not 1025");
  refuse("network", edited("\"heads\":2", "\"heads\":null"), FX_EFORMAT);
  refuse("network", edited("\"channels\":[32]", "\"channels\":[1e300]"), FX_EFORMAT);
  CHECK_MESSAGE("'channels'");
  refuse("network", edited("\"channels\":[32]", "\"channels\":[32,32]"), FX_EFORMAT);
  CHECK_MESSAGE("'res_blocks'");
  refuse("network", edited("\"skip\":true", "\"skip\":1"), FX_EFORMAT);
  CHECK_MESSAGE("'skip' of the text 'network' must be true or false");
  refuse("network", edited("\"condition_encoder\":true", "\"condition_encoder\":false"),
         FX_EUNSUPPORTED);
  CHECK_MESSAGE("written in Lua");
  refuse("network", edited("\"depth\":1", "\"lua\":\"backbone 'unet'\",\"depth\":1"),
         FX_EUNSUPPORTED);
  CHECK_MESSAGE("its backbone 'unet' is written in Lua");
  refuse("network", "{\"lua\":\"model 'multitask'\"}", FX_EUNSUPPORTED);
  refuse("network", edited("\"skip\":true", "\"skip\":true,\"rotary\":1"), FX_EFORMAT);
  CHECK_MESSAGE("'rotary' of the text 'network' must be true or false");
  refuse("network", edited("\"heads\":2", "\"rotary\":true,\"heads\":16"), FX_EARG);
  CHECK_MESSAGE("must be divisible by 4, not 2");
  refuse("network", edited("\"height\":4", "\"height\":8"), FX_ESHAPE);
  CHECK_MESSAGE("pos_embed' is (1,7,32), its network wants (1,13,32)");
  refuse("network", edited("\"use_transf\":false", "\"use_transf\":true"), FX_EFORMAT);
  CHECK_MESSAGE("is missing");
  refuse("normalisation", "{\"mean\":[0],\"std\":[1]}", FX_EFORMAT);
  CHECK_MESSAGE("must list 2 numbers");
  refuse("normalisation", "{\"mean\":[0,0],\"std\":[1,\"x\"]}", FX_EFORMAT);
  refuse("model", "{\"predict\":\"a word that is much too long to be the name of a choice\"}",
         FX_EFORMAT);
  CHECK_MESSAGE("'predict' of the text 'model' must be a word");
  refuse("data", "{\"task\":\"superres\",\"degradation\":\"nearest\",\"factor\":-2}", FX_EFORMAT);
}

/* A field that is younger than the file has its default; any other must be there, and no other may be. */
static void fields_are_as_old_as_the_list_says (void) {
  fx_checkpoint c = { 0 };
  char text[sizeof network + 128];
  refuse("network", edited("\"skip\":true,", ""), FX_EFORMAT);
  CHECK_MESSAGE("'skip' of the text 'network' is missing");
  refuse("network", edited("\"dropout\":0.25,", ""), FX_EFORMAT);
  CHECK_MESSAGE("'dropout' of the text 'network' is missing");
  refuse("network", edited("\"dropout\":0.25", "\"dropout\":false"), FX_EFORMAT);
  CHECK_MESSAGE("'dropout' of the text 'network' must be a number");
  refuse("network", edited("\"skip\":true", "\"version\":2,\"skip\":true"), FX_EFORMAT);
  CHECK_MESSAGE("'rotary' of the text 'network' is missing");
  refuse("network", edited("\"skip\":true", "\"version\":0,\"skip\":true"), FX_EUNSUPPORTED);
  snprintf(text, sizeof text, "\"version\":%d,\"skip\":true", fx_flex_version() + 1);
  refuse("network", edited("\"skip\":true", text), FX_EUNSUPPORTED);
  CHECK_MESSAGE("a newer one wrote it");
  refuse("network", edited("\"skip\":true", "\"skip\":true,\"Rotary\":true"), FX_EFORMAT);
  CHECK_MESSAGE("'Rotary' of the text 'network' is no part of a FLEX network");
  refuse("network", edited("\"skip\":true", "\"skip\":true,\"precision\":\"f16\""), FX_EFORMAT);
  CHECK_MESSAGE("'precision' of the text 'network' must be one of f32|bf16, not f16");
  const char *path =
      write_file("late.h5", "network",
                 edited("\"skip\":true", "\"skip\":true,\"seed\":5,\"precision\":\"bf16\""));
  CHECK_STATUS(fx_checkpoint_load(path, false, &c));
  CHECK(fx_flex_mode(c.net).precision == FX_PRECISION_BF16 && !fx_flex_config_of(c.net)->rotary);
  fx_checkpoint_free(&c);
}

static void running_out_of_memory_loses_nothing (void) {
  const char *path = write_file("b.h5", NULL, NULL);
  fx_checkpoint c = { 0 };
  fx_memory_stats before, after;
  int64_t k = 0;
  fx_status st;
  fx_memory(&before);
  do {
    k += 1 + k / 16; /* every one at first, then some of the many alike */
    fx_alloc_fail_at(k);
    st = fx_checkpoint_load(path, true, &c);
    CHECK(st == FX_OK || (st == FX_ENOMEM && c.net == NULL));
    fx_checkpoint_free(&c);
    fx_memory(&after);
    CHECK(after.live_blocks == before.live_blocks);
  } while (st != FX_OK && k < 5000);
  fx_alloc_fail_at(0);
  CHECK(st == FX_OK && k > 100);
}

int main (void) {
  CHECK(scratch_begin());
  everything_arrives();
  a_reduced_file_serves_its_averages();
  bad_texts_are_refused_by_name();
  fields_are_as_old_as_the_list_says();
  running_out_of_memory_loses_nothing();
  scratch_end();
  return check_report("load_checkpoint");
}
