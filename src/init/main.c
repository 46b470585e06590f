#include <signal.h>
#include <sys/prctl.h>

#include "base/num.h"
#include "base/str.h"
#include "init/init.h"
#include "kern/mount.h"
#include "kern/populate.h"
#include "kern/sys.h"

#define STACK_USED ((size_t)24 << 10) /* most by paths */

/* What is done, and that it is done. */
#define DONE(stage, call) TRY(timeline_mark(in->timeline, STAGE_##stage, (call)))

/* From the container's files to the command: the end of every story but that of a root. */
static int command_story(Init *in, Err *e)
{
	DONE(SESSION, session_enter(in, e));
	TRY(limits_set(in, e));
	DONE(LIMITS, scheduling_set(in, e));
	DONE(PRIVILEGES, privileges_drop(in, e)); /* from here: the command's ids, capabilities and folder */
	TRY(parent_bind(in, e));                  /* from here: the parent's death is ours */
	TRY(filter_ask(in, e));
	TRY(sync_send(&in->sync, SYNC_EXECING, in->listener, e)); /* fails when the parent died before */
	TRY(start_await(in, e));
	DONE(BIND, filter_seal(in, e));
	TRY(hooks_run(in, WIRE_HOOK_START_CONTAINER, e));
	return command_exec(in, e);
}

/* Hooks see the container's mounts and, before the pivot, the host's tree: those of the parent's namespaces first, then ours. */
static int hooks_await(Init *in, Err *e)
{
	if (init_has(in, WIRE_HOOKS)) {
		TRY(sync_send(&in->sync, SYNC_MOUNTED, FD_NONE, e));
		TRY(sync_expect(&in->sync, SYNC_HOOKED, NULL, e));
	}
	if (in->plan->hooks.count > 0 && fchdir(in->root) < 0) /* they find it there, as runc's do */
		return err_sys(e, "enter the container's root for hooks");
	return hooks_run(in, WIRE_HOOK_CREATE_CONTAINER, e);
}

/* Runs beside runtime/parent.c: read them together. */
static int init_story(Init *in, Err *e)
{
	TRY(groups_join(in, e));
	TRY(cpus_set(in, e));
	DONE(JOIN, namespaces_join(in, e));
	DONE(OPEN, rootfs_open(in, e)); /* while the parent writes record and id maps */
	DONE(HEAR, sync_expect(&in->sync, SYNC_MAPPED, NULL, e));
	DONE(IDENTITY, identity_take(in, e)); /* from here: an id inside, not dumpable */

	DONE(ROOT, rootfs_attach(in, e));
	DONE(MOUNTS, mounts_make(in, e));
	DONE(DEVICES, devices_make(in, e));
	DONE(TERMINAL, terminal_make(in, e));
	DONE(KERNEL, kernel_set(in, e));
	DONE(WORKDIR, workdir_make(in, e));
	DONE(MASKS, masks_apply(in, e));
	TRY(hooks_await(in, e));
	DONE(LABELS, labels_set(in, e)); /* by the host's procfs; after hooks, whose execve(2) would take the label */
	DONE(PIVOT, rootfs_pivot(in, e)); /* from here: no path of the host resolves */
	TRY(sync_send(&in->sync, SYNC_ROOTFS_READY, in->master, e));

	TRY(reaper_leave(in, e)); /* with --init: from here the command's process, whose parent is the reaper */
	return command_story(in, e);
}

/* A command in a container that is there: it finds there what the other story makes. */
static int exec_story(Init *in, Err *e)
{
	TRY(groups_join(in, e));
	TRY(cpus_set(in, e));
	TRY(labels_set(in, e)); /* by the host's procfs */
	TRY(namespaces_join(in, e));
	if (in->plan->root_fd >= 0) /* of a container in a mount namespace of others */
		TRY(rootfs_enter(in->plan->root_fd, e));
	TRY(sync_expect(&in->sync, SYNC_MAPPED, NULL, e));
	TRY(identity_take(in, e));
	TRY(terminal_join(in, e));
	TRY(sync_send(&in->sync, SYNC_ROOTFS_READY, in->master, e));
	return command_story(in, e);
}

