#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

static bool debug_on;
static const char *program = "mydocker";
static LogSink *sink;
static void *sink_arg;

void log_set_program(const char *name)
{
	program = name;
}

void log_set_sink(LogSink *fn, void *arg)
{
	sink = fn;
	sink_arg = arg;
}

void log_set_debug(bool on)
{
	debug_on = on;
}

bool log_is_debug(void)
{
	return debug_on;
}

/* One write(2) for each line, so that lines of several processes do not mix. level NULL: a note, which is for who sits there. */
__attribute__((format(printf, 2, 0))) static void line(const char *level, const char *fmt, va_list ap)
{
	char text[1024];
	int head = snprintf(text, sizeof text, "%s: %s%s", program, level ? level : "",
			    level ? ": " : "");
	int n = vsnprintf(text + head, sizeof text - (size_t)head - 1, fmt, ap);
	size_t len = n < 0 ? (size_t)head : (size_t)head + (size_t)n;
	if (len > sizeof text - 2)
		len = sizeof text - 2;
	text[len] = '\0';
	str_mask_controls(text);
	if (sink && level) {
		sink(sink_arg, level, text + head);
		return;
	}
	text[len] = '\n';
	if (write(STDERR_FILENO, text, len + 1) < 0)
		return; /* a closed stderr is no reason to fail */
}

void log_note(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	line(NULL, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	line("warning", fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	if (!debug_on)
		return;
	va_list ap;
	va_start(ap, fmt);
	line("debug", fmt, ap);
	va_end(ap);
}
