/* tty.h - the user's terminal: raw mode that is always taken back, and its size.            (kern/, may include base)
 *
 * Runs in:   the parent, in the foreground. Nothing allocates.
 * Ownership: a TtyRaw borrows its descriptor; tty_restore() (also by AUTO) puts the saved mode back.
 */
#pragma once
#include <stdbool.h>
#include <termios.h>

#include "base/err.h"
#include "base/fd.h"

typedef struct TtyRaw {
	int fd; /* FD_NONE: nothing is saved */
	struct termios saved;
	bool is_raw;
} TtyRaw;
#define TTY_RAW_NONE ((TtyRaw){ .fd = FD_NONE })

/* Saves the mode of the terminal fd and makes it raw (cfmakeraw(3)). Without error when fd is no terminal: then nothing is done. */
int tty_make_raw(int fd, TtyRaw *ret, Err *e);

/* The same, but it only shows no more what is typed, up to the newline that ends it; and forgets what was typed before. */
int tty_hide_input(int fd, TtyRaw *ret, Err *e);

void tty_restore(TtyRaw *t);        /* back to the saved mode; can be made raw again */
void tty_make_raw_again(TtyRaw *t); /* after having been stopped */
static inline void tty_restore_auto(TtyRaw *t)
{
	tty_restore(t);
}

/* Gives the terminal `to` the size of the terminal `from`; nothing when one of them is none. TIOCSWINSZ signals what runs there. */
void tty_copy_size(int from, int to);
