/* From all capabilities to the command's.
 *
 * Order: the bounding set needs CAP_SETPCAP, ids need CAP_SETUID and CAP_SETGID, and a filter without no_new_privs needs
 * CAP_SYS_ADMIN; changing from user 0 to another would take all capabilities, hence PR_SET_KEEPCAPS. CAP_SYS_ADMIN alone is kept
 * until the filter is loaded, right before execve(2), so that the filter need not allow the calls before it. The working directory is
 * entered before all of that, as runc does: who may not go there may be put there. Where root may not (a network's file system, a user
 * namespace), the command's own user may. */
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "init/init.h"
#include "kern/sys.h"

typedef struct Caps {
	uint64_t effective, permitted, inheritable;
} Caps;

static int caps_read(Caps *ret, Err *e)
{
	struct __user_cap_data_struct d[2];
	if (sys_capget(d) < 0)
		return err_sys(e, "read own capabilities");
	*ret = (Caps){
		.effective = d[0].effective | (uint64_t)d[1].effective << 32,
		.permitted = d[0].permitted | (uint64_t)d[1].permitted << 32,
		.inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32,
	};
	return 0;
}

static int caps_write(const Caps *c, Err *e)
{
	struct __user_cap_data_struct d[2];
	Caps have;
	for (int i = 0; i < 2; i++)
		d[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(c->effective >> 32 * i),
			.permitted = (uint32_t)(c->permitted >> 32 * i),
			.inheritable = (uint32_t)(c->inheritable >> 32 * i),
		};
	if (sys_capset(d) == 0)
		return 0;
	if (errno == EPERM && caps_read(&have, NULL) == 0 && (c->permitted & ~have.permitted))
		return err_make(e, ERR_SYS, EPERM,
				"set capabilities %#llx: this process does not hold %#llx of them",
				(unsigned long long)c->permitted,
				(unsigned long long)(c->permitted & ~have.permitted));
	return err_make(e, ERR_SYS, EPERM,
			"set capabilities: effective %#llx, permitted %#llx, inheritable %#llx",
			(unsigned long long)c->effective, (unsigned long long)c->permitted,
			(unsigned long long)c->inheritable);
}

/* What the command shall have. A plan that says nothing leaves user 0 what init has, and any other user nothing. */
static int caps_wanted(const Init *in, Caps *ret, Err *e)
{
	const WirePlan *p = in->plan;
	if (init_has(in, WIRE_SET_CAPS)) {
		*ret = (Caps){ p->caps_effective, p->caps_permitted, p->caps_inheritable };
		return 0;
	}
	if (p->uid == 0)
		TRY(caps_read(ret, e));
	else
		*ret = (Caps){ 0 };
	ret->inheritable = 0;
	return 0;
}

