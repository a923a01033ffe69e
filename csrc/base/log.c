/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static fx_log_sink current;
static void *current_context;

void fx_log_set_sink (fx_log_sink sink, void *context) {
  current = sink;
  current_context = context;
}

void fx_warn (const char *format, ...) {
  if (!current)
    return;
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  current(current_context, text);
}
