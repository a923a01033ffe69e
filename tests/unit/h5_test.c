/*
** h5_test.c - HDF5 files: what the writer of fields writes the container reads; files as h5py and netCDF make them
** (built here with HDF5 itself); windows, attributes, and everything that is refused.
*/
#include <hdf5.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "check.h"
#include "io/container.h"
#include "io/file.h"
#include "io/h5_field_writer.h"
#include "scratch.h"

/* HDF5 1.10.8 itself forgets blocks when a damaged file fails to open; read by LeakSanitizer. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions (void) { return "leak:libhdf5"; }

enum { FRAMES = 3, CHANNELS = 2, HEIGHT = 7, WIDTH = 9 };

static double value (int64_t t, int64_t c, int64_t y, int64_t x) {
  return (double)(((t * 10 + c) * 10 + y) * 10 + x) - 500.0;
}

static fx_tensor *frame_of (int64_t t, int64_t channels, fx_dtype dtype) {
  fx_tensor *f = NULL;
  CHECK_STATUS(fx_tensor_new(dtype, 3, (int64_t[]){ HEIGHT, WIDTH, channels }, &f));
  for (int64_t i = 0; i < fx_tensor_count(f); i++)
    fx_tensor_set(f, i, value(t, i % channels, i / channels / WIDTH, i / channels % WIDTH));
  return f;
}

static void write_sample (const char *path, int64_t channels, int deflate) {
  const fx_field_layout layout = {
    .frames = FRAMES, .channels = channels, .height = HEIGHT, .width = WIDTH, .deflate = deflate
  };
  const double times[FRAMES] = { 0.0, 0.5, 1.5 };
  fx_field_writer *w = NULL;
  CHECK_STATUS(fx_field_writer_create(path, &layout, &w));
  for (int64_t t = 0; t < FRAMES; t++) {
    fx_tensor *f = frame_of(t, channels, t == 1 ? FX_F64 : FX_F32);
    CHECK_STATUS(fx_field_writer_append(w, f));
    fx_tensor_release(f);
  }
  CHECK_STATUS(fx_field_writer_number(w, "Re", 4000.0));
  CHECK_STATUS(fx_field_writer_text(w, "source", "flexlab ü"));
  CHECK_STATUS(fx_field_writer_array(w, "times", FRAMES, times));
  CHECK(!scratch_holds(path)); /* nothing under the final name yet */
  CHECK_STATUS(fx_field_writer_finish(w));
}

static fx_container *opened (const char *path) {
  fx_container *file = NULL;
  CHECK_STATUS(fx_container_open(path, &file));
  return file;
}

/* A window of variable i, (T,H,W) or (T,C,H,W), as (1,h,w) or (1,c,h,w). */
static fx_status read_window (fx_container *file, int64_t i, int64_t t, int64_t c0, int64_t c,
                              int64_t y0, int64_t x0, int64_t h, int64_t w, fx_tensor **out) {
  const bool flat = fx_container_at(file, i)->rank == 3;
  const int64_t start[4] = { t, flat ? y0 : c0, flat ? x0 : y0, x0 };
  const int64_t count[4] = { 1, flat ? h : c, flat ? w : h, w };
  return fx_container_read(file, i, start, count, FX_F32, out);
}

/* Every value of a window of the variable `name`, which holds value(). */
static void check_window (fx_container *file, const char *name, int64_t t, int64_t c0, int64_t c,
                          int64_t y0, int64_t x0, int64_t h, int64_t w) {
  fx_tensor *got = NULL;
  CHECK_STATUS(read_window(file, fx_container_find(file, name), t, c0, c, y0, x0, h, w, &got));
  if (!got)
    return;
  CHECK(got->dtype == FX_F32 && got->shape[0] == 1 && got->shape[got->ndim - 2] == h &&
        got->shape[got->ndim - 1] == w && fx_tensor_count(got) == c * h * w);
  int64_t wrong = 0;
  for (int64_t i = 0; i < fx_tensor_count(got); i++)
    wrong += fx_tensor_get(got, i) != value(t, c0 + i / (h * w), y0 + i / w % h, x0 + i % w);
  CHECK(wrong == 0);
  fx_tensor_release(got);
}

