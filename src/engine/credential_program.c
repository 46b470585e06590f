#include "engine/credential_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/signals.h"
#include "base/str.h"
#include "fmt/json.h"
#include "fmt/json_write.h"
#include "kern/process.h"

#define PREFIX    "docker-credential-"
#define WAIT_S    120 /* it may ask its user something */
#define EXIT_EXEC 127

typedef struct HelperRun {
	const char *path, *verb;
	int in, out; /* its ends */
} HelperRun;

/* A name that stands in a file must not lead elsewhere. */
static int helper_find(const char *name, Arena *a, const char **ret, Err *e)
{
	const char *search = getenv("PATH");
	if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
			      strlen(name))
		return err_make(e, ERR_STATE, EINVAL, "'%.80s' is no name of a credential helper", name);
	StrList dirs = str_split(a, search ? search : "/usr/local/bin:/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.count; i++) {
		const char *path = arena_printf(a, "%s/" PREFIX "%s", dirs.items[i], name);
		if (dirs.items[i][0] == '/' && access(path, X_OK) == 0) {
			*ret = path;
			return 0;
		}
	}
	return err_make(e, ERR_STATE, 0,
			"the credential helper " PREFIX "%s is in no directory of PATH", name);
}

/* The child. Its standard error is ours: inherited. */
static _Noreturn void helper_exec(const HelperRun *h)
{
	char *const argv[] = { (char *)(uintptr_t)h->path, (char *)(uintptr_t)h->verb, NULL };
	if (process_reset_signals(NULL) == 0 && dup2(h->in, STDIN_FILENO) >= 0 &&
	    dup2(h->out, STDOUT_FILENO) >= 0 && syscall(SYS_close_range, 3, ~0U, 0) == 0)
		(void)execve(h->path, argv, environ);
	_exit(EXIT_EXEC);
}

static long seconds_now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* it is always there */
	return t.tv_sec;
}

/* All that it says, until it closes its end. */
static int helper_read(const char *name, int fd, char *buf, size_t size, size_t *ret_len, Err *e)
{
	size_t len = 0;
	long end = seconds_now() + WAIT_S;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long left = end - seconds_now();
		int n = left > 0 ? poll(&p, 1, (int)left * 1000) : 0;
		if (n == 0)
			return err_make(e, ERR_STATE, ETIMEDOUT,
					"the credential helper " PREFIX "%s", name);
		if (n < 0 && errno == EINTR)
			continue;
		ssize_t got = n < 0 ? -1 : read(fd, buf + len, size - len);
		if (got < 0)
			return err_sys(e, "read what the credential helper " PREFIX "%s says", name);
		if (got == 0)
			break;
		len += (size_t)got;
		if (len == size)
			return err_make(e, ERR_STATE, EFBIG,
					"the credential helper " PREFIX "%s says", name);
	}
	*ret_len = len;
	return 0;
}

static int helper_end(const char *name, const ProcessEnd *end, char *text, Err *e)
{
	if (!end->by_signal && end->number == 0)
		return 0;
	text[strcspn(text, "\r\n")] = '\0';
	if (str_starts(text, "credentials not found"))
		return -ENOENT;
	if (end->by_signal)
		return err_make(e, ERR_STATE, 0,
				"the credential helper " PREFIX "%s was ended by signal %s", name,
				signal_name(end->number));
	return err_make(e, ERR_STATE, 0, "the credential helper " PREFIX "%s ended with %d: %.200s",
			name, end->number, str_mask_controls(text));
}

/* Tells it and hears it; what it reads is small enough for the socket to hold. */
static int helper_talk(const char *name, int take_in, int out, const char *told, Arena *a,
		       char **ret_text, size_t *ret_len, Err *e)
{
	AUTO(fd_close) int in = take_in;
	char *text = arena_alloc(a, LIMIT_AUTH_BYTES + 1);
	size_t size = strlen(told);
	*ret_text = text;
	ssize_t n = send(in, told, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n != (ssize_t)size && !(n < 0 && (errno == EPIPE || errno == ECONNRESET)))
		return err_make(e, ERR_SYS, n < 0 ? errno : EFBIG,
				"tell the credential helper " PREFIX "%s", name);
	fd_close(TAKE_FD(in)); /* its end of file */
	return helper_read(name, out, text, LIMIT_AUTH_BYTES, ret_len, e);
}

static int helper_run(const char *name, const char *verb, const char *told, Arena *a,
		      char **ret_text, size_t *ret_len, Err *e)
{
	HelperRun h = { .verb = verb };
	int ends[2], pipe_ends[2];
	AUTO(fd_close) int pidfd = FD_NONE;
	ProcessEnd end;
	TRY(helper_find(name, a, &h.path, e));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "make a pair of sockets");
	AUTO(fd_close) int in = ends[0];
	AUTO(fd_close) int their_in = ends[1];
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	AUTO(fd_close) int out = pipe_ends[0];
	AUTO(fd_close) int their_out = pipe_ends[1];
	h.in = their_in;
	h.out = their_out;
	pid_t pid = process_clone(0, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0)
		helper_exec(&h);
	fd_close(TAKE_FD(their_in));
	fd_close(TAKE_FD(their_out));
	int r = helper_talk(name, TAKE_FD(in), out, told, a, ret_text, ret_len, e);
	if (r < 0)
		(void)process_signal(pidfd, SIGKILL); /* ended already is as good */
	TRY(process_wait(pidfd, &end, r < 0 ? NULL : e));
	return r < 0 ? r : helper_end(name, &end, *ret_text, e);
}

int credential_program_get(const char *name, const char *server, Arena *a,
			   const char **ret_username, const char **ret_secret, Err *e)
{
	char *text;
	size_t len;
	const JsonValue *v;
	TRY(helper_run(name, "get", server, a, &text, &len, e));
	int r = json_parse(text, len, a, &v, e);
	if (r >= 0)
		r = json_get_string(json_member(v, "Username"), ret_username, e);
	if (r >= 0)
		r = json_get_string(json_member(v, "Secret"), ret_secret, e);
	return r < 0 ? err_wrap(e, r, "what the credential helper " PREFIX "%s says", name) : 0;
}

int credential_program_store(const char *name, const char *server, const char *username,
			     const char *secret, Arena *a, Err *e)
{
	char *text;
	size_t len;
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_string(&w, "ServerURL", server);
	json_write_string(&w, "Username", username);
	json_write_string(&w, "Secret", secret);
	json_write_end(&w);
	int r = helper_run(name, "store", json_write_done(&w, NULL), a, &text, &len, e);
	return r == -ENOENT ? err_make(e, ERR_STATE, 0,
				       "the credential helper " PREFIX "%s keeps nothing", name)
			    : r;
}

int credential_program_erase(const char *name, const char *server, Arena *a, Err *e)
{
	char *text;
	size_t len;
	return helper_run(name, "erase", server, a, &text, &len, e);
}
