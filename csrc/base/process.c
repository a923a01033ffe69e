/*
** process.c - see process.h.
**
** Between fork and exec the child calls async-signal-safe functions only: other threads of the parent
** may hold any lock at the fork. popen was refused: it has no process group, and reading what the
** child says blocks while one should look after the others.
*/
#define _GNU_SOURCE /* environ */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/interrupt.h"

/* In the child; returns only when exec fails. */
static void become (const char *const *argv, pid_t parent) {
  sigset_t none;
  fx_interrupt_default();
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setpgid(0, 0);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) /* it died before we asked to be told */
    return;
#else
  (void)parent;
#endif
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0)
    dup2(nothing, STDIN_FILENO);
  execv(argv[0], (char *const *)argv);
}

fx_status fx_process_start (const char *const *argv, int *pid) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0)
    return fx_fail(FX_EIO, "cannot start %s: %s", argv[0], strerror(errno));
  if (child == 0) {
    become(argv, parent);
    _exit(127);
  }
  setpgid(child, child); /* here too: whoever comes first */
  *pid = (int)child;
  return FX_OK;
}

fx_status fx_process_ended (int pid, bool *running, int *code, int *signal) {
  int status;
  pid_t got;
  do
    got = waitpid(pid, &status, WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return fx_fail(FX_EARG, "process %d is none that was started here, or was asked after before",
                   pid);
  *running = got == 0;
  *code = got > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  *signal = got > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return FX_OK;
}

bool fx_process_exists (int pid) { return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM); }
