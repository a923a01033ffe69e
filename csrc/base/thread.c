/*
** thread.c - the pool.
**
** A job is published under the mutex (function, context, number of items) and workers claim items
** from one atomic counter. Between jobs a worker first spins for a few microseconds, since kernels
** follow each other closely, and then sleeps on the condition. The caller works too, then waits
** until every worker has left the job. POSIX threads and not OpenMP: ThreadSanitizer understands
** them, and OpenBLAS builds of any kind may be called from them.
*/
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define SPINS 4000

static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  pthread_t threads[FX_MAX_THREADS];
  int started;                   /* worker threads alive                        */
  unsigned born[FX_MAX_THREADS]; /* generation at which a worker was created */
  int wanted;                    /* fx_threads(), 0 = not yet known             */
  atomic_uint generation;        /* number of the current job                   */
  int width;                     /* threads that take part in it, caller included */
  int busy;                      /* workers still inside it                     */
  bool stop;
  fx_task task;
  void *context;
  int64_t items;
  _Atomic int64_t next;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .wake = PTHREAD_COND_INITIALIZER,
           .done = PTHREAD_COND_INITIALIZER };

static _Thread_local int inside_task;

static int threads_from_environment (void) {
  const char *names[] = { "FLEXLAB_THREADS", "OMP_NUM_THREADS" };
  for (int i = 0; i < 2; i++) {
    const char *text = getenv(names[i]);
    const long n = text ? strtol(text, NULL, 10) : 0;
    if (n >= 1)
      return n > FX_MAX_THREADS ? FX_MAX_THREADS : (int)n;
  }
  cpu_set_t set;
  int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return n < 1 ? 1 : n > FX_MAX_THREADS ? FX_MAX_THREADS : n;
}

int fx_threads (void) {
  if (!pool.wanted)
    pool.wanted = threads_from_environment();
  return pool.wanted;
}

static void claim_items (fx_task task, void *context, int64_t items, int worker) {
  inside_task = 1;
  for (;;) {
    const int64_t i = atomic_fetch_add(&pool.next, 1);
    if (i >= items)
      break;
    task(context, i, worker);
  }
  inside_task = 0;
}

static void *worker_main (void *argument) {
  const int worker = (int)(intptr_t)argument;
  unsigned seen = pool.born[worker];
  for (;;) {
    for (int s = 0; s < SPINS && atomic_load(&pool.generation) == seen; s++)
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#else
      ;
#endif
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.generation) == seen && !pool.stop)
      pthread_cond_wait(&pool.wake, &pool.lock);
    seen = atomic_load(&pool.generation);
    const bool stop = pool.stop, take_part = worker < pool.width;
    const fx_task task = pool.task;
    void *const context = pool.context;
    const int64_t items = pool.items;
    pthread_mutex_unlock(&pool.lock);
    if (stop)
      return NULL;
    if (!take_part)
      continue;
    claim_items(task, context, items, worker);
    pthread_mutex_lock(&pool.lock);
    if (--pool.busy == 0)
      pthread_cond_signal(&pool.done);
    pthread_mutex_unlock(&pool.lock);
  }
}

/* Workers inherit a full signal mask, so that Ctrl-C always reaches the main thread. If the system
** gives fewer threads than asked for, the pool works with those it has. */
static void start_workers (int count) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  while (pool.started < count - 1) {
    const intptr_t number = pool.started + 1;
    pool.born[number] = atomic_load(&pool.generation);
    if (pthread_create(&pool.threads[number], NULL, worker_main, (void *)number) != 0)
      break;
    pool.started++;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void stop_workers (void) {
  pthread_mutex_lock(&pool.lock);
  pool.stop = true;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  for (int i = 1; i <= pool.started; i++)
    pthread_join(pool.threads[i], NULL);
  pool.started = 0;
  pool.stop = false;
}

void fx_set_threads (int count) {
  stop_workers();
  pool.wanted = count < 1 ? 1 : count > FX_MAX_THREADS ? FX_MAX_THREADS : count;
}

static void run_alone (int64_t items, fx_task task, void *context) {
  for (int64_t i = 0; i < items; i++)
    task(context, i, 0);
}

void fx_parallel (int64_t items, fx_task task, void *context) {
  int width = fx_threads();
  if (width > items)
    width = (int)items;
  if (width > 1 && !inside_task && pool.started < fx_threads() - 1)
    start_workers(fx_threads());
  if (width > pool.started + 1)
    width = pool.started + 1;
  if (width <= 1 || inside_task) {
    run_alone(items, task, context);
    return;
  }
  pthread_mutex_lock(&pool.lock);
  pool.task = task;
  pool.context = context;
  pool.items = items;
  pool.width = width;
  pool.busy = width - 1;
  atomic_store(&pool.next, 0);
  atomic_fetch_add(&pool.generation, 1);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  claim_items(task, context, items, 0);
  pthread_mutex_lock(&pool.lock);
  while (pool.busy > 0)
    pthread_cond_wait(&pool.done, &pool.lock);
  pthread_mutex_unlock(&pool.lock);
}
