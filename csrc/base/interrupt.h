/*
** interrupt.h - Ctrl-C and the end that a system asks for, as a flag. The handler only counts; loops ask.
** The first press asks for an orderly end (finish the step, write the checkpoint) and grants it a
** second; the second press, or the end of that second, asks for an end now, and the third press gets
** the system's default action. So whatever asks fx_interrupted() often enough ends within two seconds.
*/
#ifndef FX_INTERRUPT_H
#define FX_INTERRUPT_H

#include <stdbool.h>

#define FX_INTERRUPT_GRACE 1.0 /* seconds from the first press to an end now */

/* Installs a handler for SIGINT, SIGTERM and SIGHUP (unless that one is ignored, as nohup wants it)
** that calls fx_interrupt_raise. False if the system refuses. */
bool fx_interrupt_install(void);
void fx_interrupt_restore(void);

/* In a child that shall just end on them: the system's own action for each of these signals, but for one that is
** ignored, which stays so. Async-signal-safe. */
void fx_interrupt_default(void);

bool fx_interrupt_counts(int number); /* whether a signal is one of them */

void fx_interrupt_raise(void); /* async-signal-safe */
int fx_interrupt_count(void);  /* presses since the last clear */
void fx_interrupt_clear(void);

/* The number of the last signal that the handler counted, 0 for none; a clear leaves it, since who
** sets the exit code comes after who tells the user. */
int fx_interrupt_signal(void);
void fx_interrupt_forget(void);

/* Called by the handler behind the count, so it must be async-signal-safe; NULL for none. The handler
** runs in the main thread: all others block signals. */
void fx_interrupt_call(void (*f)(void));

/* Long C loops (the solver, the ops of a network) return FX_EINTR when this is true: the second
** press, or a second after the first. Whoever tells the user about it clears the count. */
bool fx_interrupted(void);

#endif
