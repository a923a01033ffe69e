/*
** reading.h - boxes of containers read ahead, while the caller computes.
**
**   fx_reading_ask(c, i, start, count, FX_F32);            for each box of the next batch
**   ...                                                    a training step
**   fx_reading_take(c, i, start, count, FX_F32, &t);       waits, or reads it now if nobody asked
**   fx_reading_forget(c);                                  before fx_container_close(c)
**
** What is read does not depend on what was asked: a box that was asked has the bits of one that was not, and
** one that was asked and never taken costs its memory until it is forgotten. Asking is a hint: without memory
** or threads, or beyond 4096 boxes, it does nothing.
**
** One thread of the process calls these functions; the reading thread is theirs.
*/
#ifndef FX_READING_H
#define FX_READING_H

#include "io/container.h"

/* Has a box read: arguments as for fx_container_read, which judges them when it is read. */
void fx_reading_ask(fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                    fx_dtype dtype);

/* As fx_container_read, from the first equal box that was asked and not yet taken. Errors are those of the
** reading, with its message. */
fx_status fx_reading_take(fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                          fx_dtype dtype, fx_tensor **out);

/* Drops the boxes of c, waiting for one that is being read. When none of any container is left, the
** thread ends. */
void fx_reading_forget(const fx_container *c);

/* How many boxes wait to be read, and how many are read and wait to be taken. */
void fx_reading_count(int64_t *waiting, int64_t *ready);

#endif
