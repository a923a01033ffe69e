/* status.c - see status.h. One buffer a thread; a message may quote the one it replaces. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_SIZE 1024

static _Thread_local char message[MESSAGE_SIZE];

fx_status fx_fail (fx_status status, const char *format, ...) {
  char text[MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  memcpy(message, text, sizeof text);
  return status;
}

fx_status fx_fail_in (fx_status status, const char *format, ...) {
  char prefix[MESSAGE_SIZE / 2], text[2 * MESSAGE_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(prefix, sizeof prefix, format, args);
  va_end(args);
  snprintf(text, sizeof text, "%s: %s", prefix, message);
  text[MESSAGE_SIZE - 1] = '\0';
  memcpy(message, text, MESSAGE_SIZE);
  return status;
}

const char *fx_errmsg (void) { return message; }

const char *fx_status_name (fx_status status) {
  switch (status) {
  case FX_OK: return "ok";
  case FX_ESHAPE: return "shape";
  case FX_EARG: return "argument";
  case FX_ENOMEM: return "memory";
  case FX_EIO: return "io";
  case FX_EFORMAT: return "format";
  case FX_EDEVICE: return "device";
  case FX_EINTR: return "interrupted";
  case FX_EUNSUPPORTED: return "unsupported";
  }
  return "unknown";
}
