/*
** pt_test.c - PyTorch's checkpoints. Small files are made here byte by byte (zip.h and pickle.h say
** what torch writes); the official checkpoint is compared with safetensors.
** The larger half of the file is about files that mean harm.
*/
#define _GNU_SOURCE /* memmem */
#include <inttypes.h>
#include <zlib.h>

#include "base/alloc.h"
#include "check.h"
#include "io/archive.h"
#include "scratch.h"

/* --- bytes ----------------------------------------------------------------------------------- */

typedef struct {
  unsigned char b[1 << 17];
  size_t n;
} buffer;

static void put (buffer *o, const void *bytes, size_t n) {
  memcpy(o->b + o->n, bytes, n);
  o->n += n;
}

static void put_text (buffer *o, const char *text) { put(o, text, strlen(text)); }

static void put_uint (buffer *o, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; i++)
    o->b[o->n++] = (unsigned char)(v >> (8 * i));
}

/* --- a zip as torch writes it ---------------------------------------------------------------- */

typedef struct {
  buffer file, directory;
  int count, with_crc, method;
} zip_maker;

static void zip_add (zip_maker *z, const char *name, const void *bytes, size_t n) {
  const uint64_t at = z->file.n;
  const unsigned crc = z->with_crc ? (unsigned)crc32(crc32(0, NULL, 0), bytes, (uInt)n) : 0;
  const size_t pad = (64 - (at + 30 + strlen(name) + 4) % 64) % 64;
  put_text(&z->file, "PK\3\4");
  put_uint(&z->file, 0x08080000, 6);                  /* version 0, flags, method 0 */
  put_uint(&z->file, 0, 4);                           /* time */
  put_uint(&z->file, 0, 8), put_uint(&z->file, 0, 4); /* crc and sizes: only in the directory */
  put_uint(&z->file, strlen(name), 2);
  put_uint(&z->file, pad + 4, 2);
  put_text(&z->file, name);
  put_text(&z->file, "FB");
  put_uint(&z->file, pad, 2);
  for (size_t i = 0; i < pad; i++)
    put_text(&z->file, "Z");
  put(&z->file, bytes, n);
  put_text(&z->directory, "PK\1\2");
  put_uint(&z->directory, 0, 4);
  put_uint(&z->directory, 0x0808, 2);
  put_uint(&z->directory, (unsigned)z->method, 2);
  put_uint(&z->directory, 0, 4);
  put_uint(&z->directory, crc, 4);
  put_uint(&z->directory, n, 4), put_uint(&z->directory, n, 4);
  put_uint(&z->directory, strlen(name), 2);
  put_uint(&z->directory, 0, 8), put_uint(&z->directory, 0, 4);
  put_uint(&z->directory, at, 4);
  put_text(&z->directory, name);
  z->count++;
}

/* Ends with a zip64 record, its locator and the plain end record. */
static void zip_end (zip_maker *z) {
  const uint64_t at = z->file.n, size = z->directory.n, end = at + size;
  put(&z->file, z->directory.b, z->directory.n);
  put_text(&z->file, "PK\6\6");
  put_uint(&z->file, 44, 8), put_uint(&z->file, 0, 4), put_uint(&z->file, 0, 8);
  put_uint(&z->file, (uint64_t)z->count, 8), put_uint(&z->file, (uint64_t)z->count, 8);
  put_uint(&z->file, size, 8), put_uint(&z->file, at, 8);
  put_text(&z->file, "PK\6\7");
  put_uint(&z->file, 0, 4), put_uint(&z->file, end, 8), put_uint(&z->file, 1, 4);
  put_text(&z->file, "PK\5\6");
  put_uint(&z->file, 0, 4);
  put_uint(&z->file, (uint64_t)z->count, 2), put_uint(&z->file, (uint64_t)z->count, 2);
  put_uint(&z->file, size, 4), put_uint(&z->file, 0xffffffff, 4), put_uint(&z->file, 0, 2);
}

/* --- pickles --------------------------------------------------------------------------------- */

static void p_key (buffer *o, const char *text) {
  put_text(o, "X");
  put_uint(o, strlen(text), 4);
  put_text(o, text);
}

