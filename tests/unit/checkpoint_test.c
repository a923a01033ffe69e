/*
** checkpoint_test.c - archives as HDF5: round trips, equal bytes, files of other programs (made
** here with HDF5 itself), and files that are cut off or mean harm.
*/
#include <hdf5.h>

#include "archives.h"
#include "base/alloc.h"
#include "scratch.h"

/* HDF5 1.10.8 itself forgets blocks when a damaged file fails to open; read by LeakSanitizer. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions (void) { return "leak:libhdf5"; }

static fx_archive *sample (void) {
  fx_archive *a = NULL;
  CHECK_STATUS(fx_archive_new(&a));
  add(a, "model/encoder.pos_embed", ramp(FX_F32, 4, (int64_t[]){ 2, 3, 1, 5 }));
  add(a, "model/encoder.1/a b", ramp(FX_F64, 0, NULL));
  add(a, "ema/z", ramp(FX_F16, 1, (int64_t[]){ 9 }));
  add(a, "ema/a", ramp(FX_BF16, 1, (int64_t[]){ 9 }));
  add(a, "empty", ramp(FX_F32, 2, (int64_t[]){ 0, 4 }));
  char *large = malloc(300001);
  memset(large, 'x', 300000);
  large[300000] = '\0';
  CHECK_STATUS(fx_archive_set_text(a, "recipe", large)); /* past the 64 KiB of old attributes */
  CHECK_STATUS(fx_archive_set_text(a, "config", "return { a = 1 }\nü"));
  CHECK_STATUS(fx_archive_set_text(a, "blank", ""));
  CHECK_STATUS(fx_archive_set_number(a, "step", 17));
  free(large);
  return a;
}

static void round_trip_keeps_bits_and_order (void) {
  fx_archive *a = sample(), *b = NULL;
  const float special[4] = { NAN, INFINITY, -0.0f, 1e-45f };
  memcpy(fx_archive_find(a, "model/encoder.pos_embed")->data, special, sizeof special);
  CHECK_STATUS(fx_archive_save(scratch("a.h5"), a));
  CHECK_STATUS(fx_archive_load(scratch("a.h5"), &b));
  CHECK(b && same_archive(a, b));
  CHECK(scratch_count() == 1);
  fx_archive_free(a);
  fx_archive_free(b);
}

static void equal_archives_give_equal_files (void) {
  fx_archive *a = sample();
  size_t n = 0, m = 0;
  CHECK_STATUS(fx_archive_save(scratch("a.h5"), a));
  sleep(1); /* a time stamp would differ now */
  CHECK_STATUS(fx_archive_save(scratch("b.hdf5"), a));
  unsigned char *x = scratch_get(scratch("a.h5"), &n), *y = scratch_get(scratch("b.hdf5"), &m);
  CHECK(n == m && memcmp(x, y, n) == 0);
  free(x);
  free(y);
  fx_archive_free(a);
}

static fx_status save_names (const char *first, const char *second) {
  fx_archive *a = NULL;
  CHECK_STATUS(fx_archive_new(&a));
  add(a, first, ramp(FX_F32, 0, NULL));
  if (second)
    add(a, second, ramp(FX_F32, 0, NULL));
  const fx_status st = fx_archive_save(scratch("names.h5"), a);
  fx_archive_free(a);
  return st;
}

static void names_hdf5_cannot_keep_are_refused (void) {
  const int files = scratch_count();
  CHECK(save_names("a", "a/b") == FX_EARG);
  CHECK_MESSAGE("a tensor and also the folder");
  CHECK(save_names("a/b", "a") == FX_EARG);
  CHECK_MESSAGE("a tensor and also the folder");
  CHECK(save_names("/a", NULL) == FX_EARG);
  CHECK(save_names("a//b", NULL) == FX_EARG);
  CHECK(save_names("a/./b", NULL) == FX_EARG);
  CHECK(save_names("..", NULL) == FX_EARG);
  CHECK_MESSAGE("which HDF5 cannot keep");
  CHECK(scratch_count() == files); /* neither file nor temporary */
  fx_archive *a = sample();
  CHECK(fx_archive_save(scratch("no/a.h5"), a) == FX_EIO);
  CHECK_MESSAGE("check the path");
  fx_archive_free(a);
}

/* --- files of other programs ----------------------------------------------------------------- */

