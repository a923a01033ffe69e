/*
** kernels.h - the arguments of every kernel, and the tables of who computes it.
**
** A kernel reads its `const` tensors and *writes* (=, never +=) all of the others, which exist with
** the right shape and dtype; it may allocate scratch and so may fail with FX_ENOMEM, and checks no
** shapes: the op has. Inputs and outputs do not overlap unless a comment says so. All tensors of one
** call have one dtype, f32 or f64. The result is the same bits for any number of threads.
**
** Sample independence: in a forward kernel the numbers of sample n depend on sample n alone, bit for
** bit, so that a member of an ensemble is the same alone and in any batch.
*/
#ifndef FX_KERNELS_H
#define FX_KERNELS_H

#include "tensor/tensor.h"

/* Elementwise functions; a and b are constants. */
typedef enum {
  FX_UNARY_AFFINE, /* a x + b     */
  FX_UNARY_EXP,
  FX_UNARY_LOG,
  FX_UNARY_SQRT,
  FX_UNARY_SQUARE,
  FX_UNARY_ABS,
  FX_UNARY_SIN,
  FX_UNARY_COS,
  FX_UNARY_TANH,
  FX_UNARY_SIGMOID,
  FX_UNARY_SILU,
  FX_UNARY_GELU, /* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
  FX_UNARY_RELU,
  FX_UNARY_POW,  /* x^a         */
  FX_UNARY_CLAMP /* into [a, b] */
} fx_unary;

typedef enum {
  FX_BINARY_ADD,
  FX_BINARY_SUB,
  FX_BINARY_MUL,
  FX_BINARY_DIV,
  FX_BINARY_MAXIMUM,
  FX_BINARY_MINIMUM,
  FX_BINARY_MASK_GE, /* 1 where a >= b, else 0 */
  FX_BINARY_MASK_LE  /* 1 where a <= b, else 0 */
} fx_binary;

typedef enum { FX_LOSS_L1, FX_LOSS_MSE, FX_LOSS_HUBER } fx_loss_kind;

/* What ops call by words: fx_padding { FX_PADDING_ZEROS, ... }, fx_resample and the others. */
#define WORD(constant, word) constant,
#define WORDS(family, ...) typedef enum { __VA_ARGS__ } fx_##family;
#include "ops.def"

/* The machine's peak: `items` tasks of `iterations` rounds of independent multiply-adds in registers,
** no memory touched. *flop = operations done, a multiply-add being two. ref: one chain, in double. */
typedef struct {
  int64_t items, iterations;
  double *flop;
} fx_kernel_fma_loop;

/* y = f(x); same shape; y may be x. */
typedef struct {
  fx_unary f;
  double a, b;
  const fx_tensor *x;
  fx_tensor *y;
} fx_kernel_unary_forward;

/* dx = dy f'(x); dx may be dy. For FX_UNARY_AFFINE x has no data. */
typedef struct {
  fx_unary f;
  double a, b;
  const fx_tensor *x, *dy;
  fx_tensor *dx;
} fx_kernel_unary_backward;

/* y = f(a, b); shapes broadcast as in NumPy to the shape of y. */
typedef struct {
  fx_binary f;
  const fx_tensor *a, *b;
  fx_tensor *y;
} fx_kernel_binary_forward;

/* y = scale * (x summed over the axes in which y, aligned at the right, has size 1 or is absent). */
typedef struct {
  const fx_tensor *x;
  double scale;
  fx_tensor *y;
} fx_kernel_sum_to;

/* y = scale * x broadcast to y's shape. */
typedef struct {
  const fx_tensor *x;
  double scale;
  fx_tensor *y;
} fx_kernel_expand;

/* y = largest of x over the axes in which y has size 1; dx = dy shared equally among the largest. */
typedef struct {
  const fx_tensor *x;
  fx_tensor *y;
} fx_kernel_max_forward;
typedef struct {
  const fx_tensor *x, *y, *dy;
  fx_tensor *dx;
} fx_kernel_max_backward;

/* y[i] = op(a[i]) op(b[i]) over the last two axes for each i of the leading axes of y; op transposes
** if asked. b may be 2-D and is then shared by all i. */
typedef struct {
  const fx_tensor *a, *b;
  bool transpose_a, transpose_b;
  fx_tensor *y;
} fx_kernel_matmul;

/* x (...,I), w (O,I), b (O) or NULL -> y (...,O) = x w^T + b. */
typedef struct {
  const fx_tensor *x, *w, *b;
  fx_tensor *y;
} fx_kernel_linear_forward;
typedef struct {
  const fx_tensor *dy, *w;
  fx_tensor *dx;
} fx_kernel_linear_backward_x;
/* dw or db may be NULL. */
typedef struct {
  const fx_tensor *x, *dy;
  fx_tensor *dw, *db;
} fx_kernel_linear_backward_w;