static void p_int (buffer *o, int64_t v) {
  put_text(o, "\x8a\x08");
  put_uint(o, (uint64_t)v, 8);
}

static void p_sizes (buffer *o, int n, const int64_t *v) {
  put_text(o, "(");
  for (int i = 0; i < n; i++)
    p_int(o, v[i]);
  put_text(o, "t");
}

/* torch._utils._rebuild_tensor_v2(storage, offset, shape, stride, False, OrderedDict()) */
static void p_tensor (buffer *o, const char *class, const char *entry, int64_t numel,
                      int64_t offset, int ndim, const int64_t *shape, const int64_t *stride) {
  put_text(o, "ctorch._utils\n_rebuild_tensor_v2\n((");
  p_key(o, "storage");
  put_text(o, "ctorch\n");
  put_text(o, class);
  put_text(o, "\n");
  p_key(o, entry);
  p_key(o, "cuda:0");
  p_int(o, numel);
  put_text(o, "tQ");
  p_int(o, offset);
  p_sizes(o, ndim, shape);
  p_sizes(o, ndim, stride);
  put_text(o, "\x89"
              "ccollections\nOrderedDict\n)RtR");
}

static const float numbers[12] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
static const int64_t longs[3] = { -1, 7, INT64_C(1) << 40 };

/* Writes a zip around a pickle, with storages 0 (12 floats) and 1 (3 longs). */
static void save_pickle (const char *path, const buffer *pickle, int with_crc) {
  zip_maker *z = calloc(1, sizeof *z);
  z->with_crc = with_crc;
  zip_add(z, "ck/data.pkl", pickle->b, pickle->n);
  zip_add(z, "ck/byteorder", "little", 6);
  zip_add(z, "ck/data/0", numbers, sizeof numbers);
  zip_add(z, "ck/data/1", longs, sizeof longs);
  zip_add(z, "ck/version", "3\n", 2);
  zip_end(z);
  CHECK(scratch_put(path, z->file.b, z->file.n));
  free(z);
}

static fx_status load_pickle (const buffer *pickle) {
  fx_archive *a = NULL;
  save_pickle(scratch("x.pt"), pickle, 1);
  const fx_status st = fx_archive_load(scratch("x.pt"), &a);
  fx_archive_free(a);
  return st;
}

/* The pickle of a trainer, in small. */
static void good_pickle (buffer *o) {
  static const int64_t shape[2] = { 3, 4 }, stride[2] = { 4, 1 };
  static const int64_t turned[2] = { 4, 3 }, turned_stride[2] = { 1, 4 };
  static const int64_t three = 3, one = 1, some[2] = { 2, 2 }, far[2] = { 6, 2 };
  o->n = 0;
  put(o, "\x80\x02}q\x00(", 6);
  p_key(o, "encoder");
  put_text(o, "ccollections\nOrderedDict\n)Rr\x01\x01\x01\x01(");
  p_key(o, "conv.weight"), p_tensor(o, "FloatStorage", "0", 12, 0, 2, shape, stride);
  p_key(o, "turned"), p_tensor(o, "FloatStorage", "0", 12, 0, 2, turned, turned_stride);
  p_key(o, "window"), p_tensor(o, "FloatStorage", "0", 12, 3, 2, some, far);
  p_key(o, "scalar"), p_tensor(o, "FloatStorage", "0", 12, 5, 0, NULL, NULL);
  p_key(o, "count"), p_tensor(o, "LongStorage", "1", 3, 0, 1, &three, &one);
  put_text(o, "u}");
  p_key(o, "_metadata"), put_text(o, "}sb"); /* BUILD, dropped */
  p_key(o, "epoch"), put_text(o, "K\x03");
  p_key(o, "loss"), put(o, "G\x7f\xf0\0\0\0\0\0\0", 9);
  p_key(o, "lr"), put(o, "G\x3f\x1a\x36\xe2\xeb\x1c\x43\x2d", 9); /* 1e-4 */
  p_key(o, "flags"), put_text(o, "](\x88\x89NJ\xfe\xff\xff\xff"
                                 "e");
  p_key(o, "betas"), put_text(o, "M\x03\x02K\x09\x86");
  p_key(o, "again"), put_text(o, "j\x01\x01\x01\x01");
  p_key(o, "empty"), put_text(o, "}");
  p_key(o, "where"), put_text(o, "ctorch\ndevice\n"), p_key(o, "cuda"), put_text(o, "\x85R");
  put_text(o, "u.");
}

