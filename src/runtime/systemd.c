#include "runtime/systemd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "base/signals.h"
#include "base/str.h"
#include "build_id.h"
#include "fmt/unit_talk.h"
#include "kern/process.h"
#include "runtime/init_exe.h"

#define HELPER    "systemd"
#define BOOTED    "/run/systemd/system" /* sd_booted(3) */
#define EXIT_EXEC 127                   /* the child could not execute the helper */

/* Where buses are. */
static const char *const variables[] = { "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS",
					 "XDG_RUNTIME_DIR" };

typedef struct HelperExec {
	const char *path;
	char *argv[UNIT_TALK_ARGS + 1];
	char *envp[ARRAY_LEN(variables) + 1];
	int talk_fd;
	pid_t parent;
} HelperExec;

/* The child. It must neither outlive its parent nor keep what that has open. */
static _Noreturn void helper_exec(const HelperExec *x)
{
	const uint64_t none = 0;
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none); /* at worst it stays so */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == x->parent &&
	    dup2(x->talk_fd, STDIN_FILENO) >= 0 && dup2(x->talk_fd, STDOUT_FILENO) >= 0 &&
	    syscall(SYS_close_range, 3, ~0U, 0) == 0)
		(void)execve(x->path, x->argv, x->envp);
	_exit(EXIT_EXEC);
}

static void helper_prepare(const char *path, bool is_user, Arena *a, HelperExec *ret)
{
	HelperExec x = {
		.path = path,
		.argv = { arena_strdup(a, path), arena_strdup(a, BUILD_ID),
			  arena_strdup(a, is_user ? "user" : "system") },
		.parent = getpid(),
	};
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = getenv(variables[i]);
		if (value)
			x.envp[n++] = arena_printf(a, "%s=%s", variables[i], value);
	}
	*ret = x;
}

/* Why no reply came. */
static int helper_gone(const Systemd *s, Err *e)
{
	ProcessEnd end;
	TRY(process_wait(s->pidfd, &end, e));
	if (end.by_signal)
		return err_make(e, ERR_SYS, 0, "libexec/mydocker/" HELPER " was ended by signal %s",
				signal_name(end.number));
	if (end.number == EXIT_EXEC)
		return err_make(e, ERR_SYS, ENOEXEC,
				"libexec/mydocker/" HELPER
				" cannot be executed (it needs the system's libc and libsystemd)");
	return err_make(e, ERR_SYS, 0,
			"libexec/mydocker/" HELPER " ended with %d and without a word", end.number);
}

