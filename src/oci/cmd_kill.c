#include <signal.h>
#include <string.h>

#include "base/signals.h"
#include "kern/cgroup.h"
#include "kern/cgroup_members.h"
#include "kern/process.h"
#include "oci/container.h"

typedef struct KillOpts {
	bool all;
} KillOpts;

static const Opt opts_table[] = {
	OPT_FLAG('a', "all", KillOpts, all, "Send it to all processes of the container"),
	OPT_END,
};

static int signal_read(const char *text, int *ret, Err *e)
{
	int n = strcmp(text, "0") == 0 ? 0 : signal_from_name(text); /* 0: nothing is sent, but that could be */
	if (n < 0 || (n == 0 && strcmp(text, "0") != 0))
		return err_make(e, ERR_USAGE, 0, "unknown signal \"%s\"", text);
	*ret = n;
	return 0;
}

/* Without a pid namespace of its own the others outlive the first. */
static bool ends_with_first(const OciContainer *c, Arena *a)
{
	Spec s;
	return oci_container_spec(c, a, &s, NULL) == 0 && (s.linux_.namespaces & SPEC_NS_PID) &&
	       !s.linux_.namespace_paths[__builtin_ctz(SPEC_NS_PID)];
}

static int kill_first(const OciContainer *c, int number, Err *e)
{
	int r = c->pid ? process_signal(c->pidfd, number) : -ESRCH;
	if (r == -ESRCH)
		return err_make(e, ERR_STATE, 0, "container not running");
	if (r < 0)
		return err_make(e, ERR_SYS, -r, "send signal %d to container %s", number, c->id);
	const char *freezer = number == SIGKILL && c->status == OCI_PAUSED ? oci_container_freezer(c)
									   : NULL;
	return freezer && cgroup_is_v1(freezer) ? cgroup_freeze(freezer, false, e)
						: 0; /* the frozen do not die */
}

/* Whoever is in the group, also when the first process has ended. Without groups nobody knows of more than that. */
static int kill_all(const OciContainer *c, int number, bool asked, Arena *a, Err *e)
{
	CgroupMembers m = { 0 };
	const char *group = oci_container_group(c);
	if (!group && !c->pid && asked)
		return 0;
	if (!group)
		return kill_first(c, number, e);
	TRY(cgroup_members(group, a, &m, e));
	if (m.count == 0 && asked)
		return 0; /* all of them have got it: runc's rule */
	if (m.count == 0)
		return err_make(e, ERR_STATE, 0, "container not running");
	return number == SIGKILL ? cgroup_kill(group, e) : cgroup_signal(group, number, a, e);
}

static int kill_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const KillOpts *o = opts;
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	int number = SIGTERM;
	if (args->count > 1)
		TRY(signal_read(args->items[1], &number, e));
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	if (o->all || (number == SIGKILL && c.pid && !ends_with_first(&c, a)))
		return kill_all(&c, number, o->all, a, e);
	return kill_first(&c, number, e);
}

const OciCmd oci_kill = {
	.name = "kill",
	.args = "ID [SIGNAL]",
	.summary = "Send a signal to the container's first process (default: SIGTERM)",
	.opts = { opts_table },
	.opts_size = sizeof(KillOpts),
	.min_args = 1,
	.max_args = 2,
	.run = kill_main,
};
