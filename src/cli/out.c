#include "cli/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"

static void begin(Out *o, int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;
	o->fd = fd;
	o->used = 0;
	o->failed = 0;
	o->colour = false;
	o->width = 0;
	if (!isatty(fd))
		return;
	o->colour = !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
	o->width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void out_init(Out *o)
{
	begin(o, STDOUT_FILENO);
}

void out_init_error(Out *o)
{
	begin(o, STDERR_FILENO);
}

static const char *name_of(const Out *o)
{
	return o->fd == STDERR_FILENO ? "standard error" : "standard output";
}

static void drain(Out *o)
{
	if (o->failed == 0)
		o->failed = fd_write_all(o->fd, o->buf, o->used, name_of(o), NULL);
	o->used = 0;
}

void out_bytes(Out *o, const char *bytes, size_t len)
{
	while (len > 0) {
		size_t n = sizeof o->buf - o->used;
		n = n < len ? n : len;
		memcpy(o->buf + o->used, bytes, n);
		o->used += n;
		bytes += n;
		len -= n;
		if (o->used == sizeof o->buf)
			drain(o);
	}
}

void out_text(Out *o, const char *s)
{
	out_bytes(o, s, strlen(s));
}

void out_spaces(Out *o, size_t n)
{
	while (n-- > 0)
		out_bytes(o, " ", 1);
}

void out_format(Out *o, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap); /* cut, as the header says */
	va_end(ap);
	out_text(o, text);
}

void out_bold(Out *o, const char *s)
{
	if (o->colour)
		out_text(o, "\033[1m");
	out_text(o, s);
	if (o->colour)
		out_text(o, "\033[0m");
}

void out_wrapped(Out *o, const char *text, size_t indent, size_t width)
{
	size_t column = indent;
	while (*text) {
		size_t word = strcspn(text, " ");
		if (column > indent && width > 0 && column + 1 + word > width) {
			out_text(o, "\n");
			out_spaces(o, indent);
			column = indent;
		} else if (column > indent) {
			out_text(o, " ");
			column++;
		}
		out_bytes(o, text, word);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
}

int out_flush(Out *o, Err *e)
{
	drain(o);
	if (o->failed < 0)
		return err_make(e, ERR_SYS, -o->failed, "write to %s", name_of(o));
	return 0;
}
