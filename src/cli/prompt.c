#include "cli/prompt.h"

#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/tty.h"
#include "kern/wait_signals.h"

/* In text, of len bytes: up to its newline, without a carriage return before that. */
static const char *line_of(Arena *a, const char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	return arena_strndup(a, text, len);
}

int prompt_line(const char *question, bool hidden, Arena *a, const char **ret, Err *e)
{
	AUTO(wait_signals_restore) WaitSignals signals = WAIT_SIGNALS_NONE;
	AUTO(tty_restore) TtyRaw tty = TTY_RAW_NONE;
	char text[PROMPT_BYTES];
	TRY(wait_signals_block(false, &signals, e));
	if (hidden)
		TRY(tty_hide_input(STDIN_FILENO, &tty, e));
	TRY(fd_write_all(STDOUT_FILENO, question, strlen(question), "the question", e));
	TRY(wait_signals_readable(&signals, STDIN_FILENO, e));
	ssize_t n = read(STDIN_FILENO, text, sizeof text);
	if (n < 0)
		return err_sys(e, "read the answer");
	if (n == 0)
		return err_make(e, ERR_STATE, 0, "no answer to '%s'", question);
	*ret = line_of(a, text, (size_t)n);
	return 0;
}

int prompt_read_all(Arena *a, const char **ret, Err *e)
{
	char text[PROMPT_BYTES];
	ssize_t n = fd_read_up_to(STDIN_FILENO, text, sizeof text);
	if (n < 0)
		return err_sys(e, "read standard input");
	if ((size_t)n == sizeof text)
		return err_make(e, ERR_USAGE, 0, "standard input has more than %d bytes",
				PROMPT_BYTES - 1);
	*ret = line_of(a, text, (size_t)n);
	return 0;
}