/* Chunks of 4x4 of a frame of 7x9: the numbers are the same, and stored so. */
static void written_chunks_are_as_large_as_asked (void) {
  const char *path = scratch("chunks.h5");
  const fx_field_layout layout = {
    .frames = 1, .channels = CHANNELS, .height = HEIGHT, .width = WIDTH, .chunk = 4
  };
  fx_field_writer *w = NULL;
  fx_tensor *f = frame_of(0, CHANNELS, FX_F32);
  CHECK_STATUS(fx_field_writer_create(path, &layout, &w));
  CHECK_STATUS(fx_field_writer_append(w, f));
  CHECK_STATUS(fx_field_writer_finish(w));
  fx_container *file = opened(path);
  const int64_t *chunk = fx_container_at(file, fx_container_find(file, "w"))->chunk;
  CHECK(chunk[0] == 1 && chunk[1] == CHANNELS && chunk[2] == 4 && chunk[3] == 4);
  check_window(file, "w", 0, 0, CHANNELS, 0, 0, HEIGHT, WIDTH);
  fx_tensor_release(f);
  fx_container_close(file);
  unlink(path);
}

static void check_attributes (fx_container *file) {
  fx_attributes *all = NULL;
  CHECK_STATUS(fx_container_attributes(file, "", &all));
  const fx_attribute *re = fx_attributes_find(all, "Re"), *text = fx_attributes_find(all, "source");
  CHECK(all->count == 2 && re && re->n == 1 && re->numbers && re->numbers[0] == 4000.0);
  CHECK(text && text->n == 1 && text->text && strcmp(text->text, "flexlab ü") == 0);
  CHECK(!fx_attributes_find(all, "viscosity"));
  fx_attributes_free(all);
}

static void written_fields_come_back (int64_t channels, int deflate) {
  const char *path = scratch("f.h5");
  const int64_t start[1] = { 0 }, count[1] = { FRAMES };
  fx_tensor *times = NULL;
  write_sample(path, channels, deflate);
  fx_container *file = opened(path);
  const fx_variable *v = fx_container_at(file, fx_container_find(file, "/w"));
  CHECK(fx_container_count(file) == 2 && v->rank == (channels > 1 ? 4 : 3));
  CHECK(v->shape[0] == FRAMES && v->shape[v->rank - 2] == HEIGHT && v->shape[v->rank - 1] == WIDTH);
  CHECK(channels == 1 || v->shape[1] == channels);
  check_window(file, "w", 0, 0, channels, 0, 0, HEIGHT, WIDTH);
  check_window(file, "w", 1, channels - 1, 1, 2, 3, 4, 5);
  check_window(file, "w", 2, 0, channels, HEIGHT - 1, WIDTH - 1, 1, 1);
  check_attributes(file);
  CHECK_STATUS(
      fx_container_read(file, fx_container_find(file, "times"), start, count, FX_F64, &times));
  CHECK(times && fx_tensor_count(times) == 3 && fx_tensor_get(times, 2) == 1.5);
  fx_tensor_release(times);
  fx_container_close(file);
  CHECK(scratch_count() == 1);
  unlink(path);
}

static void windows_outside_are_refused (void) {
  fx_tensor *t = NULL;
  write_sample(scratch("f.h5"), CHANNELS, 0);
  fx_container *f = opened(scratch("f.h5"));
  const int64_t w = fx_container_find(f, "w");
  CHECK(read_window(f, w, FRAMES, 0, 1, 0, 0, 1, 1, &t) == FX_EARG);
  CHECK_MESSAGE("f.h5: axis 1 of 'w' has 3 entries; entry 4 does not exist (counted from 1)");
  CHECK(read_window(f, w, -1, 0, 1, 0, 0, 1, 1, &t) == FX_EARG);
  CHECK(read_window(f, w, 0, 1, 2, 0, 0, 1, 1, &t) == FX_EARG);
  CHECK(read_window(f, w, 0, 0, -1, 0, 0, 1, 1, &t) == FX_EARG);
  CHECK(read_window(f, w, 0, 0, 1, 1, 0, HEIGHT, 1, &t) == FX_EARG);
  CHECK(read_window(f, w, 0, 0, 1, INT64_MAX, 0, 2, 1, &t) == FX_EARG);
  CHECK(read_window(f, w, 0, 0, 1, 0, 5, 1, INT64_MAX, &t) == FX_EARG);
  CHECK_MESSAGE("axis 4 of 'w' has 9 entries");
  fx_container_close(f);
  unlink(scratch("f.h5"));
}

