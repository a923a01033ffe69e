/*
** h5_field_writer.c - writing fields frame by frame. See h5_field_writer.h.
**
** One chunk is one frame: a simulation appends frames and training reads patches of a frame. Chunks
** of several frames would be rewritten on every append. A field whose frame does not fit in a chunk
** (HDF5: below 4 GiB) is refused; that is 32768 x 32768.
*/
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "io/h5_field_writer.h"
#include "io/file.h"
#include "io/h5.h"

struct fx_field_writer {
  char path[FX_PATH_SIZE], temporary[FX_PATH_SIZE];
  fx_field_layout layout;
  hid_t file, data;
  int64_t next;  /* frame */
  bool part;     /* made by fx_field_writer_resume */
  float *planes; /* one frame, channel by channel */
};

static fx_status check_layout (const char *path, const fx_field_layout *l) {
  const int64_t most = (INT64_C(1) << 30) - 1; /* f32 elements below 4 GiB */
  if (l->frames < 1 || l->channels < 1 || l->height < 1 || l->width < 1)
    return fx_fail(FX_EARG,
                   "%s: a field needs at least one frame, channel, row and column, not %" PRId64
                   " x %" PRId64 " x %" PRId64 " x %" PRId64,
                   path, l->frames, l->channels, l->height, l->width);
  if (l->channels > most || l->height > most / l->channels ||
      l->width > most / l->channels / l->height)
    return fx_fail(FX_EARG,
                   "%s: one frame has 4 GiB or more, which does not fit in a chunk of "
                   "HDF5",
                   path);
  if (l->deflate < 0 || l->deflate > 9)
    return fx_fail(FX_EARG, "%s: deflate is 0 (off) to 9, not %d", path, l->deflate);
  if (l->chunk < 0)
    return fx_fail(FX_EARG, "%s: chunk is a side in pixels, or 0 for a frame, not %" PRId64, path,
                   l->chunk);
  return FX_OK;
}

static int rank_of (const fx_field_layout *l) { return l->channels > 1 ? 4 : 3; }

static void frame_dims (const fx_field_layout *l, int64_t frames, hsize_t dims[4]) {
  int i = 0;
  dims[i++] = (hsize_t)frames;
  if (l->channels > 1)
    dims[i++] = (hsize_t)l->channels;
  dims[i++] = (hsize_t)l->height;
  dims[i] = (hsize_t)l->width;
}

