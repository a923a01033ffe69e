/*
** log.h - warnings of the core. The core never writes to a terminal itself; whoever owns one (the
** command line, the Lua module) sets a sink. Without a sink warnings are dropped.
*/
#ifndef FX_LOG_H
#define FX_LOG_H

typedef void (*fx_log_sink)(void *context, const char *text);
void fx_log_set_sink(fx_log_sink sink, void *context);
void fx_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
