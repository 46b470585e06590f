#include "runtime/newidmap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/signals.h"
#include "base/str.h"
#include "kern/process.h"

#define EXIT_EXEC 127 /* the child could not execute the program */

/* PROGRAM PID CONTAINER HOST SIZE CONTAINER HOST SIZE ... */
static char **argv_make(const char *program, pid_t pid, const char *map, Arena *a)
{
	char *copy = arena_strdup(a, map);
	for (char *p = copy; (p = strchr(p, '\n')); p++)
		*p = ' ';
	StrList numbers = str_split(a, copy, ' ');
	char **argv = arena_new_array(a, numbers.count + 3, char *);
	size_t n = 0;
	argv[n++] = arena_strdup(a, program);
	argv[n++] = arena_printf(a, "%d", pid);
	for (size_t i = 0; i < numbers.count; i++)
		if (*numbers.items[i])
			argv[n++] = arena_strdup(a, numbers.items[i]);
	return argv;
}

/* The child. Signals that wait for the container must not keep it from being interrupted. */
static _Noreturn void helper_exec(char **argv, int errors)
{
	const uint64_t none = 0;
	char *const envp[] = { NULL };
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none); /* at worst it stays so */
	if (dup2(errors, STDERR_FILENO) >= 0)
		(void)execve(argv[0], argv, envp);
	_exit(EXIT_EXEC);
}

static int helper_failed(const char *program, const char *text, const ProcessEnd *end, Err *e)
{
	const char *name = err_basename(program);
	if (*text)
		return err_make(e, ERR_SYS, 0, "%s%s%s", str_starts(text, name) ? "" : name,
				str_starts(text, name) ? "" : ": ", text);
	if (end->by_signal)
		return err_make(e, ERR_SYS, 0, "%s was ended by signal %s", name,
				signal_name(end->number));
	if (end->number == EXIT_EXEC)
		return err_make(e, ERR_SYS, ENOEXEC, "%s cannot be executed", program);
	return err_make(e, ERR_SYS, 0, "%s ended with %d and without a word", name, end->number);
}

/* All that it says, the first line of it kept. */
static void errors_read(int fd, char *text, size_t size)
{
	char rest[256];
	ssize_t n = fd_read_up_to(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	while (n > 0)
		n = fd_read_up_to(fd, rest, sizeof rest);
	text[strcspn(text, "\n")] = '\0';
}

int newidmap_start(const char *program, pid_t pid, const char *map, NewIdmap *ret, Arena *a, Err *e)
{
	int ends[2];
	AUTO(fd_close) int pidfd = FD_NONE;
	char **argv = argv_make(program, pid, map, a);

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	AUTO(fd_close) int in = ends[0];
	AUTO(fd_close) int out = ends[1];
	pid_t child = process_clone(0, FD_NONE, &pidfd, e);
	TRY(child);
	if (child == 0)
		helper_exec(argv, out);
	*ret = (NewIdmap){ .program = program, .pidfd = TAKE_FD(pidfd), .errors = TAKE_FD(in) };
	return 0;
}

int newidmap_finish(NewIdmap *n, Err *e)
{
	char text[256];
	ProcessEnd end;
	const char *program = n->program;
	AUTO(fd_close) int pidfd = TAKE_FD(n->pidfd);
	AUTO(fd_close) int in = TAKE_FD(n->errors);

	if (pidfd < 0)
		return 0;
	errors_read(in, text, sizeof text);
	TRY(process_wait(pidfd, &end, e));
	return end.by_signal || end.number != 0 ? helper_failed(program, text, &end, e) : 0;
}