static fx_status create_dataset (fx_field_writer *w) {
  const fx_field_layout *l = &w->layout;
  hsize_t dims[4], chunk[4];
  frame_dims(l, l->frames, dims);
  frame_dims(l, 1, chunk);
  for (int a = rank_of(l) - 2; l->chunk && a < rank_of(l); a++)
    chunk[a] = chunk[a] < (hsize_t)l->chunk ? chunk[a] : (hsize_t)l->chunk;
  const hid_t plist = fx_h5_dataset_plist(), space = H5Screate_simple(rank_of(l), dims, NULL);
  H5Pset_chunk(plist, rank_of(l), chunk);
  if (w->part)
    H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
  if (l->deflate) {
    H5Pset_shuffle(plist);
    H5Pset_deflate(plist, (unsigned)l->deflate);
  }
  w->data = H5Dcreate2(w->file, l->dataset, H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  H5Sclose(space);
  H5Pclose(plist);
  return w->data >= 0
             ? FX_OK
             : fx_h5_fail(FX_EIO, "%s: cannot create the dataset '%s'", w->path, l->dataset);
}

/* A writer without its file: `temporary` and memory. */
static fx_status new_writer (const char *path, const fx_field_layout *layout, bool part,
                             fx_field_writer **out) {
  FX_TRY(check_layout(path, layout));
  if (part && layout->deflate)
    return fx_fail(FX_EARG, "%s: frames that can be resumed are not compressed; deflate is %d",
                   path, layout->deflate);
  fx_field_writer *w = fx_calloc(1, sizeof *w);
  if (!w)
    return FX_ENOMEM;
  *out = w;
  w->layout = *layout;
  w->layout.dataset = NULL; /* the caller's text; ours from here on */
  w->file = w->data = -1;
  w->part = part;
  FX_TRY(fx_file_temporary(path, w->temporary)); /* also checks the length */
  memcpy(w->path, path, strlen(path) + 1);       /* shorter than the temporary's name */
  if (part)
    memcpy(w->temporary + strlen(path), ".part", sizeof ".part");
  const size_t values = (size_t)(layout->channels * layout->height * layout->width);
  w->layout.dataset = fx_strdup(layout->dataset ? layout->dataset : "w");
  w->planes = fx_calloc(values, sizeof *w->planes);
  return w->layout.dataset && w->planes ? FX_OK : FX_ENOMEM;
}

fx_status fx_field_writer_create (const char *path, const fx_field_layout *layout,
                                  fx_field_writer **out) {
  fx_field_writer *w = NULL;
  fx_status st;
  FX_H5_TURN;
  FX_GOTO(new_writer(path, layout, false, &w));
  FX_GOTO(fx_h5_create(w->temporary, &w->file));
  FX_GOTO(create_dataset(w));
  *out = w;
  w = NULL;
done:
  fx_field_writer_abandon(w);
  return st;
}

/* Opens the dataset of a file that was begun; it must be as this layout makes it. */
static fx_status reopen_dataset (fx_field_writer *w) {
  hsize_t wanted[4], found[H5S_MAX_RANK];
  FX_TRY(fx_h5_reopen(w->temporary, &w->file));
  w->data = H5Dopen2(w->file, w->layout.dataset, H5P_DEFAULT);
  if (w->data < 0)
    return fx_h5_fail(FX_EFORMAT, "%s has no dataset '%s'", w->temporary, w->layout.dataset);
  const hid_t space = H5Dget_space(w->data);
  const int rank = H5Sget_simple_extent_dims(space, found, NULL);
  H5Sclose(space);
  frame_dims(&w->layout, w->layout.frames, wanted);
  if (rank != rank_of(&w->layout) || memcmp(wanted, found, (size_t)rank * sizeof *found) != 0)
    return fx_fail(FX_EFORMAT, "%s holds frames of another shape; remove it to begin anew",
                   w->temporary);
  return FX_OK;
}

fx_status fx_field_writer_resume (const char *path, const fx_field_layout *layout, int64_t done,
                                  fx_field_writer **out) {
  fx_field_writer *w = NULL;
  fx_status st;
  FX_H5_TURN;
  if (done < 0 || done > layout->frames)
    return fx_fail(FX_EARG, "%s: %" PRId64 " of %" PRId64 " frames cannot be done", path, done,
                   layout->frames);
  FX_GOTO(new_writer(path, layout, true, &w));
  if (done) {
    FX_GOTO(reopen_dataset(w));
  } else {
    FX_GOTO(fx_h5_create(w->temporary, &w->file));
    FX_GOTO(create_dataset(w));
  }
  w->next = done;
  *out = w;
  w = NULL;
done:
  if (done)
    fx_field_writer_leave(w); /* what cannot be resumed is not ours to remove */
  else
    fx_field_writer_abandon(w);
  return st;
}

fx_status fx_field_writer_flush (fx_field_writer *w) {
  FX_H5_TURN;
  if (H5Fflush(w->file, H5F_SCOPE_LOCAL) < 0)
    return fx_h5_fail(FX_EIO, "cannot write %s: is the disk full?", w->path);
  return fx_file_sync(w->temporary);
}

/* (H,W) with one channel, (H,W,C), (1,H,W,C) */
static bool fits (const fx_field_layout *l, const fx_tensor *t) {
  const int64_t last[3] = { l->height, l->width, l->channels };
  const int from = t->ndim == 4 ? 1 : 0, n = t->ndim - from;
  if (t->ndim < 2 || t->ndim > 4 || (t->ndim == 4 && t->shape[0] != 1) ||
      (t->ndim == 2 && l->channels != 1))
    return false;
  for (int i = 0; i < n; i++)
    if (t->shape[from + i] != last[i])
      return false;
  return t->dtype == FX_F32 || t->dtype == FX_F64;
}

/* (H,W,C) of either type -> (C,H,W) f32 */
static void unweave (const fx_field_writer *w, const fx_tensor *t) {
  const int64_t c = w->layout.channels, pixels = w->layout.height * w->layout.width;
  for (int64_t k = 0; k < c; k++)
    for (int64_t i = 0; i < pixels; i++)
      w->planes[k * pixels + i] =
          t->dtype == FX_F32 ? fx_f32(t)[i * c + k] : (float)fx_f64(t)[i * c + k];
}

fx_status fx_field_writer_append (fx_field_writer *w, const fx_tensor *frame) {
  const fx_field_layout *l = &w->layout;
  char text[FX_SHAPE_TEXT];
  FX_H5_TURN;
  if (!fits(l, frame))
    return fx_fail(
        FX_ESHAPE,
        "%s: a frame is (%" PRId64 ",%" PRId64 ",%" PRId64 ") in f32 or f64, not %s in %s", w->path,
        l->height, l->width, l->channels, fx_shape_text(frame, text), fx_dtype_name(frame->dtype));
  if (w->next == l->frames)
    return fx_fail(FX_ESHAPE, "%s: all %" PRId64 " frames are there already", w->path, l->frames);
  unweave(w, frame);
  hsize_t count[4], start[4] = { (hsize_t)w->next };
  frame_dims(l, 1, count);
  const hid_t space = H5Dget_space(w->data), memory = H5Screate_simple(rank_of(l), count, NULL);
  fx_status st = FX_OK;
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
      H5Dwrite(w->data, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, w->planes) < 0)
    st = fx_h5_fail(FX_EIO, "%s: cannot write frame %" PRId64 "; is the disk full?", w->path,
                    w->next);
  H5Sclose(memory);
  H5Sclose(space);
  w->next += st == FX_OK;
  return st;
}

