/*
** thread.h - one pool of POSIX threads for the whole process.
**
** Work is a number of items fixed by the *shape* of the problem, never by the thread count; idle
** workers claim items one at a time. What an item computes depends only on its index, so results
** are the same bits for any number of threads. Reductions write one partial result an item and
** are combined in index order by the caller.
*/
#ifndef FX_THREAD_H
#define FX_THREAD_H

#include <stdint.h>

/* Number of threads used, the caller included. At first: FLEXLAB_THREADS, else OMP_NUM_THREADS,
** else the cores this process may run on. */
int fx_threads(void);

/* Sets it (at least 1; at most FX_MAX_THREADS). Must not be called from inside a task. */
#define FX_MAX_THREADS 256
void fx_set_threads(int count);

/* `worker` is 0 .. fx_threads()-1 and addresses scratch memory; it must not influence results. */
typedef void (*fx_task)(void *context, int64_t item, int worker);

/* Runs task(context, i, w) for every i in [0, items); returns when all are done. A call from
** inside a task runs its items in the calling thread. */
void fx_parallel(int64_t items, fx_task task, void *context);

#endif
