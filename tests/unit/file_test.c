/* file_test.c - atomic writes, bounded reads, formats, folders; messages when the system refuses. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "check.h"
#include "io/file.h"
#include "io/signature.h"
#include "scratch.h"

static void written_bytes_come_back (void) {
  const char *path = scratch("a.bin");
  unsigned char *bytes;
  size_t n = 0;
  CHECK_STATUS(fx_file_write(path, "a\0b", 3));
  CHECK_STATUS(fx_file_read_all(path, 100, &bytes, &n));
  CHECK(n == 3 && memcmp(bytes, "a\0b", 4) == 0); /* and the 0 behind them */
  fx_free(bytes);
  CHECK_STATUS(fx_file_write(path, "", 0));
  CHECK_STATUS(fx_file_read_all(path, 0, &bytes, &n));
  CHECK(n == 0 && bytes[0] == 0);
  fx_free(bytes);
  CHECK(scratch_count() == 1);
  unlink(path);
}

static fx_format format_of (const char *bytes, size_t n) {
  fx_signature s = { .size = -1 };
  CHECK_STATUS(fx_file_write(scratch("what"), bytes, n));
  CHECK_STATUS(fx_signature_read(scratch("what"), &s));
  CHECK(s.size == (int64_t)n && s.first == (n ? (unsigned char)bytes[0] : 0));
  return s.format;
}

static void first_bytes_tell_the_format (void) {
  static const char hdf5[] = "\211HDF\r\n\032\n";
  char block[2100] = "MATLAB 7.3 MAT-file";
  CHECK(format_of("", 0) == FX_FORMAT_EMPTY);
  CHECK(format_of("CDF\2", 4) == FX_FORMAT_NETCDF3);
  CHECK(format_of("CDF\3....", 8) == FX_FORMAT_OTHER);
  CHECK(format_of("\223NUMPY\1\0{", 9) ==
        FX_FORMAT_NPY); /* not safetensors: its header has 123 bytes */
  CHECK(format_of("PK\3\4", 4) == FX_FORMAT_ZIP);
  CHECK(format_of("PK", 2) == FX_FORMAT_OTHER);
  CHECK(format_of("\200\0\0\0\0\0\0\0{", 9) == FX_FORMAT_SAFETENSORS);
  CHECK(format_of("\200\2}.", 4) == FX_FORMAT_PICKLE);
  CHECK(format_of("\200\2\212\n\154\374\234F\371", 9) == FX_FORMAT_TORCH_LEGACY);
  CHECK(format_of(hdf5, 8) == FX_FORMAT_HDF5);
  CHECK(format_of(hdf5, 7) == FX_FORMAT_OTHER);
  memcpy(block + 2048, hdf5, 8); /* behind a user block */
  CHECK(format_of(block, sizeof block) == FX_FORMAT_HDF5);
  memcpy(block + 1024 + 3, hdf5, 8); /* where none can be */
  CHECK(format_of(block, 2048) == FX_FORMAT_OTHER);
  memcpy(block, "PK\3\4", 4); /* an entry of a zip that is an HDF5 file */
  CHECK(format_of(block, sizeof block) == FX_FORMAT_ZIP);
  unlink(scratch("what"));
}

static void reading_is_bounded_and_refuses_what_is_no_file (void) {
  unsigned char *bytes;
  size_t n = 0;
  int fd;
  int64_t size;
  CHECK_STATUS(fx_file_write(scratch("a"), "12345", 5));
  CHECK(fx_file_read_all(scratch("a"), 4, &bytes, &n) == FX_EFORMAT);
  CHECK_MESSAGE("has 5 bytes; at most 4");
  CHECK(fx_file_read_all(scratch("none"), 4, &bytes, &n) == FX_EIO);
  CHECK_MESSAGE("No such file");
  CHECK(fx_file_read_all(scratch_folder, 4, &bytes, &n) == FX_EIO);
  CHECK_MESSAGE("it is a folder");
  CHECK(mkfifo(scratch("pipe"), 0600) == 0);
  CHECK(fx_file_read_all(scratch("pipe"), 4, &bytes, &n) == FX_EIO); /* and does not hang */
  CHECK_STATUS(fx_file_open(scratch("a"), &fd, &size));
  char buffer[8];
  CHECK(size == 5 && fx_file_read_at(fd, "a", 2, 3, buffer) == FX_OK && !memcmp(buffer, "345", 3));
  CHECK(fx_file_read_at(fd, "a", 2, 4, buffer) == FX_EFORMAT);
  CHECK_MESSAGE("cut off");
  close(fd);
  CHECK_STATUS(fx_file_size(scratch("a"), &size));
  CHECK(size == 5);
  unlink(scratch("a"));
  unlink(scratch("pipe"));
}