fx_status fx_field_writer_number (fx_field_writer *w, const char *key, double value) {
  FX_H5_TURN;
  const fx_status st = fx_h5_write_number(w->file, key, value);
  return st == FX_OK ? FX_OK : fx_fail_in(st, "%s", w->path);
}

fx_status fx_field_writer_text (fx_field_writer *w, const char *key, const char *text) {
  FX_H5_TURN;
  const fx_status st = fx_h5_write_text(w->file, key, text);
  return st == FX_OK ? FX_OK : fx_fail_in(st, "%s", w->path);
}

fx_status fx_field_writer_attribute (fx_field_writer *w, const char *dataset, const char *key,
                                     const char *text) {
  FX_H5_TURN;
  const hid_t data = H5Dopen2(w->file, dataset, H5P_DEFAULT);
  if (data < 0)
    return fx_h5_fail(FX_EARG, "%s has no dataset '%s' for the attribute %s", w->path, dataset,
                      key);
  const fx_status st = fx_h5_write_text(data, key, text);
  H5Dclose(data);
  return st == FX_OK ? FX_OK : fx_fail_in(st, "%s", w->path);
}

/* A dataset of `type` beside that of the frames, written whole from `values` of type `memory`. */
static fx_status write_whole (fx_field_writer *w, const char *key, int rank, const hsize_t *dims,
                              hid_t type, hid_t memory, const void *values) {
  const hid_t plist = fx_h5_dataset_plist(), space = H5Screate_simple(rank, dims, NULL);
  const hid_t data = H5Dcreate2(w->file, key, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  fx_status st = FX_OK;
  if (data < 0 || (dims[0] && H5Dwrite(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0))
    st = fx_h5_fail(FX_EIO, "%s: cannot write '%s'", w->path, key);
  if (data >= 0)
    H5Dclose(data);
  H5Sclose(space);
  H5Pclose(plist);
  return st;
}

fx_status fx_field_writer_array (fx_field_writer *w, const char *key, int64_t n,
                                 const double *values) {
  FX_H5_TURN;
  if (n < 0)
    return fx_fail(FX_EARG, "%s: '%s' cannot have %" PRId64 " elements", w->path, key, n);
  const hsize_t dims = (hsize_t)n;
  return write_whole(w, key, 1, &dims, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values);
}

fx_status fx_field_writer_plane (fx_field_writer *w, const char *key, const fx_tensor *plane) {
  const fx_field_layout *l = &w->layout;
  char text[FX_SHAPE_TEXT];
  FX_H5_TURN;
  if (plane->ndim != 4 || plane->shape[0] != 1 || plane->shape[1] != l->height ||
      plane->shape[2] != l->width || plane->shape[3] != 1 ||
      (plane->dtype != FX_F32 && plane->dtype != FX_F64))
    return fx_fail(
        FX_ESHAPE, "%s: '%s' must be (1,%" PRId64 ",%" PRId64 ",1) in f32 or f64, not %s in %s",
        w->path, key, l->height, l->width, fx_shape_text(plane, text), fx_dtype_name(plane->dtype));
  const hsize_t dims[3] = { 1, (hsize_t)l->height, (hsize_t)l->width };
  return write_whole(w, key, 3, dims, H5T_IEEE_F32LE,
                     plane->dtype == FX_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, plane->data);
}

/* Frees all but the files. */
static void free_writer (fx_field_writer *w) {
  fx_free(w->planes);
  fx_free((char *)w->layout.dataset); /* our copy */
  fx_free(w);
}

fx_status fx_field_writer_finish (fx_field_writer *w) {
  FX_H5_TURN;
  if (w->next != w->layout.frames) {
    const fx_status st = fx_fail(FX_ESHAPE,
                                 "%s: %" PRId64 " of %" PRId64 " frames were written: "
                                 "the unfinished file is removed",
                                 w->path, w->next, w->layout.frames);
    fx_field_writer_abandon(w);
    return st;
  }
  H5Dclose(w->data);
  const fx_status st = fx_h5_finish(w->file, w->temporary, w->path);
  free_writer(w);
  return st;
}

static void drop (fx_field_writer *w, bool keep) {
  if (!w)
    return;
  FX_H5_TURN;
  if (w->data >= 0)
    H5Dclose(w->data);
  if (w->file >= 0)
    fx_h5_drop(w->file, keep ? NULL : w->temporary);
  free_writer(w);
}

void fx_field_writer_abandon (fx_field_writer *w) { drop(w, false); }
void fx_field_writer_leave (fx_field_writer *w) { drop(w, w && w->part); }