/* A dataset of the given type and chunks with the values of value(), as another program writes. */
static hid_t put_dataset (hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                          const hsize_t *chunk, int deflate) {
  double v[FRAMES * CHANNELS * HEIGHT * WIDTH];
  const int64_t c = rank == 4 ? CHANNELS : 1;
  for (int64_t i = 0; i < FRAMES * c * HEIGHT * WIDTH; i++)
    v[i] = value(i / (c * HEIGHT * WIDTH), i / (HEIGHT * WIDTH) % c, i / WIDTH % HEIGHT, i % WIDTH);
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, dims, NULL);
  if (chunk)
    H5Pset_chunk(plist, rank, chunk);
  if (deflate)
    H5Pset_shuffle(plist), H5Pset_deflate(plist, 4), H5Pset_fletcher32(plist);
  const hid_t d = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v);
  H5Pclose(plist);
  H5Sclose(space);
  return d;
}

static hid_t new_file (const char *name) {
  return H5Fcreate(scratch(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
}

static const hsize_t dims3[3] = { FRAMES, HEIGHT, WIDTH };
static const hsize_t dims4[4] = { FRAMES, CHANNELS, HEIGHT, WIDTH };

static void other_programs_files_are_read (void) {
  const hid_t types[] = { H5T_IEEE_F64BE, H5T_IEEE_F32BE, H5T_STD_I16LE, H5T_STD_I64BE };
  const hsize_t chunk[4] = { 2, 1, 4, 4 };
  for (int i = 0; i < 4; i++) {
    const hid_t file = new_file("o.h5");
    H5Dclose(put_dataset(file, "fields", types[i], 4, dims4, i % 2 ? chunk : NULL, i % 2));
    H5Fclose(file);
    fx_container *f = opened(scratch("o.h5"));
    if (f)
      check_window(f, "fields", 2, 0, 2, 1, 1, 5, 6);
    fx_container_close(f);
  }
  unlink(scratch("o.h5"));
}

/* A type HDF5 has no name for, made as h5py makes numpy's float16: 1 + 5 + 10 bits. */
static hid_t half_type (hid_t like) {
  const hid_t type = H5Tcopy(like);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

static void half_precision_is_read (void) {
  const hid_t orders[] = { H5T_IEEE_F32LE, H5T_IEEE_F32BE };
  const hsize_t chunk[3] = { 1, 4, 4 };
  for (int i = 0; i < 2; i++) {
    fx_tensor *t = NULL;
    const hid_t file = new_file("half.h5"), type = half_type(orders[i]);
    H5Dclose(put_dataset(file, "w", type, 3, dims3, i ? chunk : NULL, i));
    H5Tclose(type);
    H5Fclose(file);
    fx_container *f = opened(scratch("half.h5"));
    CHECK_STATUS(read_window(f, 0, 1, 0, 1, 0, 0, HEIGHT, WIDTH, &t));
    for (int64_t k = 0; t && k < HEIGHT * WIDTH; k++) {
      const double want = value(1, 0, k / WIDTH, k % WIDTH);
      CHECK_NEAR(fx_tensor_get(t, k), want, fabs(want) / 2048); /* half an ulp of 11 bits */
    }
    fx_tensor_release(t);
    fx_container_close(f);
  }
  unlink(scratch("half.h5"));
}

static void put_number (hid_t object, const char *key, double v) {
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t a = H5Acreate2(object, key, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(a, H5T_NATIVE_DOUBLE, &v);
  H5Aclose(a);
  H5Sclose(space);
}

static void packed_integers_are_unpacked (void) {
  fx_tensor *t = NULL;
  const hid_t file = new_file("n.h5"), d = put_dataset(file, "w", H5T_STD_I16LE, 3, dims3, NULL, 0);
  put_number(d, "scale_factor", 0.5);
  put_number(d, "add_offset", 10.0);
  put_number(d, "_FillValue", value(0, 0, 1, 2));
  H5Dclose(d);
  H5Fclose(file);
  fx_container *f = opened(scratch("n.h5"));
  CHECK_STATUS(read_window(f, 0, 0, 0, 1, 1, 0, 2, WIDTH, &t));
  CHECK_NEAR(fx_tensor_get(t, 0), value(0, 0, 1, 0) * 0.5 + 10.0, 0.0);
  CHECK(isnan(fx_tensor_get(t, 2)));
  fx_tensor_release(t);
  fx_container_close(f);
  unlink(scratch("n.h5"));
}

/* Opens a file, finds a variable in it and reads its first number: where that ends, and with which sentence. */
static fx_status first_number (const char *name, const char *dataset) {
  const int64_t start[4] = { 0 }, count[4] = { 1, 1, 1, 1 };
  fx_container *file = NULL;
  fx_tensor *t = NULL;
  FX_TRY(fx_container_open(scratch(name), &file));
  const int64_t i = fx_container_find(file, dataset);
  fx_status st = i < 0 ? fx_fail(FX_EARG, "%s: none", name) : fx_container_check(file, i);
  if (st == FX_OK)
    st = fx_container_read(file, i, start, count, FX_F32, &t);
  fx_tensor_release(t);
  fx_container_close(file);
  return st;
}

static void refused (const char *name, const char *dataset, fx_status status, const char *message,
                     int line) {
  const fx_status st = first_number(name, dataset);
  const int good = st == status && strstr(fx_errmsg(), message) && strstr(fx_errmsg(), name);
  check_one(good, __FILE__, line, message);
  if (!good)
    printf("  %s: %s\n", fx_status_name(st), st == FX_OK ? "it is read" : fx_errmsg());
}
#define REFUSED(name, dataset, status, message) refused(name, dataset, status, message, __LINE__)

static size_t same_bytes (unsigned flags, size_t n, const unsigned values[], size_t bytes,
                          size_t *size, void **buffer) {
  (void)flags, (void)n, (void)values, (void)size, (void)buffer;
  return bytes;
}

static void wrong_datasets_are_refused (void) {
  const H5Z_class2_t filter = { H5Z_CLASS_T_VERS, 32001, 1, 1, "blosc", NULL, NULL, same_bytes };
  const hsize_t flat[1] = { 27 }, huge[3] = { 1 << 20, 1 << 20, 1 << 20 }, none[3] = { 0, 4, 4 };
  const hsize_t chunk[3] = { 1, 16, 16 };
  const hid_t file = new_file("x.h5");
  H5Gclose(H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Dclose(put_dataset(file, "g/vorticity", H5T_IEEE_F32LE, 3, dims3, NULL, 0));
  H5Dclose(put_dataset(file, "flat", H5T_IEEE_F32LE, 1, flat, NULL, 0));
  hid_t space = H5Screate_simple(3, huge, NULL);
  H5Dclose(H5Dcreate2(file, "huge", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plist, 3, chunk);
  H5Dclose(H5Dcreate2(file, "sparse", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
  H5Sclose(space);
  space = H5Screate_simple(3, none, NULL);
  H5Dclose(H5Dcreate2(file, "none", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  space = H5Screate_simple(3, dims3, NULL);
  H5Dclose(H5Dcreate2(file, "refs", H5T_STD_REF_OBJ, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Pset_chunk(plist, 3, dims3);
  H5Zregister(&filter); /* pretend to be blosc while writing */
  H5Pset_filter(plist, 32001, 0, 0, NULL);
  H5Dclose(H5Dcreate2(file, "blosc", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
  H5Sclose(space);
  H5Pclose(plist);
  H5Fclose(file);
  H5Zunregister(32001);
  CHECK(first_number("x.h5", "g/vorticity") == FX_OK && first_number("x.h5", "/flat") == FX_OK);
  REFUSED("x.h5", "g/none", FX_EARG, "none");
  REFUSED("x.h5", "no/such/group", FX_EARG, "none");
  REFUSED("x.h5", "g", FX_EARG, "none"); /* a group is no variable */
  REFUSED("x.h5", "huge", FX_EFORMAT, "claims more elements");
  REFUSED("x.h5", "sparse", FX_EFORMAT, "claims more elements");
  REFUSED("x.h5", "none", FX_EFORMAT, "'none' holds no elements: axis 1 has 0 entries");
  REFUSED("x.h5", "refs", FX_EFORMAT, "'refs' does not hold numbers but");
  REFUSED("x.h5", "blosc", FX_EUNSUPPORTED, "filter 32001");
  REFUSED("none.h5", "w", FX_EIO, "No such file");
  scratch_put(scratch("t.h5"), "not HDF5 at all", 15);
  REFUSED("t.h5", "w", FX_EFORMAT, "is not HDF5, netCDF");
  unlink(scratch("t.h5"));
  unlink(scratch("x.h5"));
}

static void cut_files_are_refused (void) {
  size_t n = 0;
  write_sample(scratch("c.h5"), 1, 1);
  unsigned char *bytes = scratch_get(scratch("c.h5"), &n);
  for (size_t cut = 0; cut < n; cut += 37) {
    fx_container *f = NULL;
    scratch_put(scratch("c.h5"), bytes, cut);
    CHECK(fx_container_open(scratch("c.h5"), &f) == FX_EFORMAT);
    fx_container_close(f);
  }
  free(bytes);
  unlink(scratch("c.h5"));
}

/* Whether w is there, a film of the right kind; if so, its first frame is read, whatever comes of it. */
static bool whole_film_is_read (const char *path) {
  fx_container *f = NULL;
  fx_tensor *t = NULL;
  if (fx_container_open(path, &f) != FX_OK)
    return false;
  const int64_t i = fx_container_find(f, "w");
  const fx_variable *v = i < 0 ? NULL : fx_container_at(f, i);
  const bool good = v && v->number && v->rank == 3 && fx_container_check(f, i) == FX_OK;
  if (good && read_window(f, i, 0, 0, 1, 0, 0, v->shape[1], v->shape[2], &t) == FX_OK)
    fx_tensor_release(t);
  fx_container_close(f);
  return good;
}

/* Flipped bytes inside a compressed chunk are noticed when it is read (zlib's checksum). Every 23rd: each file
** is first opened in a child process. */
static void flipped_bytes_never_crash (void) {
  size_t n = 0, count = 0;
  write_sample(scratch("c.h5"), 1, 1);
  unsigned char *bytes = scratch_get(scratch("c.h5"), &n);
  for (size_t i = 0; i < n; i += 23) {
    bytes[i] ^= 0x41;
    scratch_put(scratch("c.h5"), bytes, n);
    count += whole_film_is_read(scratch("c.h5"));
    bytes[i] ^= 0x41;
  }
  CHECK(count > 0 && count < n / 23);
  free(bytes);
  unlink(scratch("c.h5"));
}

static void unfinished_files_leave_nothing (void) {
  const fx_field_layout layout = {
    .dataset = "u", .frames = 2, .channels = 1, .height = HEIGHT, .width = WIDTH
  };
  fx_field_layout bad = layout;
  fx_field_writer *w = NULL;
  fx_tensor *f = frame_of(0, 1, FX_F32), *wide = frame_of(0, 2, FX_F32);
  CHECK_STATUS(fx_field_writer_create(scratch("u.h5"), &layout, &w));
  CHECK(fx_field_writer_append(w, wide) == FX_ESHAPE);
  CHECK_MESSAGE("a frame is (7,9,1) in f32 or f64, not (7,9,2) in f32");
  CHECK_STATUS(fx_field_writer_append(w, f));
  CHECK(fx_field_writer_finish(w) == FX_ESHAPE);
  CHECK_MESSAGE("1 of 2 frames");
  CHECK_STATUS(fx_field_writer_create(scratch("u.h5"), &layout, &w));
  CHECK_STATUS(fx_field_writer_append(w, f));
  CHECK_STATUS(fx_field_writer_append(w, f));
  CHECK(fx_field_writer_append(w, f) == FX_ESHAPE);
  CHECK_STATUS(fx_field_writer_number(w, "Re", 1.0));
  CHECK_STATUS(fx_field_writer_number(w, "Re", 2.0)); /* written over; texts once */
  CHECK_STATUS(fx_field_writer_text(w, "name", "a"));
  CHECK(fx_field_writer_text(w, "name", "b") == FX_EIO);
  CHECK(fx_field_writer_number(w, "name", 1.0) == FX_EIO);
  CHECK(fx_field_writer_plane(w, "solid", wide) == FX_ESHAPE);
  CHECK_MESSAGE("'solid' must be (1,7,9,1) in f32 or f64, not (7,9,2) in f32");
  fx_field_writer_abandon(w);
  CHECK(scratch_count() == 0);
  CHECK(fx_field_writer_create(scratch("no/u.h5"), &layout, &w) == FX_EIO);
  CHECK_MESSAGE("check the path");
  bad.height = 0;
  CHECK(fx_field_writer_create(scratch("u.h5"), &bad, &w) == FX_EARG);
  bad.height = INT64_MAX;
  CHECK(fx_field_writer_create(scratch("u.h5"), &bad, &w) == FX_EARG);
  CHECK_MESSAGE("4 GiB");
  bad = layout;
  bad.deflate = 10;
  CHECK(fx_field_writer_create(scratch("u.h5"), &bad, &w) == FX_EARG);
  if (geteuid() != 0) { /* root may write anywhere */
    chmod(scratch_folder, 0500);
    CHECK(fx_field_writer_create(scratch("u.h5"), &layout, &w) == FX_EIO);
    CHECK_MESSAGE("permissions");
    chmod(scratch_folder, 0700);
  }
  CHECK(fx_field_writer_create("/proc/u.h5", &layout, &w) == FX_EIO);
  CHECK(scratch_count() == 0);
  fx_tensor_release(f);
  fx_tensor_release(wide);
}

/* So many attributes that HDF5 gives them a place of their own, and a field that holds for all frames. */
static void describe (fx_field_writer *w) {
  char key[16];
  const int64_t shape[] = { 1, HEIGHT, WIDTH, 1 };
  fx_tensor *plane = NULL;
  for (int i = 0; i < 20; i++) {
    snprintf(key, sizeof key, "number %d", i);
    CHECK_STATUS(fx_field_writer_number(w, key, i));
  }
  CHECK_STATUS(fx_tensor_new(FX_F64, 4, shape, &plane));
  for (int64_t i = 0; i < HEIGHT * WIDTH; i++)
    fx_f64(plane)[i] = 0.25 * (double)i;
  CHECK_STATUS(fx_field_writer_plane(w, "solid", plane));
  fx_tensor_release(plane);
}

/* What describe wrote, with number 7 written over. */
static void check_description (const char *path) {
  fx_container *f = opened(path);
  fx_tensor *plane = NULL;
  fx_attributes *all = NULL;
  const int64_t solid = fx_container_find(f, "solid");
  CHECK(fx_container_at(f, solid)->rank == 3 && fx_container_at(f, solid)->shape[0] == 1);
  CHECK_STATUS(read_window(f, solid, 0, 0, 1, 2, 3, 1, 1, &plane));
  CHECK(fx_f32(plane)[0] == 0.25f * (2 * WIDTH + 3));
  CHECK_STATUS(fx_container_attributes(f, "", &all));
  const fx_attribute *number = fx_attributes_find(all, "number 7");
  CHECK(number && number->numbers && number->numbers[0] == 7.5);
  fx_attributes_free(all);
  fx_tensor_release(plane);
  fx_container_close(f);
}

/* A file that is left and taken up again, twice, has the bytes of one written at once; what is flushed can
** be read meanwhile. */
static void resumed_files_have_the_same_bytes (void) {
  const fx_field_layout layout = {
    .frames = FRAMES, .channels = CHANNELS, .height = HEIGHT, .width = WIDTH
  };
  fx_field_layout other = layout;
  fx_field_writer *w = NULL;
  for (int stops = 0; stops < 2; stops++) {
    const char *path = stops ? scratch("b.h5") : scratch("a.h5");
    for (int64_t t = 0; t < FRAMES; t++) {
      if (t == 0 || stops)
        CHECK_STATUS(fx_field_writer_resume(path, &layout, t, &w));
      if (t == 0)
        describe(w);
      fx_tensor *frame = frame_of(t, CHANNELS, FX_F32);
      CHECK_STATUS(fx_field_writer_append(w, frame));
      fx_tensor_release(frame);
      if (stops && t < FRAMES - 1) {
        CHECK_STATUS(fx_field_writer_flush(w));
        fx_field_writer_leave(w);
        CHECK(!scratch_holds(path));
        fx_container *part = opened(scratch("b.h5.part"));
        check_window(part, "w", t, 0, CHANNELS, 0, 0, HEIGHT, WIDTH);
        fx_container_close(part);
      }
    }
    CHECK_STATUS(fx_field_writer_number(w, "number 7", 7.5));
    CHECK_STATUS(fx_field_writer_finish(w));
  }
  size_t n = 0, m = 0;
  unsigned char *a = NULL, *b = NULL;
  CHECK_STATUS(fx_file_read_all(scratch("a.h5"), 1 << 20, &a, &n));
  CHECK_STATUS(fx_file_read_all(scratch("b.h5"), 1 << 20, &b, &m));
  CHECK(n == m && memcmp(a, b, n) == 0);
  fx_free(a);
  fx_free(b);
  check_description(scratch("a.h5"));
  CHECK_STATUS(fx_field_writer_resume(scratch("b.h5"), &layout, 0, &w));
  CHECK_STATUS(fx_field_writer_flush(w));
  fx_field_writer_leave(w);
  other.height++;
  CHECK(fx_field_writer_resume(scratch("b.h5"), &other, 1, &w) == FX_EFORMAT);
  CHECK_MESSAGE("another shape");
  CHECK(scratch_holds(scratch("b.h5.part")));
  other.deflate = 1;
  CHECK(fx_field_writer_resume(scratch("b.h5"), &other, 0, &w) == FX_EARG);
  CHECK(fx_field_writer_resume(scratch("b.h5"), &layout, FRAMES + 1, &w) == FX_EARG);
  CHECK(fx_field_writer_resume(scratch("c.h5"), &layout, 1, &w) == FX_EIO);
  unlink(scratch("b.h5.part"));
  unlink(scratch("a.h5"));
  unlink(scratch("b.h5"));
  CHECK(scratch_count() == 0);
}

static void equal_fields_give_equal_files (void) {
  size_t n = 0, m = 0;
  write_sample(scratch("a.h5"), 2, 1);
  sleep(1); /* a time stamp would differ now */
  write_sample(scratch("b.h5"), 2, 1);
  unsigned char *x = scratch_get(scratch("a.h5"), &n), *y = scratch_get(scratch("b.h5"), &m);
  CHECK(n == m && memcmp(x, y, n) == 0);
  free(x);
  free(y);
}

int main (void) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  CHECK(scratch_begin());
  written_chunks_are_as_large_as_asked();
  written_fields_come_back(1, 0);
  written_fields_come_back(1, 3);
  written_fields_come_back(CHANNELS, 0);
  written_fields_come_back(CHANNELS, 9);
  windows_outside_are_refused();
  other_programs_files_are_read();
  half_precision_is_read();
  packed_integers_are_unpacked();
  wrong_datasets_are_refused();
  cut_files_are_refused();
  flipped_bytes_never_crash();
  unfinished_files_leave_nothing();
  resumed_files_have_the_same_bytes();
  equal_fields_give_equal_files();
  scratch_end();
  return check_report("h5");
}
