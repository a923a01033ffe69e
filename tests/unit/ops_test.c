/*
** ops_test.c - the laws that every op obeys, over the cases of ops_cases.h.
**
**   ops_test               all of them
**   ops_test -o conv2d     the cases of one op
**   ops_test -l            the ops, and how many cases each has
**
** The scalar under test is sum(op(x) * weights) with fixed random weights, so that every element of
** the gradient matters. Differences use f64, where the reference kernels compute.
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/tape.h"
#include "base/alloc.h"
#include "base/nearest.h"
#include "base/thread.h"
#include "check.h"
#include "kernels/kernels.h"
#include "largest.h"
#include "nn/scope.h"

#if defined OP || defined WORDS || defined WORD || defined OPERAND || defined TENSOR || \
    defined LINEAR || defined OPTTENSOR || defined OPTVALUES || defined NOGRAD || \
    defined OPTION || defined INT || defined NUMBER || defined FLAG || defined CHOICE || \
    defined AXIS || defined START || defined AXES || defined DIMS || defined KEY || \
    defined RESULT || defined PRODUCTS || defined OR_NUMBER || defined KERNEL
#error "a macro of ops.def or kernels.def is left to those who include a header"
#endif

enum { ABSENT, ANY, POSITIVE };
typedef struct {
  int kind, ndim;
  int64_t shape[FX_MAX_DIMS];
} operand;
typedef struct {
  fx_op_index op;
  int line;
  fx_dims result;
  operand x[FX_MAX_OPERANDS];
} test_case;

#define SIZES(...) \
  sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), { __VA_ARGS__ }
#define T(...) \
  { ANY, SIZES(__VA_ARGS__) }
#define P(...) \
  { POSITIVE, SIZES(__VA_ARGS__) }
#define NONE \
  { \
    ABSENT, 0, { 0 } \
  }
#define UNPACK(...) __VA_ARGS__
#define RNG(...) ((fx_rng){ __VA_ARGS__ })

/* The options of case `line`, as the op's own argument struct. */
typedef union {
#define OP(name, doc, ...) fx_##name##_args name;
#include "ops.def"
} any_args;

static void options_of (int line, any_args *a) {
  memset(a, 0, sizeof *a);
  switch (line) {
#define CASE(name, operands, result, ...) \
  case __LINE__: \
    a->name = *FX_ARGS(name, __VA_ARGS__); \
    break;
#include "ops_cases.h"
#undef CASE
  default: break;
  }
}

