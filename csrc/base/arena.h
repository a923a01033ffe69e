/*
** arena.h - memory for large blocks: pieces cut from what the system gave, joined again when they come back.
** One thread at a time: alloc.c, its only user, holds a lock around every call.
*/
#ifndef FX_ARENA_H
#define FX_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* What fx_arena_take makes of `bytes`: whole pages. */
size_t fx_arena_round(size_t bytes);

/* New block of `bytes`, which fx_arena_round has rounded; its first byte begins a page, its contents are
** undefined. NULL if the system refuses; no message is set. */
void *fx_arena_take(size_t bytes);

/* Takes back a whole block of fx_arena_take, to be taken again, or to return it to the system. Neither fails: what
** cannot be kept is returned. */
void fx_arena_give(void *block, size_t bytes);
void fx_arena_drop(void *block, size_t bytes);

/* Bytes that are kept and not taken. */
int64_t fx_arena_idle(void);

/* Returns them to the system. */
void fx_arena_trim(void);

#endif