/* --- what is read ---------------------------------------------------------------------------- */

static void check_values (const fx_archive *a, const char *name, int n, const double *expected) {
  const fx_tensor *t = fx_archive_find(a, name);
  CHECK(t && fx_tensor_count(t) == n);
  for (int i = 0; t && i < n && i < fx_tensor_count(t); i++)
    CHECK_NEAR(fx_tensor_get(t, i), expected[i], 0.0);
}

static void check_text (const fx_archive *a, const char *key, const char *expected) {
  const char *text = fx_archive_text(a, key);
  CHECK(text && strcmp(text, expected) == 0);
  if (text && strcmp(text, expected) != 0)
    printf("  %s is %s, not %s\n", key, text, expected);
}

static void tensors_and_values_are_flattened (int with_crc) {
  static buffer o;
  fx_archive *a;
  good_pickle(&o);
  save_pickle(scratch("good.pt"), &o, with_crc);
  CHECK_STATUS(fx_archive_load(scratch("good.pt"), &a));
  CHECK(fx_archive_count(a) == 10); /* five, twice: `again` is the same dictionary */
  CHECK(strcmp(fx_archive_name(a, 1), "encoder/turned") == 0);
  check_values(a, "encoder/conv.weight", 12, (double[]){ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 });
  check_values(a, "again/turned", 12, (double[]){ 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11 });
  check_values(a, "encoder/window", 4, (double[]){ 3, 5, 9, 11 });
  check_values(a, "encoder/scalar", 1, (double[]){ 5 });
  check_values(a, "encoder/count", 3, (double[]){ -1, 7, 1099511627776.0 });
  CHECK(fx_archive_find(a, "encoder/scalar")->ndim == 0);
  CHECK(fx_archive_find(a, "encoder/count")->dtype == FX_F64);
  CHECK(fx_dim(fx_archive_find(a, "encoder/turned"), 0) == 4);
  check_text(a, "epoch", "3");
  check_text(a, "loss", "inf");
  check_text(a, "lr", "0.0001");
  check_text(a, "flags/0", "true");
  check_text(a, "flags/1", "false");
  check_text(a, "flags/2", "none");
  check_text(a, "flags/3", "-2");
  check_text(a, "betas/0", "515");
  check_text(a, "betas/1", "9");
  check_text(a, "where", "cuda");
  CHECK(fx_archive_text_count(a) == 10);
  fx_archive_free(a);
}

static void numpy_scalar_is_a_number (void) {
  static buffer o;
  fx_archive *a = NULL;
  o.n = 0;
  put(&o, "\x80\x02}", 3);
  p_key(&o, "loss");
  put_text(&o, "cnumpy._core.multiarray\nscalar\n(cnumpy\ndtype\n");
  p_key(&o, "f8");
  put_text(&o, "\x89\x88\x87RJ\x03\0\0\0");
  o.n += 3; /* put_text stopped at the first of the three zero bytes, which are there already */
  put_text(&o, "bc_codecs\nencode\n");
  /* 0.1 = 9a 99 99 99 99 99 b9 3f, every byte as a character of latin-1 */
  p_key(&o, "\xc2\x9a\xc2\x99\xc2\x99\xc2\x99\xc2\x99\xc2\x99\xc2\xb9\x3f");
  p_key(&o, "latin1");
  put_text(&o, "\x86RtRs.");
  save_pickle(scratch("n.pt"), &o, 1);
  CHECK_STATUS(fx_archive_load(scratch("n.pt"), &a));
  if (a)
    check_text(a, "loss", "0.1");
  fx_archive_free(a);
}

