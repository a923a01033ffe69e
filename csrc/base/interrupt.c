/* interrupt.c - see interrupt.h. The handler touches one counter and, at the third press, restores
** the default action, both of which POSIX allows in a handler. */
#include "base/interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t presses;
static struct sigaction old_int, old_term;
static int installed;

void fx_interrupt_raise (void) { presses++; }
int fx_interrupt_count (void) { return (int)presses; }
void fx_interrupt_clear (void) { presses = 0; }
int fx_interrupted (void) { return presses >= 2; }

static void on_signal (int number) {
  presses++;
  if (presses >= 2)
    signal(number, SIG_DFL);
}

int fx_interrupt_install (void) {
  if (installed)
    return 0;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  if (sigaction(SIGINT, &action, &old_int) != 0 || sigaction(SIGTERM, &action, &old_term) != 0)
    return -1;
  installed = 1;
  return 0;
}

void fx_interrupt_restore (void) {
  if (!installed)
    return;
  sigaction(SIGINT, &old_int, NULL);
  sigaction(SIGTERM, &old_term, NULL);
  installed = 0;
}