static const test_case cases[] = {
#define CASE(name, operands, result, ...) \
  { FX_OP_##name, __LINE__, { SIZES result }, { UNPACK operands } },
#include "ops_cases.h"
#undef CASE
};
#define CASES ((int)(sizeof cases / sizeof *cases))

/* --- operands ----------------------------------------------------------------------------------- */

static fx_status make_operand (const operand *o, int k, fx_dtype dtype, fx_tensor **out) {
  *out = NULL;
  if (o->kind == ABSENT)
    return FX_OK;
  FX_TRY(fx_tensor_new(dtype, o->ndim, o->shape, out));
  fx_tensor_normal(*out, (fx_rng){ .seed = 11, .stream = FX_STREAM_USER, .sample = (uint32_t)k });
  for (int64_t i = 0; o->kind == POSITIVE && i < fx_tensor_count(*out); i++)
    fx_tensor_set(*out, i, 0.5 + fabs(fx_tensor_get(*out, i)));
  return FX_OK;
}

static fx_status make_operands (const test_case *c, fx_dtype dtype, fx_tensor *x[FX_MAX_OPERANDS]) {
  memset(x, 0, FX_MAX_OPERANDS * sizeof *x);
  for (int k = 0; k < FX_MAX_OPERANDS; k++)
    FX_TRY(make_operand(&c->x[k], k, dtype, &x[k]));
  return FX_OK;
}

static void release_all (fx_tensor *x[FX_MAX_OPERANDS]) {
  for (int k = 0; k < FX_MAX_OPERANDS; k++)
    fx_tensor_assign(&x[k], NULL);
}

static fx_status run (const test_case *c, fx_tensor *const x[FX_MAX_OPERANDS], fx_tensor **y) {
  any_args a;
  fx_tensor **list[FX_MAX_OPERANDS];
  options_of(c->line, &a);
  const int operands = fx_ops[c->op].operands(&a, list);
  for (int k = 0; k < operands; k++)
    *list[k] = x[k];
  return fx_apply(&fx_ops[c->op], &a, y);
}

static double weight (int64_t i) { return sin(1.0 + 1.7 * (double)i); }

static double weighted_sum (const fx_tensor *y) {
  double sum = 0;
  for (int64_t i = 0; i < fx_tensor_count(y); i++)
    sum += weight(i) * fx_tensor_get(y, i);
  return sum;
}

static fx_status backward_weighted (fx_tensor *y) {
  fx_tensor *seed = NULL;
  FX_TRY(fx_tensor_new_like(y, &seed));
  for (int64_t i = 0; i < fx_tensor_count(seed); i++)
    fx_tensor_set(seed, i, weight(i));
  const fx_status st = fx_backward(y, seed);
  fx_tensor_release(seed);
  return st;
}

static bool tracked (const test_case *c, int k) {
  return fx_ops[c->op].args[k].kind != FX_ARG_NOGRAD;
}

/* y and all gradients of a case. */
static fx_status forward_backward (const test_case *c, fx_tensor *x[FX_MAX_OPERANDS],
                                   fx_tensor **y) {
  bool any = false;
  for (int k = 0; k < FX_MAX_OPERANDS; k++)
    if (x[k] && tracked(c, k)) {
      FX_TRY(fx_set_requires_grad(x[k], true));
      any = true;
    }
  FX_TRY(run(c, x, y));
  return any ? backward_weighted(*y) : FX_OK;
}

/* --- the laws ----------------------------------------------------------------------------------- */

static void result_has_its_shape (const test_case *c) {
  fx_tensor *x[FX_MAX_OPERANDS], *y = NULL;
  char got[FX_SHAPE_TEXT];
  CHECK_STATUS(make_operands(c, FX_F32, x));
  CHECK_STATUS(run(c, x, &y));
  bool same = y && y->ndim == c->result.n;
  for (int i = 0; same && i < y->ndim; i++)
    same = y->shape[i] == c->result.d[i];
  CHECK(same);
  if (y && !same)
    fprintf(stderr, "  ops_cases.h:%d gives %s\n", c->line, fx_shape_text(y, got));
  fx_tensor_release(y);
  release_all(x);
}

static void name_case (const test_case *c, const char *law) {
  if (check_failures() != 0)
    fprintf(stderr, "  in %s, ops_cases.h:%d, %s\n", fx_ops[c->op].name, c->line, law);
}

/* (f(x+h) - f(x-h)) / 2h for up to MOST_ELEMENTS of every operand, evenly spread; h^2 and rounding
** give about 1e-8. */
#define MOST_ELEMENTS 60
static void gradients_match_differences (const test_case *c) {
  fx_tensor *x[FX_MAX_OPERANDS], *y = NULL;
  CHECK_STATUS(make_operands(c, FX_F64, x));
  CHECK_STATUS(forward_backward(c, x, &y));
  fx_tensor_assign(&y, NULL);
  const bool recording = fx_set_recording(false);
  for (int k = 0; k < FX_MAX_OPERANDS; k++) {
    if (!x[k] || !tracked(c, k))
      continue;
    const fx_tensor *g = fx_grad(x[k]);
    CHECK(g && fx_same_shape(g, x[k]));
    const int64_t n = fx_tensor_count(x[k]), stride = n / MOST_ELEMENTS + 1;
    for (int64_t i = 0; g && i < n; i += stride) {
      const double v = fx_tensor_get(x[k], i), h = 1e-5;
      double f[2] = { 0, 0 };
      for (int side = 0; side < 2; side++) {
        fx_tensor_set(x[k], i, v + (side ? h : -h));
        CHECK_STATUS(run(c, x, &y));
        f[side] = weighted_sum(y);
        fx_tensor_assign(&y, NULL);
      }
      fx_tensor_set(x[k], i, v);
      const double want = (f[1] - f[0]) / (2 * h);
      CHECK_NEAR(fx_tensor_get(g, i), want, 1e-6 * (1 + fabs(want)));
    }
  }
  fx_set_recording(recording);
  release_all(x);
}

/* Sums of n products in f32 against f64: a few units in the last place of the largest entry. */
static void check_close (const fx_tensor *a, const fx_tensor *b) {
  const double limit = 2e-5 * (largest(b) + 1e-3);
  CHECK(fx_same_shape(a, b));
  for (int64_t i = 0; i < fx_tensor_count(a); i++)
    CHECK_NEAR(fx_tensor_get(a, i), fx_tensor_get(b, i), limit);
}

static void check_same_bits (const fx_tensor *a, const fx_tensor *b) {
  CHECK(fx_same_shape(a, b));
  CHECK(memcmp(a->data, b->data, (size_t)fx_tensor_count(a) * fx_dtype_size(a->dtype)) == 0);
}

typedef void (*comparison)(const fx_tensor *, const fx_tensor *);

static void compare_runs (const test_case *c, fx_tensor *x[], fx_tensor *y, fx_tensor *x2[],
                          fx_tensor *y2, comparison same) {
  same(y2, y);
  for (int k = 0; k < FX_MAX_OPERANDS; k++)
    if (x[k] && tracked(c, k)) {
      CHECK(fx_grad(x[k]) && fx_grad(x2[k]));
      if (fx_grad(x[k]) && fx_grad(x2[k]))
        same(fx_grad(x2[k]), fx_grad(x[k]));
    }
}

/* Runs the case twice, before and after `change`, and compares results and gradients. */
static void twice (const test_case *c, void (*change)(void), comparison same) {
  fx_tensor *x[FX_MAX_OPERANDS], *x2[FX_MAX_OPERANDS], *y = NULL, *y2 = NULL;
  CHECK_STATUS(make_operands(c, FX_F32, x));
  CHECK_STATUS(make_operands(c, FX_F32, x2));
  CHECK_STATUS(forward_backward(c, x, &y));
  change();
  CHECK_STATUS(forward_backward(c, x2, &y2));
  if (y && y2)
    compare_runs(c, x, y, x2, y2, same);
  fx_tensor_release(y);
  fx_tensor_release(y2);
  release_all(x);
  release_all(x2);
}

static void use_cpu (void) { CHECK_STATUS(fx_backend_use("cpu")); }
static void use_three_threads (void) { fx_set_threads(3); }

static void cpu_equals_ref (const test_case *c) {
  for (const char *const *isa = fx_isas(); *isa; isa++) {
    CHECK_STATUS(fx_isa_use(*isa));
    CHECK_STATUS(fx_backend_use("ref"));
    twice(c, use_cpu, check_close);
    name_case(c, *isa);
  }
  CHECK_STATUS(fx_isa_use(fx_isas()[0]));
}

static void threads_change_nothing (const test_case *c) {
  fx_set_threads(1);
  twice(c, use_three_threads, check_same_bits);
}

/* y for operands whose middle element of operand k is NaN. */
static void run_with_nan (const test_case *c, int k, fx_tensor **y) {
  fx_tensor *x[FX_MAX_OPERANDS];
  CHECK_STATUS(make_operands(c, FX_F32, x));
  fx_tensor_set(x[k], fx_tensor_count(x[k]) / 2, NAN);
  CHECK_STATUS(run(c, x, y));
  release_all(x);
}

/* NaN reaches the result, whichever operand it is in, and the cpu kernels have it wherever ref has.
** A resize to fewer points may not read it. */
static void nan_is_not_hidden (const test_case *c) {
  for (int k = 0; k < FX_MAX_OPERANDS; k++) {
    fx_tensor *want = NULL;
    int64_t found = 0;
    if (c->x[k].kind == ABSENT || c->x[k].ndim == 0)
      continue;
    CHECK_STATUS(fx_backend_use("ref"));
    run_with_nan(c, k, &want);
    for (int64_t i = 0; i < fx_tensor_count(want); i++)
      found += isnan(fx_tensor_get(want, i)) != 0;
    CHECK(found > 0 || c->op == FX_OP_resize);
    CHECK_STATUS(fx_backend_use("cpu"));
    for (const char *const *isa = fx_isas(); *isa; isa++) {
      fx_tensor *y = NULL;
      CHECK_STATUS(fx_isa_use(*isa));
      run_with_nan(c, k, &y);
      for (int64_t i = 0; i < fx_tensor_count(want); i++)
        CHECK(isnan(fx_tensor_get(y, i)) || !isnan(fx_tensor_get(want, i)));
      fx_tensor_release(y);
      name_case(c, *isa);
    }
    CHECK_STATUS(fx_isa_use(fx_isas()[0]));
    fx_tensor_release(want);
  }
}

/* The gradient of maximum, minimum and relu goes where their value came from; as PyTorch's, that of
** relu passes at NaN, and a largest element that is NaN has no place. */
static const struct {
  fx_op_index op;
  double gradient[4]; /* of the first of these operands */
} at_nan[] = { { FX_OP_maximum, { 1, 0, 1, 0 } },
               { FX_OP_minimum, { 1, 0, 1, 1 } },
               { FX_OP_relu, { 1, 1, 1, 1 } },
               { FX_OP_max, { NAN, NAN, NAN, NAN } } };
static const double with_nan[2][4] = { { NAN, 1, NAN, 2 }, { 1, NAN, NAN, 3 } };

static void gradient_at_nan (fx_op_index op, const double want[4]) {
  any_args a;
  fx_tensor **list[FX_MAX_OPERANDS], *x[2] = { NULL, NULL }, *y = NULL, *seed = NULL;
  memcpy(&a, fx_ops[op].defaults, fx_ops[op].size);
  const int operands = fx_ops[op].operands(&a, list);
  for (int k = 0; k < operands; k++) {
    CHECK_STATUS(fx_tensor_new(FX_F32, 1, (int64_t[]){ 4 }, &x[k]));
    for (int i = 0; i < 4; i++)
      fx_tensor_set(x[k], i, with_nan[k][i]);
    *list[k] = x[k];
  }
  CHECK_STATUS(fx_set_requires_grad(x[0], true));
  CHECK_STATUS(fx_apply(&fx_ops[op], &a, &y));
  CHECK_STATUS(fx_tensor_new_like(y, &seed));
  fx_tensor_fill(seed, 1);
  CHECK_STATUS(fx_backward(y, seed));
  for (int i = 0; i < 4; i++) {
    const double got = fx_tensor_get(fx_grad(x[0]), i);
    CHECK(got == want[i] || (isnan(got) && isnan(want[i])));
  }
  fx_tensor_release(seed);
  fx_tensor_release(y);
  fx_tensor_release(x[0]);
  fx_tensor_release(x[1]);
}

/* Makes the 1st, 2nd, ... allocation fail until the case succeeds, which it does when k is beyond its
** last: every failure is reported, none leaks (memory in use afterwards is what it was before). */
#define MOST_ALLOCATIONS 500
static void survives_failing_allocations (const test_case *c) {
  fx_memory_stats before, after;
  fx_memory(&before);
  bool failed = true;
  for (int k = 1; failed && k <= MOST_ALLOCATIONS; k++) {
    fx_tensor *x[FX_MAX_OPERANDS], *y = NULL;
    CHECK_STATUS(make_operands(c, FX_F32, x));
    fx_alloc_fail_at(k);
    const fx_status st = forward_backward(c, x, &y);
    fx_alloc_fail_at(0);
    failed = st != FX_OK;
    CHECK(st == FX_OK || st == FX_ENOMEM);
    fx_tensor_release(y);
    release_all(x);
  }
  CHECK(!failed);
  fx_memory(&after);
  CHECK(after.live_bytes == before.live_bytes);
  CHECK(after.live_blocks == before.live_blocks);
}

/* --- what C callers get ------------------------------------------------------------------------- */

/* What is not said has its default, also beside what is; a zero that is said is a zero. */
static void arguments_begin_as_defaults (void) {
  fx_tensor *x = NULL;
  const fx_conv2d_args *conv = FX_ARGS(conv2d, .x = x, .stride = 2);
  CHECK(conv->stride == 2 && conv->pad == -1 && conv->padding == FX_PADDING_ZEROS && !conv->w);
  CHECK(FX_ARGS(conv2d, .pad = 0)->pad == 0);
  const fx_affine_args *affine = FX_ARGS(affine, .shift = 3);
  CHECK(affine->scale == 1 && affine->shift == 3);
  CHECK(FX_ARGS(clamp, .x = x)->low == -1 && FX_ARGS(concat, .a = x)->axis == -1);
  const fx_permute_args *permute = FX_ARGS(permute, .axes = FX_DIMS(2, 0, 1));
  CHECK(permute->axes.n == 3 && permute->axes.d[0] == 2 && permute->axes.d[2] == 1);
  CHECK(strcmp(FX_WORDS(resample), "same|down|up") == 0 && FX_RESAMPLE_UP == 2);
}

/* An op in a scope and an op by itself have them too. */
static void calls_begin_with_defaults (void) {
  fx_tensor *x = NULL, *y = NULL;
  fx_scope s;
  CHECK_STATUS(fx_tensor_new(FX_F32, 1, (int64_t[]){ 3 }, &x));
  fx_tensor_fill(x, 5);
  fx_scope_open(&s);
  fx_tensor *sum =
      FX_DO(&s, add, .a = FX_DO(&s, add, .a = x, .b = x), .b = FX_DO(&s, affine, .x = x));
  CHECK(sum && fx_tensor_get(sum, 1) == 15);
  fx_scope_close(&s);
  CHECK_STATUS(fx_clamp(FX_ARGS(clamp, .x = x), &y));
  CHECK(y && fx_tensor_get(y, 2) == 1);
  fx_tensor_release(y);
  fx_tensor_release(x);
}

/* --- which cases -------------------------------------------------------------------------------- */

static int cases_of (int op) {
  int count = 0;
  for (int k = 0; k < CASES; k++)
    count += (int)cases[k].op == op;
  return count;
}

static void has_a_case (int op) {
  if (cases_of(op) == 0)
    fprintf(stderr, "op '%s' has no case in ops_cases.h\n", fx_ops[op].name);
  CHECK(cases_of(op) > 0);
}

static void obeys_the_laws (const test_case *c) {
  result_has_its_shape(c);
  name_case(c, "shape of the result");
  gradients_match_differences(c);
  name_case(c, "gradients");
  cpu_equals_ref(c);
  nan_is_not_hidden(c);
  name_case(c, "NaN");
  threads_change_nothing(c);
  name_case(c, "threads");
  survives_failing_allocations(c);
  name_case(c, "failing allocations");
}

static void test_op (int op) {
  has_a_case(op);
  for (size_t i = 0; i < sizeof at_nan / sizeof *at_nan; i++)
    for (int backend = 0; (int)at_nan[i].op == op && backend < 2; backend++) {
      CHECK_STATUS(fx_backend_use(backend ? "cpu" : "ref"));
      gradient_at_nan(at_nan[i].op, at_nan[i].gradient);
    }
  for (int k = 0; k < CASES; k++)
    if ((int)cases[k].op == op)
      obeys_the_laws(&cases[k]);
}

static int list_ops (void) {
  for (int i = 0; i < FX_OP_COUNT; i++)
    printf("%-12s %d\n", fx_ops[i].name, cases_of(i));
  return 0;
}

/* The index of the op; -1, after a sentence, if there is none of that name. */
static int op_named (const char *name) {
  const char *names[FX_OP_COUNT + 1] = { NULL };
  for (int i = 0; i < FX_OP_COUNT; i++) {
    if (strcmp(fx_ops[i].name, name) == 0)
      return i;
    names[i] = fx_ops[i].name;
  }
  const char *near = fx_nearest(name, names);
  fprintf(stderr, "ops_test: there is no op '%s'%s%s%s; ops_test -l lists them\n", name,
          near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
  return -1;
}

int main (int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "-l") == 0)
    return list_ops();
  if (argc != 1 && !(argc == 3 && strcmp(argv[1], "-o") == 0)) {
    fprintf(stderr, "usage: ops_test [-l | -o OP]\n");
    return 2;
  }
  if (argc == 1) {
    arguments_begin_as_defaults();
    calls_begin_with_defaults();
  }
  const int only = argc == 3 ? op_named(argv[2]) : 0;
  if (only < 0)
    return 2;
  for (int op = only; op < (argc == 3 ? only + 1 : FX_OP_COUNT); op++)
    test_op(op);
  return check_report("ops");
}