/* Mounts for a container that is there: made outside, with its namespaces but for the tree, and then put into that. */
static int mounts_story(Init *in, Err *e)
{
	TRY(namespaces_join_outside(in, e)); /* from here: not dumpable, in a copy of the host's tree */
	TRY(rootfs_open(in, e));
	TRY(identity_take(in, e)); /* from here: an id inside */
	TRY(mounts_prepare(in, e));
	TRY(container_enter(in, e)); /* from here: no path of the host resolves */
	TRY(sync_expect(&in->sync, SYNC_MAPPED, NULL, e));
	TRY(mounts_make(in, e));
	TRY(masks_apply(in, e)); /* what becomes read-only last: there are no masks */
	TRY(mounts_detach(in, e));
	TRY(sync_send(&in->sync, SYNC_ROOTFS_READY, FD_NONE, e));
	return sync_send(&in->sync, SYNC_EXECING, FD_NONE, e);
}

/* A tree for another init, which in its user namespace may not make overlays over the host's mounts: made here with the host's
 * privileges, in a mount namespace that nobody else sees. */
static int root_story(Init *in, Err *e)
{
	AUTO(fd_close) int tree = FD_NONE;
	TRY(rootfs_open(in, e));
	TRY(sync_expect(&in->sync, SYNC_MAPPED, NULL, e));
	TRY(identity_take(in, e));
	TRY(rootfs_attach(in, e));
	TRY(mounts_make(in, e));
	TRY(mount_clone(in->root, "", true, &tree, e));
	return sync_send(&in->sync, SYNC_ROOTFS_READY, tree, e);
}

/* "init PLAN SYNC": the two descriptors. */
static int args_read(int argc, char **argv, uint32_t *ret_plan, uint32_t *ret_sync, Err *e)
{
	if (argc == 3 && num_parse_u32(argv[1], INT32_MAX, ret_plan) == 0 &&
	    num_parse_u32(argv[2], INT32_MAX, ret_sync) == 0)
		return 0;
	return err_make(e, ERR_USAGE, 0,
			"init is started by mydocker alone, with the descriptors of its plan and its parent");
}

static int plan_open(Init *in, uint32_t fd, Err *e)
{
	TRY(wire_open((int)fd, &in->plan, e));
	if (in->plan->mounts.count > LIMIT_MOUNTS)
		return err_make(e, ERR_BUG, 0, "the plan has more than %u mounts", LIMIT_MOUNTS);
	for (uint32_t i = 0; i < in->plan->mounts.count; i++)
		in->sources[i] = FD_NONE;
	return 0;
}

static int story(Init *in, uint32_t plan_fd, Err *e)
{
	TRY(plan_open(in, plan_fd, e));
	if (in->plan->timeline_fd >= 0)
		TRY(timeline_open(in->plan->timeline_fd, &in->timeline, e));
	(void)timeline_mark(in->timeline, STAGE_START, 0);
	in->sync.absent = sync_absent(in->plan->flags);
	if (init_has(in, WIRE_ROOT_ONLY))
		return root_story(in, e);
	if (init_has(in, WIRE_MOUNTS_ONLY))
		return mounts_story(in, e);
	return init_has(in, WIRE_EXEC) ? exec_story(in, e) : init_story(in, e);
}

/* Without strerror(3), whose table is as large as a tenth of this program's code. */
static int complain(const Err *e)
{
	char text[600]; /* the message fits */
	(void)str_format(text, sizeof text, e->sys ? "mydocker: %s (errno %u)\n" : "mydocker: %s\n",
			 e->msg, (unsigned)e->sys);
	return write(STDERR_FILENO, text, strlen(text)) < 0 ? 1 : 126;
}

int main(int argc, char **argv)
{
	populate_program(STACK_USED);
	Err e = { 0 };
	Init in = { 0 }; /* clang makes 4 KiB of constants of more */
	in.root_dir = in.root = in.scratch_dir = in.scratch = in.host_proc = FD_NONE;
	in.proc = in.devpts = in.mask_dir = in.mask_file = in.master = in.slave = in.listener = FD_NONE;
	uint32_t plan, sync;
	if (args_read(argc, argv, &plan, &sync, &e) < 0)
		_exit(complain(&e)); /* a stranger did, such as a script with "#!/proc/self/exe" in a container */
	in.sync = (Sync){ .fd = (int)sync, .side = SYNC_SIDE_INIT };
	if (story(&in, plan, &e) == 0)
		_exit(0);
	int told = sync_fail(&in.sync, &e);
	if ((told < 0 || in.sync.fd < 0) && in.sync.next == SYNC_STEP_COUNT)
		(void)complain(&e); /* to the parent it looks as if the command had ended with what follows */
	_exit(125);
}
