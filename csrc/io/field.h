/*
** field.h - fields over time for programs in C: a variable (T,H,W) or (T,C,H,W) of a file that container.h opens (HDF5,
** netCDF, .npy, .npz), which does the reading; what axes of other orders mean is decided in Lua (lua/flexlab/data). And
** fields written as HDF5 (h5_field_writer.c).
**
** Reading gives channels last, f32. Writing gives (T,H,W) for one channel and (T,C,H,W) for
** several, f32, one chunk a frame or smaller ones. Frames, channels, rows and columns are counted
** from 0. Several threads take turns.
*/
#ifndef FX_FIELD_H
#define FX_FIELD_H

#include "tensor/tensor.h"

/* --- reading --------------------------------------------------------------------------------- */

/* The members up to `width` may be read by anyone; the rest belongs to field.c. */
typedef struct fx_field {
  char *path, *dataset;
  int64_t frames, channels, height, width;
  struct fx_container *file;
  int64_t variable; /* of the container */
} fx_field;

/* Opens `dataset` (a path inside the file), or, if that is NULL, `w` or else `fields`. Read-only
** and without locks, so a file that is being read by others can be opened. The netCDF attributes
** scale_factor, add_offset, _FillValue and missing_value of the dataset are applied by fx_field_read.
** Errors: FX_EIO (cannot open), FX_EFORMAT (no container, damaged), FX_EARG (no such dataset: the
** message lists those there are), FX_ESHAPE (not 3 or 4 axes, or empty), FX_EUNSUPPORTED (a
** compression that is not installed). */
fx_status fx_field_open(const char *path, const char *dataset, fx_field **out);
void fx_field_close(fx_field *f); /* NULL is ignored */

/* A rectangle of some channels of one frame, as a new f32 tensor (1,h,w,channels).
** FX_EARG if it does not lie in the field. Values beyond f32's range become infinite. */
fx_status fx_field_read(const fx_field *f, int64_t frame, int64_t channel_from, int64_t channels,
                        int64_t y0, int64_t x0, int64_t h, int64_t w, fx_tensor **out);

/* FX_EFORMAT if `t`, which fx_field_read gave for these arguments, holds NaN or infinity; the
** message says where in the file. Separate, because masked fields (land in an ocean) hold NaN. */
fx_status fx_field_check(const fx_field *f, int64_t frame, int64_t channel_from, int64_t y0,
                         int64_t x0, const fx_tensor *t);

/* The number `key`: attribute of the dataset, else of the file, else a dataset of one element. For
** "Re" also the number a file name begins with, as in NSKT's `{Re}_2048_2048_seed_{seed}.h5`,
** if an underscore follows it. FX_EARG if there is none; the message lists what there is. */
fx_status fx_field_number(const fx_field *f, const char *key, double *value);

/* The text `key`: attribute of the dataset or of the file. New; free with fx_free. */
fx_status fx_field_text(const fx_field *f, const char *key, char **text);

/* Numbers along one axis, such as `times`: attribute of the dataset or the file, else a dataset in
** the root, with one axis (or none). New f64 tensor (n). */
fx_status fx_field_array(const fx_field *f, const char *key, fx_tensor **out);

/* --- writing --------------------------------------------------------------------------------- */

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