static void put_dataset (hid_t f, const char *name, hid_t type, hid_t memory, int n,
                         const void *v) {
  const hsize_t dims[1] = { (hsize_t)n };
  const hid_t space = n ? H5Screate_simple(1, dims, NULL) : H5Screate(H5S_SCALAR);
  const hid_t d = H5Dcreate2(f, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (v)
    H5Dwrite(d, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
  H5Dclose(d);
  H5Sclose(space);
}

static hid_t new_file (const char *name) {
  return H5Fcreate(scratch(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
}

static void foreign_types_are_read (void) {
  const int ints[2] = { -5, 700 };
  const double reals[2] = { 0.5, -3.0 };
  const char *text = "hello";
  const signed char yes[2] = { 1, 0 };
  fx_archive *a = NULL;
  const hid_t f = new_file("f.h5"), string = H5Tcopy(H5T_C_S1);
  const hid_t bools = H5Tenum_create(H5T_STD_I8LE);
  H5Tset_size(string, H5T_VARIABLE);
  H5Tenum_insert(bools, "FALSE", &yes[1]);
  H5Tenum_insert(bools, "TRUE", &yes[0]);
  put_dataset(f, "i16be", H5T_STD_I16BE, H5T_NATIVE_INT, 2, ints);
  put_dataset(f, "f32be", H5T_IEEE_F32BE, H5T_NATIVE_DOUBLE, 2, reals);
  put_dataset(f, "bool", bools, bools, 2, yes);
  put_dataset(f, "note", string, string, 0, &text);
  H5Fclose(f);
  CHECK_STATUS(fx_archive_load(scratch("f.h5"), &a));
  CHECK(a && fx_archive_count(a) == 3);
  if (a) {
    CHECK_NEAR(fx_tensor_get(fx_archive_find(a, "i16be"), 0), -5.0, 0.0);
    CHECK_NEAR(fx_tensor_get(fx_archive_find(a, "i16be"), 1), 700.0, 0.0);
    CHECK(fx_archive_find(a, "f32be")->dtype == FX_F32);
    CHECK_NEAR(fx_tensor_get(fx_archive_find(a, "f32be"), 1), -3.0, 0.0);
    CHECK_NEAR(fx_tensor_get(fx_archive_find(a, "bool"), 0), 1.0, 0.0);
    CHECK(strcmp(fx_archive_text(a, "note"), "hello") == 0);
  }
  fx_archive_free(a);
  H5Tclose(string);
  H5Tclose(bools);
}

static void refused (const char *name, const char *message, int line) {
  fx_archive *a = NULL;
  const int good = fx_archive_load(scratch(name), &a) == FX_EFORMAT &&
                   strstr(fx_errmsg(), message) && strstr(fx_errmsg(), name);
  check_one(good, __FILE__, line, message);
  if (!good)
    printf("  it says: %s\n", a ? "nothing, it loads" : fx_errmsg());
  fx_archive_free(a);
}
#define REFUSED(name, message) refused(name, message, __LINE__)

static void harmful_structures_are_refused (void) {
  hid_t f = new_file("loop.h5");
  hid_t g = H5Gcreate2(f, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_hard(f, "/", g, "again", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(g);
  H5Fclose(f);
  REFUSED("loop.h5", "contain themselves");
  f = new_file("soft.h5");
  H5Lcreate_soft("/elsewhere", f, "s", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(f);
  REFUSED("soft.h5", "'s' is a link to somewhere else");
  f = new_file("external.h5");
  H5Lcreate_external("/etc/passwd", "/", f, "e", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(f);
  REFUSED("external.h5", "'e' is a link to somewhere else");
  f = new_file("raw.h5");
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t dims[1] = { 16 }, huge[1] = { (hsize_t)1 << 50 };
  hid_t space = H5Screate_simple(1, dims, NULL);
  H5Pset_external(plist, "/etc/passwd", 0, 64);
  H5Dclose(H5Dcreate2(f, "x", H5T_STD_U8LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
  H5Sclose(space);
  H5Fclose(f);
  REFUSED("raw.h5", "keeps its numbers in other files");
  f = new_file("huge.h5");
  space = H5Screate_simple(1, huge, NULL);
  H5Dclose(H5Dcreate2(f, "x", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  H5Fclose(f);
  REFUSED("huge.h5", "claims more elements than a file of");
  f = new_file("ref.h5");
  put_dataset(f, "r", H5T_STD_REF_OBJ, 0, 2, NULL);
  H5Fclose(f);
  REFUSED("ref.h5", "holds references");
  H5Pclose(plist);
}

static void damage_is_refused (void) {
  fx_archive *a = NULL;
  size_t n = 0;
  CHECK_STATUS(fx_archive_new(&a));
  add(a, "g/x", ramp(FX_F32, 1, (int64_t[]){ 50 }));
  CHECK_STATUS(fx_archive_set_text(a, "k", "v"));
  CHECK_STATUS(fx_archive_save(scratch("d.h5"), a));
  fx_archive_free(a);
  unsigned char *bytes = scratch_get(scratch("d.h5"), &n);
  for (size_t cut = 0; cut < n; cut += 7) {
    scratch_put(scratch("d.h5"), bytes, cut);
    CHECK(fx_archive_load(scratch("d.h5"), &a) == FX_EFORMAT);
  }
  CHECK(strstr(fx_errmsg(), "d.h5 cannot be opened as HDF5: it is cut off") != NULL);
  size_t loaded = 0;
  for (size_t i = 0; i < n; i++) {
    bytes[i] ^= 0x10;
    scratch_put(scratch("d.h5"), bytes, n);
    a = NULL;
    const fx_status st = fx_archive_load(scratch("d.h5"), &a);
    loaded += st == FX_OK;
    CHECK(st == FX_OK || st == FX_EFORMAT);
    fx_archive_free(a);
    bytes[i] ^= 0x10;
  }
  CHECK(loaded < n);
  free(bytes);
}

static void failing_allocations_leak_nothing (void) {
  fx_archive *a = sample();
  fx_memory_stats before, after;
  CHECK_STATUS(fx_archive_save(scratch("m.h5"), a));
  fx_memory(&before);
  for (int64_t k = 1; k < 200; k++) {
    fx_archive *b = NULL;
    fx_alloc_fail_at(k);
    const fx_status st = fx_archive_load(scratch("m.h5"), &b);
    fx_alloc_fail_at(0);
    fx_archive_free(b);
    if (st == FX_OK)
      break;
    CHECK(st == FX_ENOMEM);
  }
  fx_memory(&after);
  CHECK(after.live_blocks == before.live_blocks);
  fx_archive_free(a);
}

int main (void) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  CHECK(scratch_begin());
  round_trip_keeps_bits_and_order();
  equal_archives_give_equal_files();
  names_hdf5_cannot_keep_are_refused();
  foreign_types_are_read();
  harmful_structures_are_refused();
  damage_is_refused();
  failing_allocations_leak_nothing();
  scratch_end();
  return check_report("checkpoint");
}