static void bare_tensor_is_called_value (void) {
  static buffer o;
  fx_archive *a = NULL;
  const int64_t n = 12, one = 1;
  o.n = 0;
  put(&o, "\x80\x02", 2);
  p_tensor(&o, "FloatStorage", "0", 12, 0, 1, &n, &one);
  put_text(&o, ".");
  save_pickle(scratch("bare.pt"), &o, 1);
  CHECK_STATUS(fx_archive_load(scratch("bare.pt"), &a));
  CHECK(a && fx_archive_find(a, "value"));
  fx_archive_free(a);
}

/* --- what is refused ------------------------------------------------------------------------- */

/* Loads `body` as the whole pickle and expects FX_EFORMAT with `message`. */
#define REFUSED(body, size, message) \
  do { \
    static buffer o_; \
    o_.n = 0; \
    put(&o_, (body), (size)); \
    CHECK(load_pickle(&o_) == FX_EFORMAT); \
    CHECK_MESSAGE(message); \
    CHECK_MESSAGE("x.pt: "); \
  } while (0)
#define REFUSED_TEXT(body, message) REFUSED(body, sizeof(body) - 1, message)

static void code_is_refused_by_name (void) {
  REFUSED_TEXT("cposix\nsystem\n(S'echo'\ntR.",
               "the pickle asks for 'posix system', which is not a tensor or a plain container: "
               "refused");
  REFUSED_TEXT("\x80\x02"
               "c__builtin__\neval\n(X\1\0\0\0"
               "1tR.",
               "'__builtin__ eval'");
  REFUSED_TEXT("\x80\x02"
               "cbuiltins\ngetattr\n.",
               "'builtins getattr'");
  REFUSED_TEXT("\x80\x02"
               "c__torch__\nNet\n.",
               "'__torch__ Net'");
  REFUSED_TEXT("\x80\x02"
               "ctorch\nFloatStorage\n)R.",
               "'torch FloatStorage' with arguments");
  REFUSED_TEXT("\x80\x02"
               "c\x1b[31m\nx\n.",
               "'?[31m x'"); /* no control characters get through */
  REFUSED_TEXT("S'a'\n.", "opcode STRING");
  REFUSED_TEXT("\x80\x02"
               "X\5\0\0\0posixX\6\0\0\0system\x93.",
               "opcode STACK_GLOBAL");
  REFUSED_TEXT("(iposix\nsystem\n.", "opcode INST");
  REFUSED_TEXT("\x80\x02\x82\1.", "opcode EXT1");
  REFUSED_TEXT("\x80\x04\x95", "protocol 4");
  REFUSED_TEXT("\xff.", "0xff");
}

static void broken_pickles_are_refused (void) {
  REFUSED_TEXT("", "it has no end");
  REFUSED_TEXT(".", "untidy stack");
  REFUSED_TEXT("(.", "untidy stack");
  REFUSED_TEXT("NN.", "untidy stack");
  REFUSED_TEXT("}(Nu.", "a key has no value");
  REFUSED_TEXT("(s.", "stack is empty");
  REFUSED_TEXT("]N(a.", "stack is empty");
  REFUSED_TEXT("N(Ne.", "a list was expected");
  REFUSED_TEXT(")(Ne.", "a list was expected");
  REFUSED_TEXT("t.", "a mark is missing");
  REFUSED_TEXT("R.", "stack is empty");
  REFUSED_TEXT("NNR.", "not a function");
  REFUSED_TEXT("h\1.", "recalls");
  REFUSED_TEXT("q\1.", "nothing to remember");
  REFUSED_TEXT("X\xff\xff\xff\xffx.", "in the middle");
  REFUSED_TEXT("\x8a\x09"
               "123456789.",
               "integer of 9 bytes");
  REFUSED_TEXT("ctorch", "in the middle of a name");
  REFUSED_TEXT("NQ.", "not a tuple");
  REFUSED_TEXT(")Q.", "torch.save never does");
  REFUSED_TEXT("}X\1\0\0\0aNsX\1\0\0\0aNs.", "two values called 'a'");
  REFUSED_TEXT("]X\1\0\0\0aNs.", "a dictionary was expected");
  REFUSED_TEXT("}(X\1\0\0\0aNX\1\0\0\0aNu.", "two values called 'a'");
  REFUSED_TEXT("}(X\0\0\0\0Nu.", "is empty");
  REFUSED_TEXT("}(NNu.", "neither a text nor an integer");
  REFUSED_TEXT("}(X\3\0\0\0a\0bNu.", "not text");
}

