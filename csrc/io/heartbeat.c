/*
** heartbeat.c - see heartbeat.h. The thread sleeps on a condition, so stopping it does not wait for the
** end of an interval. It blocks all signals: they are the main thread's (base/interrupt.h). A touch
** that fails (the server is away) is not an error of the run; the next one may succeed.
*/
#include "io/heartbeat.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

struct fx_heartbeat {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_t thread;
  double seconds;
  int fd;
  bool stop;
};

static struct timespec after (double seconds) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  const double whole = (double)(time_t)seconds;
  t.tv_sec += (time_t)whole;
  t.tv_nsec += (long)((seconds - whole) * 1e9);
  if (t.tv_nsec >= 1000000000L) {
    t.tv_nsec -= 1000000000L;
    t.tv_sec++;
  }
  return t;
}

static void *beat (void *argument) {
  fx_heartbeat *h = argument;
  pthread_mutex_lock(&h->lock);
  while (!h->stop) {
    futimens(h->fd, NULL); /* the time is the file system's own, also on a network's */
    const struct timespec until = after(h->seconds);
    while (!h->stop && pthread_cond_timedwait(&h->wake, &h->lock, &until) == 0) {
    }
  }
  pthread_mutex_unlock(&h->lock);
  return NULL;
}

/* 0, or the error of pthread_create. */
static int start_thread (fx_heartbeat *h) {
  pthread_condattr_t clock;
  sigset_t all, old;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_mutex_init(&h->lock, NULL);
  pthread_cond_init(&h->wake, &clock);
  pthread_condattr_destroy(&clock);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int refused = pthread_create(&h->thread, NULL, beat, h);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return refused;
}

fx_status fx_heartbeat_start (const char *path, double seconds, fx_heartbeat **heartbeat) {
  fx_heartbeat *h = fx_alloc(sizeof *h);
  if (!h)
    return FX_ENOMEM;
  memset(h, 0, sizeof *h);
  h->seconds = seconds > 1e-3 ? seconds : 1e-3;
  h->fd = open(path, O_WRONLY | O_CLOEXEC);
  if (h->fd < 0) {
    fx_free(h);
    return fx_fail(FX_EIO, "cannot open %s: %s", path, strerror(errno));
  }
  const int refused = start_thread(h);
  if (refused) {
    close(h->fd);
    fx_free(h);
    return fx_fail(FX_EIO, "cannot start a thread for %s: %s", path, strerror(refused));
  }
  *heartbeat = h;
  return FX_OK;
}

void fx_heartbeat_stop (fx_heartbeat *h) {
  if (!h)
    return;
  pthread_mutex_lock(&h->lock);
  h->stop = true;
  pthread_cond_signal(&h->wake);
  pthread_mutex_unlock(&h->lock);
  pthread_join(h->thread, NULL);
  pthread_cond_destroy(&h->wake);
  pthread_mutex_destroy(&h->lock);
  close(h->fd);
  fx_free(h);
}
