#include "engine/why.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/signals.h"
#include "base/syscalls.h"
#include "engine/dirs.h"
#include "fmt/size.h"
#include "kern/kmsg.h"
#include "runtime/state.h"

#define KERNEL_LINES_MOST 16

int engine_why(const char *state_dir, const char *which, Arena *a, Ended *ret, Err *e)
{
	const char *path;
	TRY(dirs_state(state_dir, a, &path, e));
	return ended_find(path, which, a, ret, e);
}

/* ---- the kernel's log ---- */

typedef struct Search {
	const char *id, *by_pid, *audit_pid; /* "[123]:", "pid=123 " */
	Arena *arena;
	StrList *lines;
} Search;

static bool see_line(const char *text, void *arg)
{
	Search *s = arg;
	bool ours = strstr(text, s->id) || strstr(text, s->by_pid) ||
		    (str_starts(text, "audit: type=1326") && strstr(text, s->audit_pid));
	if (ours)
		strlist_add(s->arena, s->lines, arena_strdup(s->arena, text));
	return s->lines->count < KERNEL_LINES_MOST;
}

static void read_kernel(Ended *x, uint64_t since_us, Arena *a)
{
	Search s = {
		.id = x->id,
		.by_pid = arena_printf(a, "[%d]", x->pid),
		.audit_pid = arena_printf(a, " pid=%d ", x->pid),
		.arena = a,
		.lines = &x->kernel,
	};
	(void)kmsg_each(since_us, see_line, &s); /* a log that may not be read tells nothing */
}

/* The value of "key=" in a line of the log, up to the next comma or space; NULL when it has none. */
static const char *value_in(const char *line, const char *key, Arena *a)
{
	const char *at = strstr(line, key);
	if (!at)
		return NULL;
	at += strlen(key);
	return arena_strndup(a, at, strcspn(at, ", "));
}

static const char *line_with(const Ended *x, const char *part)
{
	for (size_t i = 0; i < x->kernel.count; i++)
		if (strstr(x->kernel.items[i], part))
			return x->kernel.items[i];
	return NULL;
}

/* ---- causes ---- */

static void tell(StrList *l, Arena *a, const char *text)
{
	strlist_add(a, l, text);
}

static bool tell_refused(const Ended *x, Arena *a, Why *w)
{
	if (!x->error)
		return false;
	w->cause = arena_printf(a, "%s: %s",
				x->pid ? "mydocker failed while it ran" : "it never began", x->error);
	if (x->exit_code == 127)
		tell(&w->advice, a,
		     "look what is in the root: mydocker run with the same root and a shell as its command");
	return true;
}

static const char *size_words(uint64_t bytes, Arena *a)
{
	char text[16];
	return arena_strdup(a, size_format(text, sizeof text, bytes));
}

static bool tell_memory(const Ended *x, Arena *a, Why *w)
{
	const CgroupMemory *m = &x->memory;
	const char *line = line_with(x, "oom-kill:");
	const char *task = line ? value_in(line, "task=", a) : NULL;
	if (m->oom_kills == 0)
		return false;
	bool host = line && strstr(line, "constraint=CONSTRAINT_NONE");
	w->cause = arena_printf(a, "%s was killed for memory%s", task ? task : "a process",
				host ? ": the host had none left" : "");
	if (m->oom_kills > 1)
		tell(&w->details, a,
		     arena_printf(a, "%llu processes were killed so", (unsigned long long)m->oom_kills));
	if (m->limit != CGROUP_NO_LIMIT)
		tell(&w->details, a, arena_printf(a, "the limit is %s", size_words(m->limit, a)));
	if (m->total_limit != CGROUP_NO_LIMIT)
		tell(&w->details, a,
		     arena_printf(a, "the limit of memory and swap together is %s",
				  size_words(m->total_limit, a)));
	if (m->peak > 0)
		tell(&w->details, a, arena_printf(a, "at its peak it had %s", size_words(m->peak, a)));
	if (host)
		tell(&w->advice, a,
		     "give each container a limit, so that the one that takes too much is the one that is killed");
	else
		tell(&w->advice, a, "if it needs that much, raise -m (and --memory-swap)");
	if (x->signal == 0)
		tell(&w->details, a,
		     arena_printf(a, "its first process lived on, and ended by itself with exit code %d",
				  x->exit_code));
	return true;
}

