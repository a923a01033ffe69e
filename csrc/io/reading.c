/*
** reading.c - see reading.h.
**
** One thread, and not one for each file: HDF5 lets one thread in at a time (h5.h), so two would decode no
** faster than one. It is started by the first box that is asked and ended, and joined, by the last that is
** forgotten, so a process that has closed its files has no thread left, and a Lua state may close at any moment.
**
** Boxes are a list in the order they were asked. The thread takes the first that waits, reads it without the
** lock, and leaves tensor or failure in it. A caller looks for an equal box from the front; as they are taken
** nearly in the order they were asked, it is nearly always the first. The box being read is nobody's to remove:
** forget waits for it.
**
** Chunks are decoded where they are read, in the thread, so what a training step waits for is a copy.
*/
#include "io/reading.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"

enum { MOST_BOXES = 4096 };

typedef struct box {
  struct box *next;
  fx_container *c;
  int64_t variable, start[FX_CONTAINER_AXES], count[FX_CONTAINER_AXES];
  fx_dtype dtype;
  enum { WAITING, BEING_READ, READY } state;
  fx_status status;
  char *message; /* of a failure; NULL without memory */
  fx_tensor *t;
} box;

static struct {
  pthread_mutex_t lock;
  pthread_cond_t asked, read;
  box *first, **end; /* end: where the next one is hung */
  int64_t count;
  pthread_t thread;
  bool running, stop;
} desk = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .asked = PTHREAD_COND_INITIALIZER,
           .read = PTHREAD_COND_INITIALIZER,
           .end = &desk.first };

static void free_box (box *b) {
  fx_tensor_release(b->t);
  fx_free(b->message);
  fx_free(b);
}

/* --- the thread ------------------------------------------------------------------------------- */

static box *first_waiting (void) {
  box *b = desk.first;
  while (b && b->state != WAITING)
    b = b->next;
  return b;
}

static void read_box (box *b) {
  b->status = fx_container_read(b->c, b->variable, b->start, b->count, b->dtype, &b->t);
  if (b->status != FX_OK)
    b->message = fx_strdup(fx_errmsg());
}

static void *reading_main (void *unused) {
  (void)unused;
  pthread_mutex_lock(&desk.lock);
  while (!desk.stop) {
    box *b = first_waiting();
    if (!b) {
      pthread_cond_wait(&desk.asked, &desk.lock);
      continue;
    }
    b->state = BEING_READ;
    pthread_mutex_unlock(&desk.lock);
    read_box(b);
    pthread_mutex_lock(&desk.lock);
    b->state = READY;
    pthread_cond_signal(&desk.read);
  }
  pthread_mutex_unlock(&desk.lock);
  return NULL;
}

/* With a full signal mask, so that Ctrl-C reaches the main thread. */
static bool start_thread (void) {
  sigset_t all, old;
  if (desk.running)
    return true;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  desk.stop = false;
  desk.running = pthread_create(&desk.thread, NULL, reading_main, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return desk.running;
}

static void end_thread (void) {
  pthread_mutex_lock(&desk.lock);
  desk.stop = true;
  pthread_cond_signal(&desk.asked);
  pthread_mutex_unlock(&desk.lock);
  pthread_join(desk.thread, NULL);
  desk.running = false;
}

/* --- the caller ------------------------------------------------------------------------------- */

static size_t axes_bytes (const fx_container *c, int64_t i) {
  return sizeof(int64_t) * (size_t)fx_container_at(c, i)->rank;
}

void fx_reading_ask (fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                     fx_dtype dtype) {
  const bool numbers = fx_container_at(c, i)->number; /* else its rank may exceed ours */
  box *b = numbers && start_thread() ? fx_calloc(1, sizeof *b) : NULL;
  if (!b)
    return;
  *b = (box){ .c = c, .variable = i, .dtype = dtype };
  memcpy(b->start, start, axes_bytes(c, i));
  memcpy(b->count, count, axes_bytes(c, i));
  pthread_mutex_lock(&desk.lock);
  const bool room = desk.count < MOST_BOXES;
  if (room) {
    *desk.end = b;
    desk.end = &b->next;
    desk.count++;
    pthread_cond_signal(&desk.asked);
  }
  pthread_mutex_unlock(&desk.lock);
  if (!room)
    free_box(b);
}

static bool equal (const box *b, const fx_container *c, int64_t i, const int64_t *start,
                   const int64_t *count, fx_dtype dtype) {
  return b->c == c && b->variable == i && b->dtype == dtype &&
         memcmp(b->start, start, axes_bytes(c, i)) == 0 &&
         memcmp(b->count, count, axes_bytes(c, i)) == 0;
}

/* Takes *at out of the list. */
static box *unhang (box **at) {
  box *b = *at;
  *at = b->next;
  if (desk.end == &b->next)
    desk.end = at;
  desk.count--;
  return b;
}

/* The equal box, read and out of the list, or NULL. Others are hung at the end while this waits, and only
** this thread removes, so `at` stays. */
static box *wait_for (const fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                      fx_dtype dtype) {
  box **at = &desk.first;
  pthread_mutex_lock(&desk.lock);
  while (*at && !equal(*at, c, i, start, count, dtype))
    at = &(*at)->next;
  while (*at && (*at)->state != READY)
    pthread_cond_wait(&desk.read, &desk.lock);
  box *b = *at ? unhang(at) : NULL;
  pthread_mutex_unlock(&desk.lock);
  return b;
}

fx_status fx_reading_take (fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                           fx_dtype dtype, fx_tensor **out) {
  box *b = wait_for(c, i, start, count, dtype);
  if (!b)
    return fx_container_read(c, i, start, count, dtype, out);
  const fx_status st = b->status;
  if (st != FX_OK && b->message)
    fx_fail(st, "%s", b->message);
  else if (st != FX_OK)
    fx_fail(st, "%s could not be read ahead", fx_container_path(c));
  if (st == FX_OK) {
    *out = b->t;
    b->t = NULL;
  }
  free_box(b);
  return st;
}

/* Takes the boxes of c that are not being read out of the list, and chains them to *dropped. */
static void unhang_idle (const fx_container *c, box **dropped) {
  for (box **at = &desk.first; *at;) {
    if ((*at)->c != c || (*at)->state == BEING_READ) {
      at = &(*at)->next;
      continue;
    }
    box *b = unhang(at);
    b->next = *dropped;
    *dropped = b;
  }
}

static bool being_read (const fx_container *c) {
  const box *b = desk.first;
  while (b && b->c != c)
    b = b->next;
  return b;
}

void fx_reading_forget (const fx_container *c) {
  box *dropped = NULL;
  if (!desk.running)
    return;
  pthread_mutex_lock(&desk.lock);
  unhang_idle(c, &dropped);
  for (; being_read(c); unhang_idle(c, &dropped))
    pthread_cond_wait(&desk.read, &desk.lock);
  const bool last = !desk.first;
  pthread_mutex_unlock(&desk.lock);
  while (dropped) {
    box *next = dropped->next;
    free_box(dropped);
    dropped = next;
  }
  if (last)
    end_thread();
}

void fx_reading_count (int64_t *waiting, int64_t *ready) {
  *waiting = *ready = 0;
  pthread_mutex_lock(&desk.lock);
  for (const box *b = desk.first; b; b = b->next) {
    *waiting += b->state != READY;
    *ready += b->state == READY;
  }
  pthread_mutex_unlock(&desk.lock);
}
