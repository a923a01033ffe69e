/*
** interrupt.h - Ctrl-C as a flag. The handler only counts; loops ask. The first press asks for an
** orderly end (finish the step, write the checkpoint), the second for an end now.
*/
#ifndef FX_INTERRUPT_H
#define FX_INTERRUPT_H

/* Installs a handler for SIGINT and SIGTERM that calls fx_interrupt_raise; the third press gets
** the default action. Returns 0, or -1 if the system refuses. */
int fx_interrupt_install(void);
void fx_interrupt_restore(void);

void fx_interrupt_raise(void); /* async-signal-safe */
int fx_interrupt_count(void);  /* presses since the last clear */
void fx_interrupt_clear(void);

/* Long C loops (the solver, the ops of a network) return FX_EINTR when this is true: the second
** press. Whoever tells the user about it clears the count. */
int fx_interrupted(void);

#endif