/* The architectures by their AUDIT_ARCH, as the log prints them. */
static const char *syscall_words(const char *line, Arena *a)
{
	static const struct {
		const char *audit;
		SyscallArch arch;
	} arches[] = {
		{ "c000003e", SYSCALL_X86_64 },
		{ "40000003", SYSCALL_X86 },
		{ "c00000b7", SYSCALL_AARCH64 },
		{ "40000028", SYSCALL_ARM },
	};
	const char *audit = value_in(line, "arch=", a), *number = value_in(line, "syscall=", a);
	uint64_t nr;
	if (!audit || !number || num_parse_u64(number, INT32_MAX, &nr) < 0)
		return "a system call";
	for (size_t i = 0; i < ARRAY_LEN(arches); i++)
		if (strcmp(audit, arches[i].audit) == 0) {
			const char *name = syscall_name((int)nr, arches[i].arch);
			return name ? arena_printf(a, "the system call %s", name)
				    : arena_printf(a, "the system call number %s", number);
		}
	return arena_printf(a, "the system call number %s", number);
}

static bool tell_filter(const Ended *x, Arena *a, Why *w)
{
	const char *line = line_with(x, "audit: type=1326");
	if (x->signal != SIGSYS)
		return false;
	w->cause = arena_printf(a, "the seccomp filter killed it for %s",
				line ? syscall_words(line, a) : "a system call that it forbids");
	if (!line)
		tell(&w->details, a, "which one is in the kernel's log, which could not be read");
	tell(&w->advice, a,
	     "if it may make that call: --security-opt seccomp=FILE with a profile that allows it");
	return true;
}

static bool tell_passed_on(const Ended *x, Arena *a, Why *w)
{
	const char *name = signal_name(x->signal);
	if (x->signal == 0 || x->passed.number != x->signal)
		return false;
	if (x->passed.pid == 0)
		w->cause = arena_printf(a, "%s ended it: a key of the terminal, passed on by mydocker",
					name);
	else
		w->cause = arena_printf(a, "%s ended it: process %d of user %u sent it to mydocker, which passed it on",
					name, x->passed.pid, x->passed.uid);
	return true;
}

static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP;
}

static bool tell_ours(const Ended *x, Why *w)
{
	w->cause = x->ours;
	return x->ours;
}

static bool tell_signal(const Ended *x, Arena *a, Why *w)
{
	const char *name = signal_name(x->signal);
	if (x->signal == 0)
		return false;
	if (is_fault(x->signal))
		w->cause = arena_printf(a, "%s ended it: a fault of the program itself", name);
	else if (x->signal == SIGABRT)
		w->cause = "SIGABRT ended it: the program gave up by itself, as after a failed assertion";
	else if (x->signal == SIGKILL && x->own_pids)
		w->cause = "SIGKILL from the host's side ended it: nobody inside a container can kill its first process so";
	else
		w->cause = arena_printf(a, "%s ended it; mydocker did not send it, and the kernel keeps no record of who did",
					name);
	if (x->signal == SIGKILL)
		tell(&w->details, a, "its memory limit was not the reason");
	return true;
}

static void tell_exit(const Ended *x, Arena *a, Why *w)
{
	int sig = x->exit_code - 128;
	w->cause = arena_printf(a, "it ended by itself with exit code %d: the reason is its own, and in what it printed",
				x->exit_code);
	if (sig > 0 && sig < 65 && signal_name(sig))
		tell(&w->details, a,
		     arena_printf(a, "a shell ends with %d when what it ran was ended by %s",
				  x->exit_code, signal_name(sig)));
	if (x->exit_code == 126 || x->exit_code == 127)
		tell(&w->details, a,
		     arena_printf(a, "a shell ends with %d when a program %s", x->exit_code,
				  x->exit_code == 126 ? "cannot be executed" : "is not found"));
}

void why_tell(const Ended *x, Arena *a, Why *ret)
{
	*ret = (Why){ 0 };
	if (!tell_refused(x, a, ret) && !tell_memory(x, a, ret) && !tell_filter(x, a, ret) &&
	    !tell_ours(x, ret) && !tell_passed_on(x, a, ret) && !tell_signal(x, a, ret))
		tell_exit(x, a, ret);
	for (size_t i = 0; i < x->kernel.count; i++)
		tell(&ret->details, a, arena_printf(a, "the kernel: %s", x->kernel.items[i]));
}

void why_remember(const char *state_dir, Ended *x, uint64_t since_us, Arena *a)
{
	AUTO(state_close) State state = STATE_NONE;
	Err e = { 0 };
	Why w;
	if (x->signal || x->memory.oom_kills > 0)
		read_kernel(x, since_us, a);
	if (state_open(state_dir, a, &state, &e) < 0 || ended_write(state_dir, x, a, &e) < 0) {
		log_debug("why it failed is not kept: %s", e.msg);
		return;
	}
	bool unasked = x->signal && x->signal != x->passed.number && x->memory.oom_kills == 0;
	if (!unasked || !isatty(STDERR_FILENO))
		return;
	why_tell(x, a, &w);
	log_note("container %.12s: %s (more: mydocker why %.12s)", x->id, w.cause, x->id);
}
