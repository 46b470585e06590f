#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/own.h"

static const char *const names[SIGNAL_MAX + 1] = {
	[SIGHUP] = "SIGHUP",
	[SIGINT] = "SIGINT",
	[SIGQUIT] = "SIGQUIT",
	[SIGILL] = "SIGILL",
	[SIGTRAP] = "SIGTRAP",
	[SIGABRT] = "SIGABRT",
	[SIGBUS] = "SIGBUS",
	[SIGFPE] = "SIGFPE",
	[SIGKILL] = "SIGKILL",
	[SIGUSR1] = "SIGUSR1",
	[SIGSEGV] = "SIGSEGV",
	[SIGUSR2] = "SIGUSR2",
	[SIGPIPE] = "SIGPIPE",
	[SIGALRM] = "SIGALRM",
	[SIGTERM] = "SIGTERM",
	[SIGSTKFLT] = "SIGSTKFLT",
	[SIGCHLD] = "SIGCHLD",
	[SIGCONT] = "SIGCONT",
	[SIGSTOP] = "SIGSTOP",
	[SIGTSTP] = "SIGTSTP",
	[SIGTTIN] = "SIGTTIN",
	[SIGTTOU] = "SIGTTOU",
	[SIGURG] = "SIGURG",
	[SIGXCPU] = "SIGXCPU",
	[SIGXFSZ] = "SIGXFSZ",
	[SIGVTALRM] = "SIGVTALRM",
	[SIGPROF] = "SIGPROF",
	[SIGWINCH] = "SIGWINCH",
	[SIGIO] = "SIGIO",
	[SIGPWR] = "SIGPWR",
	[SIGSYS] = "SIGSYS",
	[32] = "SIG32",
	[33] = "SIG33",
/* clang-format off */
#define UP(n)   [34 + (n)] = "SIGRTMIN+" #n
#define DOWN(n) [64 - (n)] = "SIGRTMAX-" #n
	[34] = "SIGRTMIN", UP(1), UP(2), UP(3), UP(4), UP(5), UP(6), UP(7), UP(8), UP(9), UP(10), UP(11), UP(12), UP(13), UP(14), UP(15),
	DOWN(14), DOWN(13), DOWN(12), DOWN(11), DOWN(10), DOWN(9), DOWN(8), DOWN(7), DOWN(6), DOWN(5), DOWN(4), DOWN(3), DOWN(2), DOWN(1),
	[64] = "SIGRTMAX",
#undef UP
#undef DOWN
	/* clang-format on */
};

static const struct {
	const char *name;
	int number;
} aliases[] = { { "CLD", SIGCHLD }, { "IOT", SIGABRT }, { "POLL", SIGIO }, { "UNUSED", SIGSYS } };

/* "MIN", "MIN+3", "MAX", "MAX-1": what stands behind "RT". */
static int rt_from_name(const char *s)
{
	uint32_t n = 0;
	if (strncasecmp(s, "MIN", 3) != 0 && strncasecmp(s, "MAX", 3) != 0)
		return -EINVAL;
	int up = strncasecmp(s, "MIN", 3) == 0;
	s += 3;
	if (*s) {
		if (*s != (up ? '+' : '-') || num_parse_u32(s + 1, SIGNAL_MAX - SIGNAL_RT_MIN, &n) < 0)
			return -EINVAL;
	}
	return up ? SIGNAL_RT_MIN + (int)n : SIGNAL_MAX - (int)n;
}

int signal_from_name(const char *name)
{
	uint32_t n;
	if (num_parse_u32(name, SIGNAL_MAX, &n) == 0)
		return n > 0 ? (int)n : -EINVAL;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	if (strncasecmp(name, "RT", 2) == 0)
		return rt_from_name(name + 2);
	for (int i = 1; i < 32; i++)
		if (names[i] && strcasecmp(name, names[i] + 3) == 0)
			return i;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (strcasecmp(name, aliases[i].name) == 0)
			return aliases[i].number;
	return -EINVAL;
}

const char *signal_name(int n)
{
	return n >= 1 && n <= SIGNAL_MAX ? names[n] : NULL;
}
