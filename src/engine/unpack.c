#include "engine/unpack.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/signals.h"
#include "base/str.h"
#include "build_id.h"
#include "kern/process.h"
#include "runtime/init_exe.h"

#define PROGRAM   "libexec/mydocker/unpack"
#define EXIT_EXEC 127

typedef struct Exec {
	const char *path;
	char *argv[UNPACK_TALK_ARGS + 1];
	int from[UNPACK_COPY_FD + 1]; /* what becomes 0, 1 ... */
	int count;
	pid_t parent;
} Exec;

/* The child: each descriptor first goes out of the way of the numbers that they get. */
static _Noreturn void program_exec(Exec *x)
{
	static char *const no_environment[] = { NULL };
	const uint64_t none = 0;
	bool ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == x->parent;
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none); /* at worst it stays so */
	for (int i = 0; i < x->count && ready; i++)
		if (x->from[i] >= 0)
			ready = (x->from[i] = fcntl(x->from[i], F_DUPFD, UNPACK_COPY_FD + 1)) >= 0;
	for (int i = 0; i < x->count && ready; i++)
		if (x->from[i] >= 0)
			ready = dup2(x->from[i], i) >= 0;
	if (ready && syscall(SYS_close_range, x->count, ~0U, 0) == 0)
		(void)execve(x->path, x->argv, no_environment);
	_exit(EXIT_EXEC);
}

static char *digest_word(const Digest *d, Arena *a)
{
	return arena_strdup(a, d && d->algorithm != DIGEST_NONE ? d->text : "-");
}

static int exec_prepare(const UnpackRequest *r, int reply, Arena *a, Exec *ret, Err *e)
{
	unsigned flags = (r->as_user ? UNPACK_AS_USER : 0) | (r->copy >= 0 ? UNPACK_COPY : 0);
	const char *path;
	TRY(libexec_path("unpack", a, &path, e));
	if (access(path, X_OK) < 0)
		return err_sys(e, "execute %s, which belongs beside this program", path);
	*ret = (Exec){
		.path = path,
		.argv = { arena_strdup(a, path), arena_strdup(a, BUILD_ID),
			  arena_printf(a, "%u", flags), digest_word(r->digest, a),
			  r->size == UINT64_MAX ? arena_strdup(a, "-")
						: arena_printf(a, "%llu", (unsigned long long)r->size),
			  digest_word(r->diff_id, a) },
		.from = { r->blob, reply, STDERR_FILENO, r->tree, r->copy },
		.count = UNPACK_COPY_FD + (r->copy >= 0),
		.parent = getpid(),
	};
	return 0;
}

int unpack_start(const UnpackRequest *r, Arena *a, Unpack *ret, Err *e)
{
	AUTO(unpack_close) Unpack u = UNPACK_NONE;
	int ends[2];
	Exec x;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	u.reply = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	TRY(exec_prepare(r, theirs, a, &x, e));
	pid_t pid = process_clone(0, FD_NONE, &u.pidfd, e);
	TRY(pid);
	if (pid == 0)
		program_exec(&x);
	*ret = TAKE(u, UNPACK_NONE);
	return 0;
}

/* Why nothing was said. */
static int gone(const ProcessEnd *end, Err *e)
{
	if (end->by_signal)
		return err_make(e, ERR_SYS, 0, PROGRAM " was ended by signal %s",
				signal_name(end->number));
	if (end->number == EXIT_EXEC)
		return err_make(e, ERR_SYS, ENOEXEC,
				PROGRAM
				" cannot be executed (it needs the system's libc, libcrypto, libisal and libzstd)");
	return err_make(e, ERR_SYS, 0, PROGRAM " ended with %d and without a word", end->number);
}

static bool has_end(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

/* A structure of strings that each have an end. */
static bool is_sound(const UnpackReply *r)
{
	return has_end(r->err.msg, sizeof r->err.msg) && has_end(r->blob.text, sizeof r->blob.text) &&
	       has_end(r->diff_id.text, sizeof r->diff_id.text) &&
	       has_end(r->compression, sizeof r->compression);
}

static bool is_digest(const Digest *d)
{
	Digest again;
	return digest_parse(d->text, &again) == 0 && again.algorithm == d->algorithm;
}

int unpack_finish(Unpack *u, UnpackReply *ret, Err *e)
{
	ProcessEnd end;
	UnpackReply r;
	ssize_t n = fd_read_up_to(u->reply, &r, sizeof r);
	if (n < 0)
		return err_sys(e, "read what " PROGRAM " says");
	TRY(process_wait(u->pidfd, &end, e));
	fd_close(TAKE_FD(u->pidfd));
	if (n == 0)
		return gone(&end, e);
	if (n != (ssize_t)sizeof r || !is_sound(&r))
		return err_make(e, ERR_BUG, EPROTO, PROGRAM " says what it should not");
	if (r.err.kind != ERR_OK)
		return err_make(e, r.err.kind < ERR_KIND_COUNT ? r.err.kind : ERR_BUG, r.err.sys,
				"%s", r.err.msg);
	if (!is_digest(&r.blob) || !is_digest(&r.diff_id))
		return err_make(e, ERR_BUG, EPROTO, PROGRAM " says what is no digest");
	*ret = r;
	return 0;
}

void unpack_close(Unpack *u)
{
	ProcessEnd end;
	if (u->pidfd >= 0) {
		(void)process_signal(u->pidfd, SIGKILL); /* ended already is as good */
		(void)process_wait(u->pidfd, &end, NULL);
	}
	fd_close_auto(&u->pidfd);
	fd_close_auto(&u->reply);
	*u = UNPACK_NONE;
}
