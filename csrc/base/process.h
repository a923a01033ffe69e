/*
** process.h - other processes: started, asked after, signalled. What a study needs to have its runs
** done by several processes at a time.
*/
#ifndef FX_PROCESS_H
#define FX_PROCESS_H

#include <stdbool.h>

#include "base/status.h"

/* Starts argv[0] (a path) with the arguments argv (ended by NULL) in a process group of its own, so that
** Ctrl-C at the terminal reaches the starter alone, who passes it on. It reads nothing; its standard
** output and error go on to ours. On Linux it gets SIGTERM when its starter dies. */
fx_status fx_process_start(const char *const *argv, int *pid);

/* How a process that we started has ended: *running, else its exit code or the signal that ended it (the
** other one is 0). Does not wait. A pid that is no child of ours is FX_EARG. */
fx_status fx_process_ended(int pid, bool *running, int *code, int *signal);

/* Whether a process of this number exists in our process-id namespace, a dead one that nobody has waited
** for included; one of another user does. */
bool fx_process_exists(int pid);

#endif