static void failed_write_leaves_nothing (void) {
  char name[5000];
  CHECK_STATUS(fx_make_dirs(scratch("folder/in/the way")));
  CHECK(fx_file_write(scratch("folder"), "x", 1) == FX_EIO); /* a folder cannot be replaced */
  CHECK(scratch_count() == 1);
  CHECK(fx_file_write(scratch("no/such/file"), "x", 1) == FX_EIO);
  CHECK_MESSAGE("check the path");
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  CHECK(fx_file_write(name, "x", 1) == FX_EARG);
  CHECK(fx_file_write("", "x", 1) == FX_EARG);
  CHECK(fx_file_write("/proc/flexlab", "x", 1) == FX_EIO); /* read-only even for root */
  if (geteuid() != 0) {                                    /* root may write anywhere */
    chmod(scratch("folder"), 0500);
    CHECK(fx_file_write(scratch("folder/x"), "x", 1) == FX_EIO);
    CHECK_MESSAGE("permissions");
    chmod(scratch("folder"), 0700);
  }
}

/* What is no regular file is not replaced by one. A link is, since a run's folder may come from anyone. */
static void only_files_are_replaced (void) {
  CHECK(mkfifo(scratch("pipe"), 0600) == 0);
  CHECK(fx_file_write(scratch("pipe"), "x", 1) == FX_EIO);
  CHECK_MESSAGE("pipe: it is a device or a pipe, not a file");
  CHECK(fx_file_write(scratch_folder, "x", 1) == FX_EIO);
  CHECK_MESSAGE("it is a folder, not a file");
  CHECK(fx_file_write("/dev/null", "x", 1) == FX_EIO);
  CHECK_MESSAGE("cannot write /dev/null: it is a device or a pipe, not a file");
  struct stat info;
  CHECK(stat(scratch("pipe"), &info) == 0 && S_ISFIFO(info.st_mode));
  CHECK(symlink(scratch("pipe"), scratch("link")) == 0);
  CHECK_STATUS(fx_file_write(scratch("link"), "x", 1));
  CHECK(lstat(scratch("link"), &info) == 0 && S_ISREG(info.st_mode));
  unlink(scratch("link"));
  unlink(scratch("pipe"));
}

/* The old file must survive a failed commit, whose temporary does not exist. */
static void commit_is_all_or_nothing (void) {
  char temporary[FX_PATH_SIZE];
  size_t n = 0;
  CHECK_STATUS(fx_file_write(scratch("c"), "old", 3));
  CHECK_STATUS(fx_file_temporary(scratch("c"), temporary));
  long pid = 0;
  unsigned place = 0;
  const char *end = strstr(temporary, "/c.tmp.");
  CHECK(end && sscanf(end, "/c.tmp.%ld.%8x", &pid, &place) == 2 && pid == (long)getpid());
  CHECK(end && strlen(strrchr(end, '.')) == 9); /* eight digits, also where the first is 0 */
  CHECK(fx_file_commit(temporary, scratch("c")) == FX_EIO);
  unsigned char *bytes = scratch_get(scratch("c"), &n);
  CHECK(n == 3 && memcmp(bytes, "old", 3) == 0);
  free(bytes);
  CHECK(scratch_put(temporary, "newer", 5));
  CHECK_STATUS(fx_file_commit(temporary, scratch("c")));
  CHECK(!scratch_holds(temporary));
  bytes = scratch_get(scratch("c"), &n);
  CHECK(n == 5 && memcmp(bytes, "newer", 5) == 0);
  free(bytes);
}

static void full_disk_is_reported (void) {
  int fd;
  if (fx_file_create("/dev/full", &fd) != FX_OK)
    return; /* not every container has it */
  CHECK(fx_file_put(fd, "/dev/full", "x", 1) == FX_EIO);
  CHECK_MESSAGE("free some space");
  close(fd);
}

static fx_status collect (void *context, const char *name) {
  strcat(context, name);
  strcat(context, " ");
  return strcmp(name, "stop") == 0 ? FX_EINTR : FX_OK;
}

static void folders_are_made_and_listed (void) {
  char names[256] = "";
  CHECK_STATUS(fx_make_dirs(scratch("d/e//f")));
  CHECK_STATUS(fx_make_dirs(scratch("d/e/f/")));
  CHECK_STATUS(fx_file_write(scratch("d/b"), "", 0));
  CHECK_STATUS(fx_file_write(scratch("d/a"), "", 0));
  CHECK_STATUS(fx_list_dir(scratch("d"), collect, names));
  CHECK(strcmp(names, "a b e ") == 0);
  CHECK_STATUS(fx_file_write(scratch("d/stop"), "", 0));
  CHECK_STATUS(fx_file_write(scratch("d/then"), "", 0));
  names[0] = '\0';
  CHECK(fx_list_dir(scratch("d"), collect, names) == FX_EINTR);
  CHECK(strcmp(names, "a b e stop ") == 0);
  CHECK(fx_make_dirs(scratch("d/a/below")) == FX_EIO);
  CHECK(fx_list_dir(scratch("nowhere"), collect, names) == FX_EIO);
  CHECK(fx_make_dirs("") == FX_EARG);
}

int main (void) {
  CHECK(scratch_begin());
  written_bytes_come_back();
  reading_is_bounded_and_refuses_what_is_no_file();
  first_bytes_tell_the_format();
  failed_write_leaves_nothing();
  only_files_are_replaced();
  commit_is_all_or_nothing();
  full_disk_is_reported();
  folders_are_made_and_listed();
  scratch_end();
  return check_report("file");
}
