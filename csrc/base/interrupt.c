/* interrupt.c - see interrupt.h. The handler writes counters and reads a clock and, at the second press,
** restores the default action for the next, all of which POSIX allows in a handler. */
#include "base/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

static atomic_int presses, last_signal;
static _Atomic double first_press; /* seconds of the monotonic clock */
static void (*_Atomic called)(void);

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
enum { SIGNALS = sizeof signals / sizeof *signals };
static struct sigaction old[SIGNALS];
static bool installed;

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void fx_interrupt_raise (void) {
  if (presses == 0)
    first_press = now();
  presses++;
}

int fx_interrupt_count (void) { return presses; }
void fx_interrupt_clear (void) { presses = 0; }
int fx_interrupt_signal (void) { return last_signal; }
void fx_interrupt_forget (void) { last_signal = 0; }
void fx_interrupt_call (void (*f)(void)) { called = f; }

bool fx_interrupted (void) {
  const int n = presses;
  return n >= 2 || (n == 1 && now() - first_press >= FX_INTERRUPT_GRACE);
}

static void on_signal (int number) {
  last_signal = number;
  fx_interrupt_raise();
  void (*const f)(void) = called;
  if (f)
    f();
  if (presses >= 2)
    signal(number, SIG_DFL);
}

bool fx_interrupt_install (void) {
  if (installed)
    return true;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (int i = 0; i < SIGNALS; i++) {
    if (sigaction(signals[i], &action, &old[i]) != 0)
      return false;
    if (signals[i] == SIGHUP && old[i].sa_handler == SIG_IGN)
      sigaction(SIGHUP, &old[i], NULL);
  }
  installed = true;
  return true;
}

void fx_interrupt_default (void) {
  struct sigaction action;
  for (int i = 0; i < SIGNALS; i++)
    if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
      signal(signals[i], SIG_DFL);
}

bool fx_interrupt_counts (int number) {
  for (int i = 0; i < SIGNALS; i++)
    if (signals[i] == number)
      return true;
  return false;
}

void fx_interrupt_restore (void) {
  if (!installed)
    return;
  for (int i = 0; i < SIGNALS; i++)
    sigaction(signals[i], &old[i], NULL);
  installed = false;
}
