/*
** segment.h - a piece of a program that backward runs again instead of keeping what it made
** [Chen et al. 2016, arXiv 1604.06174].
**
** A segment is a function of tensors. Its forward pass runs without recording, so that only its
** result lives on; the tape sees one node, which retains the operands. Backward runs the function
** again, now recording, on leaves that share the operands' memory, passes backward through that small
** graph, and hands the leaves' gradients on. So the activations inside cost memory only while their
** own gradient is made, and time once more.
**
** Invariants. What a segment reads is one struct, its context, with the tensors among its fields: they
** are the operands, which the tape sees and backward replaces by leaves. The function must give the same
** bits when run again: it reads its context and nothing else, and random numbers are keyed. Everything
** that a gradient should reach is an operand, parameters too; that also keeps them alive until backward.
** The result has the same bits with and without a segment; gradients may differ in the last bits, because
** what several readers inside contribute to an operand is added up first among themselves.
**
** Refused: hooks on the tape that free and refill the inside (every op would have to know), and
** parameters found by tracing (what is not named could be gone by the time of backward).
*/
#ifndef FX_SEGMENT_H
#define FX_SEGMENT_H

#include "autograd/tape.h"

#define FX_SEGMENT_CONTEXT 512 /* bytes of context, at most */

/* Computes *out, new, from a context; tensors in it that the caller had not are NULL. */
typedef fx_status (*fx_segment_run)(const void *context, fx_tensor **out);

/* What fx_segment_op applies; made by fx_segment. */
typedef struct {
  fx_tensor *in[FX_MAX_OPERANDS];
  size_t offset[FX_MAX_OPERANDS]; /* of the operand in the context */
  int count;
  fx_segment_run run;
  _Alignas(16) char context[FX_SEGMENT_CONTEXT];
} fx_segment_args;

/* An op like those of ops.def, for fx_apply; not among them, as no recipe can write one. */
extern const fx_op fx_segment_op;

/* The arguments of run(context): a copy of `size` <= FX_SEGMENT_CONTEXT bytes, whose `count` <= FX_MAX_OPERANDS
** tensors `fields` point to. */
fx_segment_args fx_segment(fx_segment_run run, const void *context, size_t size,
                           fx_tensor *const *const *fields, int count);

#endif
