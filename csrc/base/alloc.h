/*
** alloc.h - the one allocator. Blocks are 64-byte aligned (a cache line, a zmm register), counted,
** and kept for reuse after fx_free, because a training step asks for the same
** sizes again and the kernel's page faults would otherwise cost more than small operations do.
** Tests can make the k-th request fail.
**
** Every block is of a kind, so that a peak can say what it is made of. Plain fx_alloc is workspace:
** kernels' scratch, handles, the graph's nodes. A tensor's storage has the kind that its thread has
** set, activations unless somebody said otherwise.
*/
#ifndef FX_ALLOC_H
#define FX_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* New block of at least `bytes` (contents undefined), or NULL with the message set (FX_ENOMEM).
** Zero bytes give a valid pointer. The caller owns it; free with fx_free. Thread-safe. */
void *fx_alloc(size_t bytes);

/* ORDER MEMORY: names in alloc.c */
typedef enum {
  FX_MEMORY_WORKSPACE,   /* what is no tensor                                     */
  FX_MEMORY_ACTIVATIONS, /* results of ops, kept or passing; batches; the default */
  FX_MEMORY_WEIGHTS,     /* parameters                                            */
  FX_MEMORY_GRADIENTS,   /* made while backward runs: of weights and on the way   */
  FX_MEMORY_OPTIMISER,   /* moments and averages                                  */
  FX_MEMORY_KINDS
} fx_memory_kind;

/* "workspace", "activations", ... */
const char *fx_memory_kind_name(fx_memory_kind kind);

/* The kind of the tensors that this thread makes from now on; returns the one before. */
fx_memory_kind fx_memory_enter(fx_memory_kind kind);
fx_memory_kind fx_memory_current(void);

/* As fx_alloc, for a block of that kind. */
void *fx_alloc_kind(size_t bytes, fx_memory_kind kind);

/* As fx_alloc, for count * size bytes set to zero; a product that overflows is refused. */
void *fx_calloc(size_t count, size_t size);

/* New copy of a C string, or NULL. */
char *fx_strdup(const char *text);

/* Gives the block back to the cache. NULL is ignored. Takes ownership. */
void fx_free(void *block);

/* Returns all cached blocks to the system. */
void fx_alloc_trim(void);

typedef struct {
  int64_t live_bytes;   /* handed out and not freed                     */
  int64_t cached_bytes; /* freed, kept for reuse                        */
  int64_t peak_bytes;   /* largest live_bytes since fx_memory_reset_peak */
  int64_t live_blocks;
  int64_t requests; /* calls of fx_alloc so far                     */
  int64_t live_by_kind[FX_MEMORY_KINDS];
  int64_t peak_by_kind[FX_MEMORY_KINDS]; /* live_by_kind when peak_bytes was reached */
} fx_memory_stats;

void fx_memory(fx_memory_stats *out);
void fx_memory_reset_peak(void);

/* From now on requests that would bring what is live above `most` bytes fail; 0: all may be tried. Returns what held
** before. For sizes that a file of others asks for, before anything has borne them out. */
int64_t fx_alloc_limit(int64_t most);

/* Makes the k-th request from now (1 = the next) fail once; 0 switches this off. For tests. */
void fx_alloc_fail_at(int64_t k);

#endif
