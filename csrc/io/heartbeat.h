/*
** heartbeat.h - a thread that touches a file at fixed intervals, so that others, also on other hosts of
** a shared file system, see that its owner is alive: the lock of a run (lua/flexlab/store/locks.lua). A
** thread and not the loop of steps, since one call (a large file, a long simulation) may take an hour.
*/
#ifndef FX_HEARTBEAT_H
#define FX_HEARTBEAT_H

#include "base/status.h"

typedef struct fx_heartbeat fx_heartbeat;

/* Touches `path`, which must exist, now and every `seconds` from now on. The file stays open: when
** another takes its name, that one is not touched. */
fx_status fx_heartbeat_start(const char *path, double seconds, fx_heartbeat **heartbeat);
void fx_heartbeat_stop(fx_heartbeat *heartbeat); /* NULL is fine */

#endif