/* What a fused linear layer reads: a = dropout(gelu(z)), z = xhat norm_w + norm_b with xhat as layer_norm's,
** where x stands for x (...,I1) and x2 (...,I2) side by side. x2 and norm_b may be NULL; without norm_w z = x;
** gelu and p as asked. Dropout as fx_kernel_dropout's on (...,I1+I2). Nothing of a is kept: backward makes it again. */
typedef struct {
  const fx_tensor *x, *x2, *norm_w, *norm_b;
  double eps;
  bool gelu;
  double p; /* dropout; 0: none */
  fx_rng key;
} fx_linear_input;

/* y (...,O) = a w^T + b + add, w (O,I1+I2); b and add may be NULL. */
typedef struct {
  fx_linear_input in;
  const fx_tensor *w, *b, *add;
  fx_tensor *y;
} fx_kernel_fused_linear_forward;
/* dw or db may be NULL. */
typedef struct {
  fx_linear_input in;
  const fx_tensor *dy;
  fx_tensor *dw, *db;
} fx_kernel_fused_linear_backward_w;
/* From da (...,I1+I2) the gradients for what a is made of; each may be NULL. dx may be da if there is no
** x2. */
typedef struct {
  fx_linear_input in;
  const fx_tensor *da;
  fx_tensor *dx, *dx2, *dnorm_w, *dnorm_b;
} fx_kernel_fused_linear_backward_x;

/* x (N,H,W,I), w (O,kH,kW,I), b (O) or NULL -> y (N,H',W',O), H' = (H + 2 pad - kH)/stride + 1:
** y[n,i,j,o] = b[o] + sum_{u,v,c} x[n, i stride + u - pad, j stride + v - pad, c] w[o,u,v,c],
** x outside the image being 0 or, if circular, taken modulo H and W. bf16: both factors of a product are rounded
** to bf16 first, x and w here, dy and w for the gradient; sums are not, nor is the gradient for w. */
typedef struct {
  const fx_tensor *x, *w, *b;
  int64_t stride, pad;
  bool circular, bf16;
  fx_tensor *y;
} fx_kernel_conv2d_forward;
typedef struct {
  const fx_tensor *dy, *w;
  int64_t stride, pad;
  bool circular, bf16;
  fx_tensor *dx;
} fx_kernel_conv2d_backward_x;
/* dw or db may be NULL. */
typedef struct {
  const fx_tensor *x, *dy;
  int64_t stride, pad;
  bool circular;
  fx_tensor *dw, *db;
} fx_kernel_conv2d_backward_w;

/* What a fused convolution reads: a = resample(dropout(SiLU(z))), z = (x - mean) rstd norm_w + norm_b, times
** 1 + emb[:, :C] and plus emb[:, C:], where x stands for x and x2 + x2_add side by side (C = C1 + C2) and mean
** and rstd (N,groups) belong to groups of C/groups channels. x2, norm_b and emb may be NULL; without
** mean a = resample(x). Dropout as fx_kernel_dropout's, with the index of a number in (H,W,C). */
typedef struct {
  const fx_tensor *x, *x2, *x2_add, *mean, *rstd, *norm_w, *norm_b, *emb;
  int64_t groups;
  fx_resample resample;
  bool circular;
  double p; /* dropout; 0: none */
  fx_rng key;
} fx_conv_input;

/* y = conv(a, w, b) + add_resample(add) + add2 at stride 1 with pad (k-1)/2; either may be NULL. bf16 as
** fx_kernel_conv2d_forward's: a and w are rounded. */
typedef struct {
  fx_conv_input in;
  const fx_tensor *w, *b, *add, *add2;
  fx_resample add_resample;
  bool bf16;
  fx_tensor *y;
} fx_kernel_fused_conv_forward;
/* dw or db may be NULL. */
typedef struct {
  fx_conv_input in;
  const fx_tensor *dy;
  fx_tensor *dw, *db;
} fx_kernel_fused_conv_backward_w;
/* From da, the gradient for a (of its shape), those for what a is made of; each may be NULL. dx may
** be da where their shapes agree and there is no x2. */
typedef struct {
  fx_conv_input in;
  const fx_tensor *da;
  fx_tensor *dx, *dx2, *dnorm_w, *dnorm_b, *demb;
} fx_kernel_fused_conv_backward_x;

/* mean and rstd (N,groups) of x (N,...,C1) and x2 + x2_add (N,...,C2) side by side; these two may be
** NULL. */
typedef struct {
  const fx_tensor *x, *x2, *x2_add;
  int64_t groups;
  double eps;
  fx_tensor *mean, *rstd;
} fx_kernel_group_moments;

