/*
** load_watch.c - what ends the program where a library does not let it begin.
**
** OpenBLAS takes two buffers of 128 MB in its constructor, before main, and where the system refuses one
** (ulimit -v) it asks again, forever. Functions of .preinit_array run before all constructors: ours, where the address
** space is limited, sets a clock of processor time, of which loading takes a few hundredths of a second. main stops it.
** The sanitizers' runtimes begin there too, and need an address space without a limit.
*/
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/cli.h"

#define SECONDS 1

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

static void give_up (int signal) {
  (void)signal;
  static const char sentence[] =
      "flexlab: cannot allocate the buffers that OpenBLAS needs (2 x 128 MB): the address space is "
      "limited to less (ulimit -v)\n";
  const ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
  (void)written;
  _exit(1);
}

static void set_clock (void) {
  struct rlimit limit;
  const struct itimerval time = { .it_value = { .tv_sec = SECONDS } };
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return;
  signal(SIGPROF, give_up);
  setitimer(ITIMER_PROF, &time, NULL);
}

__attribute__((section(".preinit_array"), used)) static void (*const at_load)(void) = set_clock;

#endif

void cli_loaded (void) {
  const struct itimerval none = { .it_value = { .tv_sec = 0 } };
  setitimer(ITIMER_PROF, &none, NULL);
  signal(SIGPROF, SIG_DFL);
}