/* A list in itself, and ten levels of a list that holds the level below ten times. */
static void bombs_are_refused (void) {
  static buffer o;
  REFUSED_TEXT("]q\1h\1a.", "contains itself");
  o.n = 0;
  put_text(&o, "(");
  for (int i = 0; i < 100; i++)
    put_text(&o, "](");
  REFUSED(o.b, o.n, "no end");
  o.n = 0;
  put(&o, "]q\0(NNNNNNNNNNe0", 16);
  o.n--;
  for (int level = 1; level < 10; level++) {
    const char open[] = { ']', 'q', (char)level, '(' };
    put(&o, open, 4);
    for (int i = 0; i < 10; i++) {
      const char get[] = { 'h', (char)(level - 1) };
      put(&o, get, 2);
    }
    put_text(&o, "e");
  }
  put_text(&o, "t.");
  o.b[o.n] = 0;
  memmove(o.b + 1, o.b, o.n++);
  o.b[0] = '(';
  CHECK(load_pickle(&o) == FX_EFORMAT);
  CHECK_MESSAGE("far more values than it has bytes");
}

static fx_status load_one_tensor (const char *class, const char *entry, int64_t numel,
                                  int64_t offset, int ndim, const int64_t *shape,
                                  const int64_t *stride) {
  static buffer o;
  o.n = 0;
  put(&o, "\x80\x02}", 3);
  p_key(&o, "t");
  p_tensor(&o, class, entry, numel, offset, ndim, shape, stride);
  put_text(&o, "s.");
  return load_pickle(&o);
}

static void windows_outside_the_storage_are_refused (void) {
#define SIZES(...) \
  (int64_t[]) { __VA_ARGS__ }
  const int64_t big = INT64_C(1) << 62;
  CHECK(load_one_tensor("FloatStorage", "0", 12, 0, 1, SIZES(12), SIZES(1)) == FX_OK);
  CHECK(load_one_tensor("FloatStorage", "0", 12, 1, 1, SIZES(12), SIZES(1)) == FX_EFORMAT);
  CHECK_MESSAGE("reaches beyond the end");
  CHECK(load_one_tensor("FloatStorage", "0", 12, 12, 0, NULL, NULL) == FX_EFORMAT);
  CHECK_MESSAGE("begins beyond the end");
  CHECK(load_one_tensor("FloatStorage", "0", 12, 12, 1, SIZES(0), SIZES(1)) == FX_OK);
  CHECK(load_one_tensor("FloatStorage", "0", 12, big, 1, SIZES(2), SIZES(1)) == FX_EFORMAT);
  CHECK(load_one_tensor("FloatStorage", "0", 12, 0, 2, SIZES(2, 2), SIZES(big, big)) == FX_EFORMAT);
  CHECK(load_one_tensor("FloatStorage", "0", 12, 0, 3, SIZES(big, big, 4), SIZES(0, 0, 0)) ==
        FX_EFORMAT);
  CHECK_MESSAGE("tensor 't' claims more elements");
  CHECK(load_one_tensor("FloatStorage", "0", 12, 0, 1, SIZES(1 << 30), SIZES(0)) == FX_EFORMAT);
  CHECK(load_one_tensor("FloatStorage", "0", 12, 0, 2, SIZES(5, 2), SIZES(0, 1)) == FX_OK);
  CHECK(load_one_tensor("FloatStorage", "0", 13, 0, 1, SIZES(13), SIZES(1)) == FX_EFORMAT);
  CHECK_MESSAGE("claims 13 elements, but the entry 'ck/data/0' has 48 bytes");
  CHECK(load_one_tensor("FloatStorage", "9", 12, 0, 1, SIZES(12), SIZES(1)) == FX_EFORMAT);
  CHECK_MESSAGE("wants the entry 'ck/data/9'");
  CHECK(load_one_tensor("FloatStorage", "../../etc/passwd", 1, 0, 0, NULL, NULL) == FX_EFORMAT);
  CHECK(load_one_tensor("FloatStorage", "0", -1, 0, 0, NULL, NULL) == FX_EFORMAT);
  CHECK(load_one_tensor("FloatStorage", "0", 12, -1, 0, NULL, NULL) == FX_EFORMAT);
  CHECK(load_one_tensor("FloatStorage", "0", 12, 0, 1, SIZES(-2), SIZES(1)) == FX_EFORMAT);
  CHECK(load_one_tensor("FloatStorage", "0", 12, 3, 1, SIZES(2), SIZES(-1)) == FX_EFORMAT);
  CHECK(load_one_tensor("FloatStorage", "0", 12, 0, 7, SIZES(1, 1, 1, 1, 1, 1, 1),
                        SIZES(1, 1, 1, 1, 1, 1, 1)) == FX_EFORMAT);
  CHECK_MESSAGE("7 axes");
  CHECK(load_one_tensor("ComplexFloatStorage", "0", 1, 0, 0, NULL, NULL) == FX_EFORMAT);
  CHECK_MESSAGE("'torch ComplexFloatStorage'");
#undef SIZES
}

