/*
** status.h - every fallible function returns an fx_status; the sentence that explains it sits in a
** thread-local buffer until the next failure in that thread. Nothing in the core prints, exits or
** jumps: the caller (a C program, the Lua binding, the command line) decides what a failure means.
*/
#ifndef FX_STATUS_H
#define FX_STATUS_H

typedef enum {
  FX_OK = 0,
  FX_ESHAPE,      /* shapes do not fit together                       */
  FX_EARG,        /* an argument is out of its range                  */
  FX_ENOMEM,      /* the allocator said no                            */
  FX_EIO,         /* the operating system said no: open, write, rename */
  FX_EFORMAT,     /* a file is not what it claims to be               */
  FX_EDEVICE,     /* an accelerator failed                            */
  FX_EINTR,       /* the user pressed Ctrl-C                          */
  FX_EUNSUPPORTED /* meaningful, but not built here                   */
} fx_status;

/* Records the message (printf-like, cut at 1023 bytes) and returns `status`, so that one can write
** `return fx_fail(FX_EARG, "...", ...)`. Arguments may point into the previous message. */
fx_status fx_fail(fx_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prepends "prefix: " to the current message: used where a caller knows more (a file, an op). */
fx_status fx_fail_in(fx_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The message of the last failure in this thread; valid until the next one. Never NULL. */
const char *fx_errmsg(void);

/* "shape", "memory", ...: a word for programs; never NULL. */
const char *fx_status_name(fx_status status);

/* FX_TRY returns at once, so it may be used only while the function owns nothing.
** FX_GOTO jumps to `done`, where one place frees what exists; it needs `fx_status st`. */
#define FX_TRY(call) \
  do { \
    const fx_status try_status_ = (call); \
    if (try_status_ != FX_OK) \
      return try_status_; \
  } while (0)
#define FX_GOTO(call) \
  do { \
    if ((st = (call)) != FX_OK) \
      goto done; \
  } while (0)

#endif