/* x (N,...,C); statistics over space and the C/groups channels of a group; mean, rstd (N,groups) are
** kept for backward, rstd = 1/sqrt(var + eps), var biased. b may be NULL. dx, dw, db may each be
** NULL in backward. layer_norm: statistics over the last axis, mean and rstd (rows). */
typedef struct {
  const fx_tensor *x, *w, *b;
  int64_t groups;
  double eps;
  fx_tensor *y, *mean, *rstd;
} fx_kernel_group_norm_forward;
typedef struct {
  const fx_tensor *x, *w, *mean, *rstd, *dy;
  int64_t groups;
  fx_tensor *dx, *dw, *db;
} fx_kernel_group_norm_backward;
typedef struct {
  const fx_tensor *x, *w, *b;
  double eps;
  fx_tensor *y, *mean, *rstd;
} fx_kernel_layer_norm_forward;
typedef struct {
  const fx_tensor *x, *w, *mean, *rstd, *dy;
  fx_tensor *dx, *dw, *db;
} fx_kernel_layer_norm_backward;

/* x (N,...,C), emb (N,2C) -> y = x (1 + emb[:, :C]) + emb[:, C:]. dx or demb may be NULL. */
typedef struct {
  const fx_tensor *x, *emb;
  fx_tensor *y;
} fx_kernel_modulate_forward;
typedef struct {
  const fx_tensor *x, *emb, *dy;
  fx_tensor *dx, *demb;
} fx_kernel_modulate_backward;

/* Over the last axis. dx = y (dy - sum(dy y)). */
typedef struct {
  const fx_tensor *x;
  fx_tensor *y;
} fx_kernel_softmax_forward;
typedef struct {
  const fx_tensor *y, *dy;
  fx_tensor *dx;
} fx_kernel_softmax_backward;

/* q (N,T,D), k and v (N,S,D); head h owns channels h D/heads .. of each; scale 1/sqrt(D/heads).
** backward recomputes the probabilities; it writes all three gradients. */
typedef struct {
  const fx_tensor *q, *k, *v;
  int64_t heads;
  fx_tensor *y;
} fx_kernel_attention_forward;
typedef struct {
  const fx_tensor *q, *k, *v, *dy;
  int64_t heads;
  fx_tensor *dq, *dk, *dv;
} fx_kernel_attention_backward;

/* x (N,H,W,C) -> y (N,fH,fW,C) = scale * x, each pixel repeated f x f; sum_blocks is its adjoint:
** x (N,fH,fW,C) -> y (N,H,W,C) = scale * sum of each block. */
typedef struct {
  const fx_tensor *x;
  int64_t factor;
  double scale;
  fx_tensor *y;
} fx_kernel_repeat_blocks;
typedef struct {
  const fx_tensor *x;
  int64_t factor;
  double scale;
  fx_tensor *y;
} fx_kernel_sum_blocks;

/* x (N,H,W,C) -> y (N,H',W',C), separable. Output i reads the source coordinate s:
** (i + 1/2) H/H' - 1/2, or i H/H' if registered. Taps outside are clamped to the border or, if
** circular, wrapped. Bicubic: Keys' kernel with a = -0.75 on 4 taps; bilinear: s < 0 counts as 0
** unless circular; nearest: floor((i + 1/2) H/H'), registered: floor(i H/H'). backward is the
** adjoint. */
typedef struct {
  const fx_tensor *x;
  fx_resize_method method;
  bool registered, circular;
  fx_tensor *y;
} fx_kernel_resize_forward;
typedef struct {
  const fx_tensor *dy;
  fx_resize_method method;
  bool registered, circular;
  fx_tensor *dx;
} fx_kernel_resize_backward;

/* y's axis i is x's axis axes[i]. */
typedef struct {
  const fx_tensor *x;
  fx_dims axes;
  fx_tensor *y;
} fx_kernel_permute;

/* y = x[start .. start + y's size] along axis. place is its adjoint: y, already holding numbers, gets
** x written (=) at start along axis; the rest of y is untouched unless clear, which zeroes it. */
typedef struct {
  const fx_tensor *x;
  int64_t axis, start;
  fx_tensor *y;
} fx_kernel_narrow;
typedef struct {
  const fx_tensor *x;
  int64_t axis, start;
  bool clear;
  fx_tensor *y;
} fx_kernel_place;

/* y = x with the entries along axis in reverse order. */
typedef struct {
  const fx_tensor *x;
  int64_t axis;
  fx_tensor *y;
} fx_kernel_flip;

