/* safetensors_test.c - round trips, every dtype, and each rule of the format broken once. */
#include <inttypes.h>

#include "archives.h"
#include "base/alloc.h"
#include "scratch.h"

static fx_archive *sample (void) {
  fx_archive *a = NULL;
  CHECK_STATUS(fx_archive_new(&a));
  add(a, "half", ramp(FX_F16, 1, (int64_t[]){ 3 }));
  add(a, "model/encoder.pos_embed", ramp(FX_F32, 3, (int64_t[]){ 1, 5, 2 }));
  add(a, "scalar", ramp(FX_F64, 0, NULL));
  add(a, "empty", ramp(FX_F32, 2, (int64_t[]){ 0, 4 }));
  add(a, "bf \"16\"\n", ramp(FX_BF16, 2, (int64_t[]){ 7, 1 }));
  CHECK_STATUS(fx_archive_set_text(a, "config", "{\"a\": [1, 2]}\nü"));
  CHECK_STATUS(fx_archive_set_number(a, "step", 12345678901.0));
  return a;
}

static void round_trip_is_bit_exact (void) {
  fx_archive *a = sample(), *b = NULL;
  CHECK_STATUS(fx_archive_save(scratch("a.safetensors"), a));
  CHECK_STATUS(fx_archive_load(scratch("a.safetensors"), &b));
  CHECK(b && same_archive(a, b));
  CHECK(scratch_count() == 1);
  fx_archive_free(a);
  fx_archive_free(b);
}

/* Writes header and `size` bytes 1, 2, 3, ... and loads that. */
static fx_status load_header (const char *header, size_t size, fx_archive **out) {
  unsigned char bytes[2048] = { 0 };
  const size_t n = strlen(header);
  bytes[0] = (unsigned char)n;
  bytes[1] = (unsigned char)(n >> 8);
  memcpy(bytes + 8, header, n);
  for (size_t i = 0; i < size; i++)
    bytes[8 + n + i] = (unsigned char)(i + 1);
  scratch_put(scratch("h.safetensors"), bytes, 8 + n + size);
  return fx_archive_load(scratch("h.safetensors"), out);
}