static int reply_read(const Systemd *s, UnitReply *ret, Err *e)
{
	ssize_t n;
	do {
		n = recv(s->talk_fd, ret, sizeof *ret, 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return helper_gone(s, e);
	if (n < 0)
		return err_sys(e, "read what libexec/mydocker/" HELPER " says");
	if (n != (ssize_t)sizeof *ret || ret->err.msg[sizeof ret->err.msg - 1] ||
	    ret->group[sizeof ret->group - 1])
		return err_make(e, ERR_BUG, EPROTO,
				"libexec/mydocker/" HELPER " says what it should not");
	if (ret->err.kind == ERR_OK)
		return 0;
	return err_make(e, ret->err.kind, ret->err.sys, "%s", ret->err.msg);
}

static int check_booted(Err *e)
{
	struct stat st;
	if (lstat(BOOTED, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_make(e, ERR_STATE, 0,
			"systemd not running on this host, cannot use systemd cgroups manager");
}

int systemd_open(bool is_user, Arena *a, Systemd *ret, Err *e)
{
	AUTO(systemd_close) Systemd s = SYSTEMD_NONE;
	UnitReply hello;
	const char *path;
	HelperExec x;
	int ends[2];
	TRY(check_booted(e));
	TRY(libexec_path(HELPER, a, &path, e));
	if (access(path, X_OK) < 0)
		return err_sys(e, "execute %s, which belongs beside this program", path);
	helper_prepare(path, is_user, a, &x);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "make a pair of sockets");
	s.talk_fd = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	x.talk_fd = theirs;
	pid_t pid = process_clone(0, FD_NONE, &s.pidfd, e);
	TRY(pid);
	if (pid == 0)
		helper_exec(&x);
	fd_close(TAKE_FD(theirs)); /* so that its end is seen here */
	TRY(reply_read(&s, &hello, e));
	s.is_user = is_user;
	s.version = hello.version;
	s.group = path_clean(a, hello.group);
	*ret = TAKE(s, SYSTEMD_NONE);
	return 0;
}

/* It holds nothing but a connection: it need not be asked. */
void systemd_close(Systemd *s)
{
	ProcessEnd end;
	fd_close_auto(&s->talk_fd);
	if (s->pidfd >= 0) {
		(void)process_signal(s->pidfd, SIGKILL); /* ended already is as good */
		(void)process_wait(s->pidfd, &end, NULL);
	}
	fd_close_auto(&s->pidfd);
}

/* ---- facts ---- */

int systemd_facts(const Systemd *s, Arena *a, HostFacts *f, Err *e)
{
	char text[4096];
	if (s->is_user && f->cgroup_mode != CGROUP_V2)
		return err_make(e, ERR_SPEC, 0,
				"cannot use rootless systemd cgroups manager on cgroup v1");
	f->manager_group = strcmp(s->group, "/") == 0 ? "" : s->group;
	f->manager_is_user = s->is_user;
	f->manager_version = s->version;
	if (fd_read_text_at(AT_FDCWD, "/proc/devices", text, sizeof text) >= 0)
		f->device_drivers = arena_strdup(a, text);
	for (size_t i = 0; i < f->cgroups_count && s->is_user; i++) {
		HostCgroup *h = &f->cgroups[i];
		const char *file = arena_printf(a, "%s%s/cgroup.controllers", h->mountpoint,
						f->manager_group);
		if (fd_read_text_at(AT_FDCWD, file, text, sizeof text) < 0)
			return err_sys(e, "read %s, of the group of the user's systemd", file);
		h->controllers = arena_strdup(a, text);
		h->writable = true;
	}
	return 0;
}

/* ---- requests ---- */

static int request(const Systemd *s, const char *verb, const char *unit,
		   const PlanUnitProperties *p, Arena *a, Err *e)
{
	static const PlanUnitProperties none = { 0 };
	UnitReply reply;
	size_t len = 0;
	char *text = arena_alloc(a, UNIT_TALK_BYTES);
	if (!p)
		p = &none;
	size_t words = 2 + 2 * p->count;
	for (size_t i = 0; i < words; i++) {
		const char *word = i == 0   ? verb
				   : i == 1 ? unit
				   : i % 2  ? p->items[i / 2 - 1].value
					    : p->items[i / 2 - 1].name;
		size_t size = strlen(word) + 1;
		if (size > UNIT_TALK_BYTES - len)
			return err_make(e, ERR_SPEC, 0,
					"the properties of the unit %s have more than %u bytes",
					unit, UNIT_TALK_BYTES);
		memcpy(text + len, word, size);
		len += size;
	}
	ssize_t n = send(s->talk_fd, text, len, MSG_NOSIGNAL);
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return err_sys(e, "ask libexec/mydocker/" HELPER);
	return reply_read(s, &reply, e);
}

int systemd_start(const Systemd *s, const PlanUnit *u, Arena *a, Err *e)
{
	return request(s, UNIT_VERB_START, u->name, &u->properties, a, e);
}

int systemd_set(const Systemd *s, const char *unit, const PlanUnitProperties *p, Arena *a, Err *e)
{
	return request(s, UNIT_VERB_SET, unit, p, a, e);
}

int systemd_stop(const Systemd *s, const char *unit, Arena *a, Err *e)
{
	return request(s, UNIT_VERB_STOP, unit, NULL, a, e);
}

int systemd_stop_unit(bool is_user, const char *unit, Arena *a, Err *e)
{
	AUTO(systemd_close) Systemd s = SYSTEMD_NONE;
	TRY(systemd_open(is_user, a, &s, e));
	return systemd_stop(&s, unit, a, e);
}