/* t (N), freqs and phases (D) -> y (N,D) = sqrt(2) cos(t freqs + phases). */
typedef struct {
  const fx_tensor *t, *freqs, *phases;
  fx_tensor *y;
} fx_kernel_fourier;

/* y[i] = x[i] / (1-p) if uniform(key, i) >= p, else 0 x[i]. Forward and backward are the same function.
** Sample independence: the leading axis of x is added to key.sample (element i of sample n is drawn
** from key.sample + n, index i). */
typedef struct {
  const fx_tensor *x;
  double p;
  fx_rng key;
  fx_tensor *y;
} fx_kernel_dropout;

/* y (): the mean loss over all elements; dx = dy * d loss / d a; the gradient for b is -dx. */
typedef struct {
  fx_loss_kind kind;
  double delta;
  const fx_tensor *a, *b;
  fx_tensor *y;
} fx_kernel_loss_forward;
typedef struct {
  fx_loss_kind kind;
  double delta;
  const fx_tensor *a, *b, *dy;
  fx_tensor *dx;
} fx_kernel_loss_backward;

/* y += scale * x. */
typedef struct {
  const fx_tensor *x;
  double scale;
  fx_tensor *y;
} fx_kernel_add_scaled;

/* *sum = sum of x^2, in double, in a fixed order. */
typedef struct {
  const fx_tensor *x;
  double *sum;
} fx_kernel_sum_squares;

/* One optimiser step on one parameter, in place, and its average in the same pass:
**   g <- grad_scale g  (clipping; g itself is not written)
**   Adam [Kingma & Ba 2015]: weight decay added to g. AdamW [Loshchilov & Hutter 2019], if
**   decoupled: p <- p (1 - lr decay) first.  m <- b1 m + (1-b1) g, v <- b2 v + (1-b2) g^2,
**   p <- p - lr/(1-b1^step) m / (sqrt(v)/sqrt(1-b2^step) + eps)
**   Lion [Chen et al. 2023]: p <- p (1 - lr decay) - lr sign(b1 m + (1-b1) g); m <- b2 m + (1-b2) g
**   average, unless NULL: e <- e - (1 - ema_decay) (e - p)  with the new p. */
typedef struct {
  fx_tensor *p, *m, *v, *average;
  const fx_tensor *g;
  double lr, beta1, beta2, eps, decay, ema_decay, grad_scale;
  int64_t step;
  bool decoupled;
} fx_kernel_adam;
typedef struct {
  fx_tensor *p, *m, *average;
  const fx_tensor *g;
  double lr, beta1, beta2, decay, ema_decay, grad_scale;
} fx_kernel_lion;
typedef struct {
  const fx_tensor *p;
  double ema_decay;
  fx_tensor *average;
} fx_kernel_ema;

/* --- who computes ------------------------------------------------------------------------------ */

typedef struct {
  const char *name; /* "ref", "cpu" */
  const char *isa;  /* "", "baseline", "avx2" ...: what the cpu table was compiled for */
#define KERNEL(name, ref, cpu, cuda) fx_status (*name)(const fx_kernel_##name *args);
#include "kernels.def"
} fx_backend;

/* The table that computes on t: ref for f64, the chosen one for f32. */
const fx_backend *fx_backend_of(const fx_tensor *t);

/* Chooses among "cpu" (default) and "ref"; unknown names fail with the list. */
fx_status fx_backend_use(const char *name);
const fx_backend *fx_backend_current(void);

/* Calls a kernel on the backend of tensor t:  FX_RUN(x, conv2d_forward, .x = x, .w = w, ...) */
#define FX_RUN(t, kernel, ...) fx_backend_of(t)->kernel(&(fx_kernel_##kernel){ __VA_ARGS__ })

/* The rows of kernels.def, for `flexlab ops`. */
typedef struct {
  const char *name;
  bool cpu, cuda;
} fx_kernel_row;
extern const fx_kernel_row fx_kernel_rows[];
extern const int fx_kernel_row_count;

/* Instruction sets of the cpu table: which are built in and run here, best first; NULL ends it. */
const char *const *fx_isas(void);
/* "baseline" | "avx2" | "avx512" | "amx", in some builds "amx_emulated", or the psABI's "x86-64",
** "x86-64-v2", -v3, -v4. FX_EARG, with the names there are, if this build or this processor has no
** such set; then nothing changes. */
fx_status fx_isa_use(const char *name);
/* Uses the one that FLEXLAB_ISA names, if it is set. The Lua module calls it, so that a wrong word is
** an error at start; without it the first kernel does, and warns. */
fx_status fx_isa_start(void);

/* "OpenBLAS SkylakeX (checked)" or "own (OpenBLAS computed wrong products here)". */
const char *fx_blas_text(void);

#endif