/* Every prefix of a good file, and every byte turned over: an error or, where the byte does not
** matter (padding, time, the data when no CRC is kept), a success; never a crash. */
static void damage_never_crashes (int with_crc) {
  static buffer o;
  size_t n = 0, loaded = 0;
  fx_archive *a;
  good_pickle(&o);
  save_pickle(scratch("d.pt"), &o, with_crc);
  unsigned char *bytes = scratch_get(scratch("d.pt"), &n);
  for (size_t cut = 0; cut < n; cut += cut < n - 100 ? 13 : 1) {
    scratch_put(scratch("d.pt"), bytes, cut);
    CHECK(fx_archive_load(scratch("d.pt"), &a) == FX_EFORMAT);
  }
  for (size_t i = 0; i < n; i++) {
    bytes[i] ^= 0xff;
    scratch_put(scratch("d.pt"), bytes, n);
    if (fx_archive_load(scratch("d.pt"), &a) == FX_OK) {
      loaded++;
      fx_archive_free(a);
    }
    bytes[i] ^= 0xff;
  }
  CHECK(loaded < n);
  for (size_t i = 0; i + 1 < sizeof numbers && with_crc; i += 7) { /* the CRC covers data */
    unsigned char *at = memmem(bytes, n, numbers, sizeof numbers);
    at[i] ^= 1;
    scratch_put(scratch("d.pt"), bytes, n);
    CHECK(fx_archive_load(scratch("d.pt"), &a) == FX_EFORMAT);
    CHECK_MESSAGE("'ck/data/0' is damaged");
    at[i] ^= 1;
  }
  free(bytes);
}

