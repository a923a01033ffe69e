/*
** h5_door.h - the one way in for an HDF5 file that somebody else wrote, a checkpoint as much as a field.
**
** HDF5 1.10.8 has known faults in reading damaged files: it may crash, or loop for ever, or unfold a few bytes
** into gigabytes. So another process goes first, and does what this one will do, by the same function.
*/
#ifndef FX_H5_DOOR_H
#define FX_H5_DOOR_H

#include "base/status.h"

/* Reads what is going to be read of the file; what it makes is thrown away with the child. */
typedef fx_status (*fx_h5_visit)(const char *path, void *context);

/* Runs `visit` in a child process, with bounds on its time and memory in proportion to the file. FX_OK if it
** came through. If it failed in an orderly way, its status and message; FX_EFORMAT if it crashed or went beyond
** its bounds; FX_EINTR if the user ended it; FX_EIO if there can be no child. */
fx_status fx_h5_door(const char *path, fx_h5_visit visit, void *context);

#endif