static void integers_become_f64 (void) {
  static const struct {
    const char *dtype;
    size_t size;
    double value;
  } cases[] = {
    { "U8", 1, 1 },
    { "I8", 1, 1 },
    { "BOOL", 1, 1 },
    { "U16", 2, 0x201 },
    { "I16", 2, 0x201 },
    { "U32", 4, 0x4030201 },
    { "I32", 4, 0x4030201 },
    { "I64", 8, 0x807060504030201.0p0 },
    { "U64", 8, 0x807060504030201.0p0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char header[128];
    fx_archive *a = NULL;
    snprintf(header, sizeof header,
             "{\"t\":{\"dtype\":\"%s\",\"shape\":[],\"data_offsets\":[0,%zu]}}", cases[i].dtype,
             cases[i].size);
    CHECK_STATUS(load_header(header, cases[i].size, &a));
    const fx_tensor *t = a ? fx_archive_find(a, "t") : NULL;
    CHECK(t && t->dtype == FX_F64 && t->ndim == 0);
    if (t)
      CHECK_NEAR(fx_tensor_get(t, 0), cases[i].value, 0.0);
    fx_archive_free(a);
  }
}

static void refused (const char *header, size_t size, const char *message, int line) {
  fx_archive *a = NULL;
  const int good = load_header(header, size, &a) == FX_EFORMAT && strstr(fx_errmsg(), message) &&
                   strstr(fx_errmsg(), "h.safetensors");
  check_one(good, __FILE__, line, message);
  if (!good)
    printf("  it says: %s\n", a ? "nothing, it loads" : fx_errmsg());
  fx_archive_free(a);
}
#define REFUSED(header, size, message) refused(header, size, message, __LINE__)
#define T(name, shape, from, to) \
  "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void rules_of_the_format_hold (void) {
  fx_archive *a = NULL;
  CHECK_STATUS(load_header("{" T("a", "[2]", 0, 8) "," T("b", "[]", 8, 12) "}   ", 12, &a));
  fx_archive_free(a);
  CHECK_STATUS(load_header("{}", 0, &a));
  fx_archive_free(a);
  REFUSED("{" T("a", "[2]", 0, 8) "," T("a", "[1]", 8, 12) "}", 12, "two tensors called 'a'");
  REFUSED("{" T("a", "[2]", 0, 8) "," T("b", "[2]", 4, 12) "}", 12, "overlapping");
  REFUSED("{" T("a", "[2]", 0, 8) "," T("b", "[1]", 12, 16) "}", 16, "a hole");
  REFUSED("{" T("a", "[2]", 4, 12) "}", 12, "a hole");
  REFUSED("{" T("a", "[2]", 0, 8) "}", 9, "something was appended");
  REFUSED("{" T("a", "[2]", 0, 8) "}", 7, "claims more elements than 7 bytes");
  REFUSED("{" T("a", "[1]", 0, 4) "," T("b", "[1]", 4, 8) "}", 7, "cut off");
  REFUSED("{" T("a", "[2]", 8, 0) "}", 8, "not integers >= 0");
  REFUSED("{" T("a", "[3]", 0, 8) "}", 8, "claims more");
  REFUSED("{" T("a", "[1]", 0, 8) "}", 8, "has 8 bytes, but its shape and dtype make 4");
  REFUSED("{" T("a", "[-2]", 0, 8) "}", 8, "not integers");
  REFUSED("{" T("a", "[1.5]", 0, 8) "}", 8, "not integers");
  REFUSED("{" T("a", "[1e300]", 0, 8) "}", 8, "not integers");
  REFUSED("{" T("a", "\"2\"", 0, 8) "}", 8, "not integers");
  REFUSED("{" T("a", "[4294967296,4294967296,4294967296]", 0, 8) "}", 8, "claims more");
  REFUSED("{" T("a", "[1,1,1,1,1,1,2]", 0, 8) "}", 8, "7 axes");
  REFUSED("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}}", 8,
          "dtype F8_E4M3, which is not read here");
  REFUSED("{\"a\":{\"dtype\":7,\"shape\":[8],\"data_offsets\":[0,8]}}", 8, "dtype missing");
  REFUSED("{\"a\":{\"dtype\":\"U8\",\"shape\":[8]}}", 8, "not {dtype, shape, data_offsets}");
  REFUSED("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"shape\":[8],\"data_offsets\":[0,8]}}", 8,
          "not {dtype, shape, data_offsets}");
  REFUSED("{\"a\":[1]}", 8, "not {dtype");
  REFUSED("{\"__metadata__\":{\"a\":1}}", 0, "'a' is not a text");
  REFUSED("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "'a' occurs twice");
  REFUSED("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ occurs twice");
  REFUSED("{\"__metadata__\":[]}", 0, "not an object");
  REFUSED("{" T("a\\u0000b", "[2]", 0, 8) "}", 8, "zero character");
  REFUSED("{" T("", "[2]", 0, 8) "}", 8, "needs a name");
  REFUSED("{" T("a", "[2]", 0, 8), 8, "not JSON");
  REFUSED("{" T("a", "[2]", 0, 8) "} x", 8, "not JSON");
}

static void damage_never_crashes (void) {
  fx_archive *a = sample();
  size_t n = 0;
  CHECK_STATUS(fx_archive_save(scratch("d.safetensors"), a));
  fx_archive_free(a);
  unsigned char *bytes = scratch_get(scratch("d.safetensors"), &n);
  for (size_t cut = 0; cut < n; cut++) {
    scratch_put(scratch("d.safetensors"), bytes, cut);
    CHECK(fx_archive_load(scratch("d.safetensors"), &a) == FX_EFORMAT);
  }
  for (size_t i = 0; i < n; i++)
    for (int bit = 0; bit < 8; bit++) {
      bytes[i] ^= (unsigned char)(1 << bit);
      scratch_put(scratch("d.safetensors"), bytes, n);
      if (fx_archive_load(scratch("d.safetensors"), &a) == FX_OK)
        fx_archive_free(a);
      bytes[i] ^= (unsigned char)(1 << bit);
    }
  free(bytes);
}

static void saving_fails_cleanly (void) {
  fx_archive *a = sample();
  fx_memory_stats before, after;
  const int files = scratch_count();
  CHECK(fx_archive_save(scratch("no/a.safetensors"), a) == FX_EIO);
  CHECK(fx_archive_save(scratch("a.npz"), a) == FX_EARG);
  CHECK_MESSAGE(".h5 or .safetensors");
  fx_memory(&before);
  for (int64_t k = 1; k < 100; k++) {
    fx_alloc_fail_at(k);
    const fx_status st = fx_archive_save(scratch("a.safetensors"), a);
    fx_alloc_fail_at(0);
    if (st == FX_OK)
      break;
    CHECK(st == FX_ENOMEM);
  }
  for (int64_t k = 1; k < 200; k++) {
    fx_archive *b = NULL;
    fx_alloc_fail_at(k);
    const fx_status st = fx_archive_load(scratch("a.safetensors"), &b);
    fx_alloc_fail_at(0);
    fx_archive_free(b);
    if (st == FX_OK)
      break;
    CHECK(st == FX_ENOMEM);
  }
  fx_memory(&after);
  CHECK(after.live_blocks == before.live_blocks);
  CHECK(scratch_count() == files);
  fx_archive_free(a);
}

static void archive_refuses_bad_names (void) {
  fx_archive *a = sample();
  CHECK(fx_archive_add(a, "half", fx_archive_tensor(a, 0)) == FX_EARG);
  CHECK_MESSAGE("two tensors called 'half'");
  CHECK(fx_archive_add(a, "", fx_archive_tensor(a, 0)) == FX_EARG);
  CHECK(fx_archive_find(a, "none") == NULL && fx_archive_text(a, "none") == NULL);
  CHECK_STATUS(fx_archive_set_number(a, "step", 0.1));
  CHECK(strcmp(fx_archive_text(a, "step"), "0.1") == 0 && fx_archive_text_count(a) == 2);
  for (int i = 0; i < 3000; i++) { /* the table grows */
    char name[32];
    snprintf(name, sizeof name, "p%d", i);
    CHECK_STATUS(fx_archive_add(a, name, fx_archive_tensor(a, 0)));
  }
  CHECK(fx_archive_find(a, "p2999") && fx_archive_find(a, "p0") && !fx_archive_find(a, "p3000"));
  fx_archive_free(a);
}

int main (void) {
  CHECK(scratch_begin());
  round_trip_is_bit_exact();
  integers_become_f64();
  rules_of_the_format_hold();
  damage_never_crashes();
  saving_fails_cleanly();
  archive_refuses_bad_names();
  scratch_end();
  return check_report("safetensors");
}