static void other_files_are_refused_clearly (void) {
  fx_archive *a;
  zip_maker *z = calloc(1, sizeof *z);
  const char legacy[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";
  scratch_put(scratch("o.pt"), legacy, sizeof legacy - 1);
  CHECK(fx_archive_load(scratch("o.pt"), &a) == FX_EFORMAT);
  CHECK_MESSAGE("torch before 1.6");
  scratch_put(scratch("o.pt"), "\x80\x02}q\0.", 6);
  CHECK(fx_archive_load(scratch("o.pt"), &a) == FX_EFORMAT);
  CHECK_MESSAGE("bare Python pickle");
  zip_add(z, "hello.txt", "hello", 5);
  zip_end(z);
  scratch_put(scratch("o.pt"), z->file.b, z->file.n);
  CHECK(fx_archive_load(scratch("o.pt"), &a) == FX_EFORMAT);
  CHECK_MESSAGE("no entry NAME/data.pkl");
  memset(z, 0, sizeof *z);
  z->method = 8;
  zip_add(z, "ck/data.pkl", "N.", 2);
  zip_end(z);
  scratch_put(scratch("o.pt"), z->file.b, z->file.n);
  CHECK(fx_archive_load(scratch("o.pt"), &a) == FX_EFORMAT);
  CHECK_MESSAGE("compressed (method 8)");
  memset(z, 0, sizeof *z);
  zip_add(z, "ck/data.pkl", "N.", 2);
  zip_add(z, "ck/data.pkl", "N.", 2);
  zip_end(z);
  scratch_put(scratch("o.pt"), z->file.b, z->file.n);
  CHECK(fx_archive_load(scratch("o.pt"), &a) == FX_EFORMAT);
  CHECK_MESSAGE("two entries called");
  memset(z, 0, sizeof *z);
  zip_add(z, "ck/data.pkl", "N.", 2);
  zip_add(z, "ck/byteorder", "big", 3);
  zip_end(z);
  scratch_put(scratch("o.pt"), z->file.b, z->file.n);
  CHECK(fx_archive_load(scratch("o.pt"), &a) == FX_EFORMAT);
  CHECK_MESSAGE("byte order is \"big\"");
  free(z);
}

static void failing_allocations_leak_nothing (void) {
  static buffer o;
  fx_memory_stats before, after;
  good_pickle(&o);
  save_pickle(scratch("m.pt"), &o, 1);
  fx_memory(&before);
  for (int64_t k = 1; k < 500; k++) {
    fx_archive *a = NULL;
    fx_alloc_fail_at(k);
    const fx_status st = fx_archive_load(scratch("m.pt"), &a);
    fx_alloc_fail_at(0);
    fx_archive_free(a);
    if (st == FX_OK)
      break;
    CHECK(st == FX_ENOMEM);
  }
  fx_memory(&after);
  CHECK(after.live_blocks == before.live_blocks);
}

/* --- the official checkpoint ----------------------------------------------------------------- */

/* The checkpoint was written one step of the optimiser (learning rate 2e-4) after the weights of
** sr_v were recorded, so every weight is there and none is further away than that step. */
static int64_t count_near (const fx_archive *pt, const fx_archive *st) {
  char name[512];
  int64_t near = 0;
  for (int64_t i = 0; i < fx_archive_count(st); i++) {
    const char *from = fx_archive_name(st, i);
    if (strncmp(from, "param/", 6) != 0)
      continue;
    snprintf(name, sizeof name, "%s", from + 6);
    *strchr(name, '.') = '/';
    const fx_tensor *a = fx_archive_find(pt, name), *b = fx_archive_tensor(st, i);
    int same = a && fx_same_shape(a, b) && a->dtype == b->dtype;
    for (int64_t k = 0; same && k < fx_tensor_count(b); k++)
      same = fabs(fx_tensor_get(a, k) - fx_tensor_get(b, k)) < 2.1e-4;
    CHECK(same);
    near += same;
  }
  return near;
}

static void official_checkpoint_holds_its_weights (void) {
  fx_archive *pt = NULL, *st = NULL;
  CHECK_STATUS(fx_archive_load("tests/fixtures/checkpoint_official.pt", &pt));
  CHECK_STATUS(fx_archive_load("tests/fixtures/sr_v.safetensors", &st));
  if (pt && st) {
    CHECK(fx_archive_count(pt) == 1085); /* 220 weights, EMA, Adam's moments */
    CHECK(count_near(pt, st) == 220);
    CHECK(fx_archive_text(pt, "ema/decay") && fx_archive_find(pt, "ema/shadow_params/215"));
    check_text(pt, "ema/collected_params", "none");
  }
  fx_archive_free(pt);
  fx_archive_free(st);
}

int main (void) {
  CHECK(scratch_begin());
  tensors_and_values_are_flattened(0);
  tensors_and_values_are_flattened(1);
  numpy_scalar_is_a_number();
  bare_tensor_is_called_value();
  code_is_refused_by_name();
  broken_pickles_are_refused();
  bombs_are_refused();
  windows_outside_the_storage_are_refused();
  damage_never_crashes(0);
  damage_never_crashes(1);
  other_files_are_refused_clearly();
  failing_allocations_leak_nothing();
  official_checkpoint_holds_its_weights();
  scratch_end();
  return check_report("pt");
}
