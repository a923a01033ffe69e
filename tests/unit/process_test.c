/*
** process_test.c - signals counted, processes started and asked after, files touched by a thread.
*/
#define _GNU_SOURCE /* utimensat */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/process.h"
#include "check.h"
#include "io/file.h"
#include "io/heartbeat.h"

static void nap (void) { nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL); }

static int calls;
static void called (void) { calls++; }

static void a_signal_is_counted_named_and_called (void) {
  CHECK(fx_interrupt_install());
  fx_interrupt_call(called);
  raise(SIGTERM);
  CHECK(fx_interrupt_count() == 1 && fx_interrupt_signal() == SIGTERM && calls == 1);
  fx_interrupt_clear();
  CHECK(fx_interrupt_count() == 0 && fx_interrupt_signal() == SIGTERM);
  fx_interrupt_forget();
  CHECK(fx_interrupt_signal() == 0);
  fx_interrupt_call(NULL);
  raise(SIGHUP);
  CHECK(calls == 1 && fx_interrupt_count() == 1);
  fx_interrupt_restore();
  fx_interrupt_clear();
  fx_interrupt_forget();
}

/* Behind nohup a closed terminal ends nothing. */
static void an_ignored_hangup_stays_ignored (void) {
  signal(SIGHUP, SIG_IGN);
  CHECK(fx_interrupt_install());
  raise(SIGHUP);
  CHECK(fx_interrupt_count() == 0);
  fx_interrupt_restore();
  signal(SIGHUP, SIG_DFL);
}

/* Whatever the handler counts, a child that shall just end ends on: no list of signals of its own. */
static void a_child_ends_on_every_signal_that_is_counted (void) {
  signal(SIGHUP, SIG_DFL);
  CHECK(fx_interrupt_install());
  for (int number = 1; number < 32; number++) {
    if (!fx_interrupt_counts(number))
      continue;
    const pid_t child = fork();
    if (child == 0) {
      fx_interrupt_default();
      raise(number);
      _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == number);
  }
  CHECK(fx_interrupt_counts(SIGINT) && fx_interrupt_counts(SIGTERM) && fx_interrupt_counts(SIGHUP));
  CHECK(!fx_interrupt_counts(SIGSEGV));
  fx_interrupt_restore();
  signal(SIGHUP, SIG_IGN);
  fx_interrupt_default();
  raise(SIGHUP); /* ignored, and stays so */
  signal(SIGHUP, SIG_DFL);
}

static void one_press_asks_and_a_second_later_cuts (void) {
  fx_interrupt_raise();
  CHECK(!fx_interrupted());
  for (int i = 0; i < 1000 && !fx_interrupted(); i++)
    nap();
  CHECK(fx_interrupt_count() == 1 && fx_interrupted());
  fx_interrupt_clear();
}

static void wait_for (int pid, int *code, int *number) {
  bool running = true;
  while (running) {
    CHECK_STATUS(fx_process_ended(pid, &running, code, number));
    nap();
  }
}

static void processes_end_with_a_code_or_a_signal (void) {
  int pid, code, number;
  bool running;
  CHECK_STATUS(fx_process_start((const char *[]){ "/bin/sh", "-c", "exit 7", NULL }, &pid));
  CHECK(fx_process_exists(pid) && getpgid(pid) == pid);
  wait_for(pid, &code, &number);
  CHECK(code == 7 && number == 0 && !fx_process_exists(pid));
  CHECK(fx_process_ended(pid, &running, &code, &number) == FX_EARG);
  CHECK_STATUS(fx_process_start((const char *[]){ "/bin/sleep", "1000", NULL }, &pid));
  kill(pid, SIGKILL);
  wait_for(pid, &code, &number);
  CHECK(code == 0 && number == SIGKILL);
  CHECK_STATUS(fx_process_start((const char *[]){ "/none", NULL }, &pid));
  wait_for(pid, &code, &number);
  CHECK(code == 127);
  CHECK(!fx_process_exists(0) && !fx_process_exists(-1) && fx_process_exists(getpid()));
}

static void a_heartbeat_touches_until_it_is_stopped (void) {
  char path[] = "/tmp/flexlab_heart_XXXXXX";
  struct stat s;
  fx_heartbeat *heart = NULL;
  CHECK(fx_heartbeat_start("/none/there", 1, &heart) == FX_EIO);
  const int fd = mkstemp(path);
  CHECK(fd >= 0);
  CHECK_STATUS(fx_heartbeat_start(path, 0.01, &heart));
  for (int round = 0; round < 3; round++) {
    const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
    CHECK(utimensat(AT_FDCWD, path, old, 0) == 0);
    for (int i = 0; i < 1000 && stat(path, &s) == 0 && s.st_mtim.tv_sec == 1; i++)
      nap();
    CHECK(s.st_mtim.tv_sec > 1);
  }
  fx_heartbeat_stop(heart);
  fx_heartbeat_stop(NULL);
  close(fd);
  unlink(path);
}

int main (void) {
  a_signal_is_counted_named_and_called();
  an_ignored_hangup_stays_ignored();
  a_child_ends_on_every_signal_that_is_counted();
  one_press_asks_and_a_second_later_cuts();
  processes_end_with_a_code_or_a_signal();
  a_heartbeat_touches_until_it_is_stopped();
  return check_report("process");
}
