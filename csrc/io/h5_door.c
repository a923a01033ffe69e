/*
** h5_door.c - see h5_door.h.
**
** The child is a fork that ends with _exit: it opens the file by itself, so no HDF5 handle of the parent is used
** in it, and nothing of the parent is flushed or freed. No other thread of the parent is inside HDF5 at the fork
** (fx_h5_fork), nor inside the allocator (alloc.c). A page shared with the parent carries status and message back.
**
** Bounds: processor time, not time, so that a busy machine refuses no good file; and the memory that the child
** touched beyond what it began with, since HDF5 answers a refused allocation with an error that looks like damage.
*/
#define _GNU_SOURCE
#include "io/h5_door.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "io/file.h"
#include "io/h5.h"

enum {
  CPU_SECONDS = 3, /* and one more for each BYTES_A_SECOND of the file */
  BYTES_A_SECOND = 8 << 20,
  WALL_FACTOR = 30,       /* a child that waits for a disk for so many times that long is ended */
  LEAST_BYTES = 64 << 20, /* of memory, and MEMORY_FACTOR times the file */
  MEMORY_FACTOR = 16
};

typedef struct {
  fx_status status;
  bool greedy; /* it touched more memory than its bound */
  char message[1024];
} verdict;

typedef struct {
  int64_t seconds, bytes;
} bounds;

static bounds bounds_of (int64_t file_size) {
  return (bounds){ CPU_SECONDS + file_size / BYTES_A_SECOND,
                   LEAST_BYTES + MEMORY_FACTOR * file_size };
}

/* --- in the child ------------------------------------------------------------------------------ */

static int64_t peak_bytes (void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

/* Bytes of address space now; 0 if the system does not say. */
static int64_t address_bytes (void) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "re");
  if (f && fscanf(f, "%ld", &pages) != 1)
    pages = 0;
  if (f)
    fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

static void enter_bounds (const bounds *b) {
  const struct rlimit cpu = { (rlim_t)b->seconds, (rlim_t)b->seconds }, none = { 0, 0 };
  static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    signal(signals[i], SIG_DFL); /* whatever the parent does on them, the child just ends */
  fx_interrupt_default();
  setrlimit(RLIMIT_CPU, &cpu);
  setrlimit(RLIMIT_CORE, &none);
  const int64_t now = address_bytes();
  const struct rlimit memory = { (rlim_t)(now + 2 * b->bytes), (rlim_t)(now + 2 * b->bytes) };
  if (now > 0)
    setrlimit(RLIMIT_AS, &memory);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0)
    dup2(nowhere, 2); /* glibc's last words */
}

static void visit_in_child (const char *path, fx_h5_visit visit, void *context, const bounds *b,
                            verdict *v) {
  enter_bounds(b);
  const int64_t before = peak_bytes();
  const fx_status st = visit(path, context);
  if (st != FX_OK)
    snprintf(v->message, sizeof v->message, "%s", fx_errmsg());
  v->status = st;
  v->greedy = peak_bytes() - before > b->bytes;
}

/* --- in the parent ----------------------------------------------------------------------------- */

/* Waits for the child's end; false if the system lost it. One that takes too long is ended. */
static bool wait_for (pid_t child, int64_t seconds, int *status) {
  struct timespec begin, now;
  const struct timespec pause = { 0, 1000 * 1000 };
  pid_t done;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
  while ((done = waitpid(child, status, WNOHANG)) == 0 || (done < 0 && errno == EINTR)) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - begin.tv_sec > seconds || fx_interrupted())
      kill(child, SIGKILL);
    if (end.fd >= 0)
      poll(&end, 1, 200);
    else /* Linux before 5.3 */
      nanosleep(&pause, NULL);
  }
  if (end.fd >= 0)
    close(end.fd);
  return done == child;
}

static fx_status judge (const char *path, int status, const verdict *v, int64_t bytes) {
  const int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (fx_interrupt_counts(sig) || fx_interrupted())
    return fx_fail(FX_EINTR, "interrupted!");
  if (sig == SIGXCPU || sig == SIGKILL)
    return fx_fail(FX_EFORMAT,
                   "%s is damaged: HDF5 did not come to an end while reading it (in a child "
                   "process); get the file again",
                   path);
  if (sig || WEXITSTATUS(status) != 0)
    return fx_fail(FX_EFORMAT,
                   "%s is damaged: HDF5 crashed while reading it (in a child process); get the "
                   "file again",
                   path);
  if (v->greedy)
    return fx_fail(FX_EFORMAT,
                   "%s is damaged: its texts and attributes unfold to more than %" PRId64
                   " MB, far more than it holds; get the file again",
                   path, bytes >> 20);
  return v->status == FX_OK ? FX_OK : fx_fail(v->status, "%s", v->message);
}

fx_status fx_h5_door (const char *path, fx_h5_visit visit, void *context) {
  int64_t file_size;
  int status = 0, fd;
  FX_TRY(fx_file_open(path, &fd, &file_size)); /* no pipe, and the system's own words */
  close(fd);
  verdict *v = mmap(NULL, sizeof *v, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (v == MAP_FAILED)
    return fx_fail(FX_ENOMEM, "no memory for reading %s", path);
  const bounds b = bounds_of(file_size);
  const pid_t child = fx_h5_fork();
  if (child == 0) {
    visit_in_child(path, visit, context, &b, v);
    _exit(0);
  }
  fx_status st;
  if (child < 0)
    st = fx_fail(FX_EIO,
                 "%s cannot be read: HDF5 files are looked at in a process of their own first, and "
                 "the system makes none; end some processes or raise `ulimit -u`",
                 path);
  else if (!wait_for(child, b.seconds * WALL_FACTOR, &status))
    st = fx_fail(FX_EIO, "%s cannot be read: the process that looks at it is lost", path);
  else
    st = judge(path, status, v, b.bytes);
  munmap(v, sizeof *v);
  return st;
}