static int bounding_drop(const Init *in, Err *e)
{
	if (!init_has(in, WIRE_SET_CAPS))
		return 0;
	for (unsigned cap = 0; cap < 64; cap++) {
		if (in->plan->caps_bounding >> cap & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return 0; /* the kernel knows no more of them */
		return err_sys(e, "drop capability %u from the bounding set", cap);
	}
	return 0;
}

static int ambient_raise(const Init *in, Err *e)
{
	if (!init_has(in, WIRE_SET_CAPS))
		return 0;
	for (unsigned cap = 0; cap < 64; cap++)
		if (in->plan->caps_ambient >> cap & 1 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_sys(e, "raise capability %u to the ambient set", cap);
	return 0;
}

static int ids_set(const Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	if (!init_has(in, WIRE_NO_SETGROUPS) && !init_has(in, WIRE_KEEP_GROUPS)) {
		if (sys_setgroups(p->groups.count, WIRE_ITEMS(p, groups, uint32_t)) < 0)
			return err_sys(e, "set %u supplementary groups", p->groups.count);
	} else if (p->groups.count > 0) {
		return err_make(e, ERR_SPEC, EPERM,
				"supplementary groups cannot be set in a user namespace that was made without privilege");
	}
	if (sys_setresgid(p->gid, p->gid, p->gid) < 0)
		return err_sys(e, "become group %u", p->gid);
	if (p->uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) /* until execve */
		return err_sys(e, "keep capabilities across the change of user");
	if (sys_setresuid(p->uid, p->uid, p->uid) < 0)
		return err_sys(e, "become user %u", p->uid);
	return 0;
}

/* Wherever chdir(2) led (workdir_make() has refused the magic links of /proc), it must be below the root. The kernel's own answer,
 * not libc's, which hides "(unreachable)": outside of it. */
static int workdir_check(const char *cwd, Err *e)
{
	char now[PATH_MAX];
	if (syscall(SYS_getcwd, now, sizeof now) < 0)
		return err_sys(e, "working directory '%s'", cwd);
	if (now[0] != '/')
		return err_make(e, ERR_SPEC, 0,
				"working directory '%s' lies outside of the container", cwd);
	return 0;
}

static int workdir_enter(const Init *in, bool *ret_denied, Err *e)
{
	const char *cwd = wire_text(in->plan, in->plan->cwd);
	if (chdir(cwd) == 0)
		return workdir_check(cwd, e);
	if (ret_denied && errno == EACCES) {
		*ret_denied = true;
		return 0;
	}
	return err_sys(e, "enter the working directory '%s' as user %u", cwd, in->plan->uid);
}

static int filter_load(Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	unsigned flags = p->seccomp_flags |
			 (init_has(in, WIRE_NOTIFY) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
	struct sock_fprog program = {
		.len = (unsigned short)p->filter.count,
		.filter = (struct sock_filter *)(uintptr_t)WIRE_ITEMS(p, filter, WireFilter),
	};
	int r = sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
	if (r < 0)
		return err_sys(e, "load the seccomp filter of %u instructions", p->filter.count);
	if (init_has(in, WIRE_NOTIFY))
		in->listener = r;
	in->is_filtered = true;
	return 0;
}

int privileges_drop(Init *in, Err *e)
{
	bool needs_admin = in->plan->filter.count > 0 && !init_has(in, WIRE_NO_NEW_PRIVS);
	uint64_t admin = needs_admin ? 1ull << CAP_SYS_ADMIN : 0;
	bool denied = false;
	Caps want;

	if (init_has(in, WIRE_NO_NEW_PRIVS) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	TRY(workdir_enter(in, &denied, e));
	TRY(caps_wanted(in, &want, e));
	TRY(bounding_drop(in, e));
	TRY(ids_set(in, e));
	Caps first = { want.effective | admin, want.permitted | admin, want.inheritable };
	TRY(caps_write(&first, e));
	TRY(ambient_raise(in, e));
	in->is_admin = first.permitted != want.permitted || first.effective != want.effective;
	if (denied)
		TRY(workdir_enter(in, NULL, e));
	return in->plan->start_fd >= 0 ? command_find(in, e) : 0;
}

/* A change of credentials takes the parent-death signal away, prctl(2), so it comes after the last one. A parent that died before it
 * is found by the next sync_send(). */
int parent_bind(Init *in, Err *e)
{
	if (!init_has(in, WIRE_OUTLIVES) && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "ask for a signal on the parent's death");
	if (sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(e, "mark all descriptors from 3 on close-on-exec");
	for (uint32_t i = 0; i < in->plan->keep_fds.count; i++)
		TRY(fd_keep_for_exec(WIRE_ITEMS(in->plan, keep_fds, int32_t)[i], e));
	return 0;
}

/* With CAP_KILL, where the command may have that, the reaper's signals reach it whatever user it becomes. Who changes ids may have become
 * dumpable, prctl(2), and has lost its parent-death signal. */
int privileges_reduce(Init *in, Err *e)
{
	uint64_t keep = in->plan->caps_bounding & 1ull << CAP_KILL;
	const Caps want = { .effective = keep, .permitted = keep };
	TRY(ids_set(in, e));
	TRY(caps_write(&want, e));
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "shut the reaper off");
	return 0;
}

int filter_ask(Init *in, Err *e)
{
	return in->plan->filter.count > 0 && init_has(in, WIRE_NOTIFY) ? filter_load(in, e) : 0;
}

int filter_seal(Init *in, Err *e)
{
	return in->plan->filter.count > 0 && !in->is_filtered ? filter_load(in, e) : 0;
}

/* Who is to wait for long does so with no more than the command may: without no_new_privs the filter comes before it, and CAP_SYS_ADMIN,
 * which that took, goes. Who waits for nobody leaves the latter to execve(2), which no uncalled-for capability outlives: one call less, and one
 * less for the filter to allow. */
static int admin_give_up(Init *in, Err *e)
{
	Caps want;
	if (!in->is_admin)
		return 0;
	TRY(filter_seal(in, e));
	TRY(caps_wanted(in, &want, e));
	return caps_write(&want, e);
}

/* The end of the conversation tells the parent that all is made, as that of an execve(2) would; it may be gone before anybody comes. From
 * here read(2) and, for what fails, write(2) have to do: the filter may be loaded, and there is no program without these. */
int start_await(Init *in, Err *e)
{
	char byte;
	ssize_t n;
	if (in->plan->start_fd < 0)
		return 0;
	TRY(admin_give_up(in, e));
	fd_close(in->sync.fd);
	in->sync.fd = FD_NONE;
	do
		n = read(in->plan->start_fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		return err_sys(e, "wait for the start");
	in->sync.fd = in->plan->start_fd; /* its end, too, is the command's begin */
	in->sync.is_pipe = true;
	return 0;
}
