/*
** h5_probe.c - see h5_probe.h.
**
** The child is a fork that ends with _exit: it opens the file by itself, so no HDF5 handle of the
** parent is used in it, and nothing of the parent is flushed or freed. No other thread of
** the parent is inside HDF5 at the fork (fx_h5_fork).
*/
#define _GNU_SOURCE
#include "io/h5_probe.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/h5.h"
#include "io/h5_links.h"

enum { CPU_SECONDS = 20, WALL_MILLISECONDS = 120 * 1000 };

/* --- in the child ------------------------------------------------------------------------------ */

static void read_attribute (hid_t attribute) {
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  const size_t size = H5Tget_size(type);
  void *to =
      n > 0 && size > 0 && (double)n * (double)size <= 1 << 20 ? calloc((size_t)n, size) : NULL;
  if (to && H5Aread(attribute, type, to) >= 0)
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, to);
  free(to);
  H5Sclose(space);
  H5Tclose(type);
}

static herr_t probe_attribute (hid_t object, const char *name, const H5A_info_t *info,
                               void *context) {
  (void)info;
  (void)context;
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute >= 0) {
    read_attribute(attribute);
    H5Aclose(attribute);
  }
  return 0;
}

static void probe_dataset (hid_t data) {
  const hid_t space = H5Dget_space(data), plist = H5Dget_create_plist(data);
  hsize_t chunks = 0;
  if (space >= 0 && plist >= 0 && H5Pget_layout(plist) == H5D_CHUNKED)
    H5Dget_num_chunks(data, space, &chunks); /* walks the whole index */
  H5Pclose(plist);
  H5Sclose(space);
}

static herr_t probe_object (hid_t file, const char *name, const H5O_info_t *info, void *context) {
  hsize_t at = 0;
  (void)context;
  const hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  if (object < 0)
    return 0;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &at, probe_attribute, NULL);
  if (info->type == H5O_TYPE_DATASET)
    probe_dataset(object);
  H5Oclose(object);
  return 0;
}

/* What links lead to is read as well (h5_links.h); members of a group have been. */
static fx_status probe_link (void *context, const char *name, const char *target, hid_t object) {
  (void)context, (void)name, (void)target;
  if (object >= 0 && H5Iget_type(object) == H5I_DATASET)
    probe_dataset(object);
  return FX_OK;
}

static fx_status pass_over (void *context, const char *name, const char *file, const char *target) {
  (void)context, (void)name, (void)file, (void)target;
  return FX_OK;
}

static void probe (const char *path) {
  const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS }, none = { 0, 0 };
  static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM };
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    signal(signals[i], SIG_DFL); /* whatever the parent does on them, the child just ends */
  setrlimit(RLIMIT_CPU, &cpu);
  setrlimit(RLIMIT_CORE, &none);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0)
    dup2(nowhere, 2); /* glibc's last words */
  const fx_h5_link_visitor links = { NULL, probe_link, pass_over };
  hid_t file;
  FX_H5_TURN;
  if (fx_h5_open(path, &file) == FX_OK) {
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, probe_object, NULL, H5O_INFO_BASIC);
    (void)fx_h5_visit_links(file, &links);
    H5Fclose(file);
  }
}

/* --- in the parent ----------------------------------------------------------------------------- */

/* Waits; false if the child had to be ended. */
static int wait_for (pid_t child, int *status) {
  const struct timespec pause = { 0, 200 * 1000 };
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (;;) {
    const pid_t done = waitpid(child, status, WNOHANG);
    if (done != 0)
      return done == child;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((now.tv_sec - begin.tv_sec) * 1000 > WALL_MILLISECONDS) {
      kill(child, SIGKILL);
      waitpid(child, status, 0);
      return 1;
    }
    nanosleep(&pause, NULL);
  }
}

fx_status fx_h5_probe (const char *path) {
  int status = 0;
  const pid_t child = fx_h5_fork();
  if (child < 0)
    return FX_OK;
  if (child == 0) {
    probe(path);
    _exit(0);
  }
  if (!wait_for(child, &status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
    return FX_OK;
  const int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  const int slow = sig == SIGXCPU || sig == SIGKILL;
  return fx_fail(FX_EFORMAT,
                 "%s is damaged: HDF5 %s while reading its structure (in a child "
                 "process); get the file again",
                 path, slow ? "did not come to an end" : "crashed");
}
