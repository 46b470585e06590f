#include "kern/tty.h"

#include <sys/ioctl.h>
#include <unistd.h>

int tty_make_raw(int fd, TtyRaw *ret, Err *e)
{
	*ret = TTY_RAW_NONE;
	if (!isatty(fd))
		return 0;
	if (tcgetattr(fd, &ret->saved) < 0)
		return err_sys(e, "read the mode of the terminal");
	struct termios raw = ret->saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		return err_sys(e, "make the terminal raw");
	ret->fd = fd;
	ret->is_raw = true;
	return 0;
}

int tty_hide_input(int fd, TtyRaw *ret, Err *e)
{
	*ret = TTY_RAW_NONE;
	if (!isatty(fd))
		return 0;
	if (tcgetattr(fd, &ret->saved) < 0)
		return err_sys(e, "read the mode of the terminal");
	struct termios hidden = ret->saved;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ICANON | ECHONL;
	if (tcsetattr(fd, TCSAFLUSH, &hidden) < 0)
		return err_sys(e, "hide what is typed");
	ret->fd = fd;
	ret->is_raw = true;
	return 0;
}

void tty_restore(TtyRaw *t)
{
	if (t->fd >= 0 && t->is_raw)
		(void)tcsetattr(t->fd, TCSANOW, &t->saved); /* a terminal that has gone needs no mode */
	t->is_raw = false;
}

void tty_make_raw_again(TtyRaw *t)
{
	if (t->fd < 0)
		return;
	struct termios raw = t->saved;
	cfmakeraw(&raw);
	t->is_raw = tcsetattr(t->fd, TCSANOW, &raw) == 0;
}

void tty_copy_size(int from, int to)
{
	struct winsize size;
	if (ioctl(from, TIOCGWINSZ, &size) == 0)
		(void)ioctl(to, TIOCSWINSZ, &size); /* not a terminal, or gone: nobody to tell */
}
