/*
** h5_field_writer.h - fields over time written as HDF5, frame by frame. What is written is read by container.h.
**
** The dataset is (T,H,W) for one channel and (T,C,H,W) for several, f32, one chunk a frame or smaller ones; frames
** come with channels last. Several threads take turns.
*/
#ifndef FX_H5_FIELD_WRITER_H
#define FX_H5_FIELD_WRITER_H

#include "tensor/tensor.h"

typedef struct {
  const char *dataset; /* NULL: "w" */
  int64_t frames, channels, height, width;
  int deflate;   /* 0: as it is (turbulence hardly compresses); 1..9: shuffle + gzip */
  int64_t chunk; /* side of the chunks, in rows and columns; 0: a whole frame */
} fx_field_layout;

typedef struct fx_field_writer fx_field_writer;

/* Begins PATH.tmp.PID.place. Until fx_field_writer_finish nothing is at `path`. */
fx_status fx_field_writer_create(const char *path, const fx_field_layout *layout,
                                 fx_field_writer **out);

/*
** The same in PATH.part, which outlives the process: a run that is killed goes on in it. `done` frames
** are known to be there (a caller's record; 0: begin anew, whatever is there). What the caller knows of
** a file that is done: the layout must be that of its beginning, or FX_EFORMAT; so must a file that is
** no field at all. The space of all frames is laid out at the beginning and the structure of the file
** does not change after it, so that a frame half written leaves a whole file. No compression (FX_EARG):
** packed chunks would move.
*/
fx_status fx_field_writer_resume(const char *path, const fx_field_layout *layout, int64_t done,
                                 fx_field_writer **out);

/* Hands the frames so far to the disk, durably. Errors: FX_EIO. */
fx_status fx_field_writer_flush(fx_field_writer *w);

/* Closes PATH.part as it was at the last flush, to be resumed, and frees the writer. A writer that was
** not made by fx_field_writer_resume is abandoned. NULL is ignored. */
void fx_field_writer_leave(fx_field_writer *w);

/* Appends a frame: (H,W) for one channel, (H,W,C) or (1,H,W,C); f32 or f64 (rounded). FX_ESHAPE if
** it does not fit or all frames are there. NaN is written as it is. */
fx_status fx_field_writer_append(fx_field_writer *w, const fx_tensor *frame);

/* Attributes of the file, and a 1-D dataset in its root (f64). Each key once; a number may be written again, which
** changes no other byte of the file. */
fx_status fx_field_writer_number(fx_field_writer *w, const char *key, double value);
fx_status fx_field_writer_text(fx_field_writer *w, const char *key, const char *text);
/* An attribute of a dataset that was written: the frames', or an array's. */
fx_status fx_field_writer_attribute(fx_field_writer *w, const char *dataset, const char *key,
                                    const char *text);
fx_status fx_field_writer_array(fx_field_writer *w, const char *key, int64_t n,
                                const double *values);

/* A field of one frame that holds for all, (1,H,W,1) f32 or f64, as a dataset (1,H,W) in f32. FX_ESHAPE if it does
** not fit. */
fx_status fx_field_writer_plane(fx_field_writer *w, const char *key, const fx_tensor *plane);

/* Completes the file, durably, or, if frames are missing (FX_ESHAPE) or the disk refuses, removes
** what there is. Frees the writer in both cases. */
fx_status fx_field_writer_finish(fx_field_writer *w);

/* Removes the unfinished file and frees the writer. NULL is ignored. */
void fx_field_writer_abandon(fx_field_writer *w);

#endif
