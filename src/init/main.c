#include <signal.h>
#include <sys/prctl.h>

#include "base/num.h"
#include "base/str.h"
#include "init/init.h"
#include "kern/mount.h"
#include "kern/sys.h"

/* Runs beside runtime/parent.c: read them together. */
static int init_story(Init *in, Err *e)
{
	TRY(groups_join(in, e));
	TRY(rootfs_open(in, e)); /* while the parent writes record and id maps */
	TRY(sync_expect(&in->sync, SYNC_MAPPED, NULL, e));
	TRY(identity_take(in, e)); /* from here: 0:0 inside, not dumpable */

	TRY(rootfs_attach(in, e));
	TRY(mounts_make(in, e));
	TRY(devices_make(in, e));
	TRY(terminal_make(in, e));
	TRY(kernel_set(in, e));
	TRY(workdir_make(in, e));
	TRY(masks_apply(in, e));
	TRY(labels_set(in, e));   /* by the host's procfs */
	TRY(rootfs_pivot(in, e)); /* from here: no path of the host resolves */
	TRY(sync_send(&in->sync, SYNC_ROOTFS_READY, in->master, e));

	TRY(reaper_leave(in, e)); /* with --init: from here the command's process, whose parent is the reaper */
	TRY(session_enter(in, e));
	TRY(limits_set(in, e));
	TRY(privileges_drop(in, e)); /* from here: the command's ids, capabilities and folder */
	TRY(parent_bind(in, e));     /* from here: the parent's death is ours */
	TRY(sync_send(&in->sync, SYNC_EXECING, FD_NONE, e)); /* fails when the parent died before */
	TRY(privileges_seal(in, e));
	return command_exec(in, e);
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

static int plan_open(Init *in, int argc, char **argv, Err *e)
{
	uint32_t fd;
	if (argc != 2 || num_parse_u32(argv[1], INT32_MAX, &fd) < 0)
		return err_make(e, ERR_USAGE, 0,
				"mydocker: init is started by mydocker alone, with the descriptor of its plan");
	TRY(wire_open((int)fd, &in->plan, e));
	if (in->plan->mounts.count > LIMIT_MOUNTS)
		return err_make(e, ERR_BUG, 0, "the plan has more than %u mounts", LIMIT_MOUNTS);
	for (uint32_t i = 0; i < in->plan->mounts.count; i++)
		in->sources[i] = FD_NONE;
	in->sync = (Sync){ .fd = in->plan->sync_fd, .side = SYNC_SIDE_INIT };
	return 0;
}

/* Somebody else started us, such as a script with "#!/proc/self/exe" in a container: it cannot be invoked that way. */
static int complain(const Err *e)
{
	char text[600];
	/* without strerror(3), whose table is as large as a tenth of this program's code; the message fits */
	(void)str_format(text, sizeof text, e->sys ? "%s (errno %u)\n" : "%s\n", e->msg,
			 (unsigned)e->sys);
	return write(STDERR_FILENO, text, strlen(text)) < 0 ? 1 : 126;
}

int main(int argc, char **argv)
{
	Err e = { 0 };
	Init in = { 0 }; /* clang makes 4 KiB of constants of more */
	in.sync = SYNC_NONE;
	in.root_dir = in.root = in.scratch_dir = in.scratch = FD_NONE;
	in.proc = in.devpts = in.mask_dir = in.mask_file = in.master = in.slave = FD_NONE;
	if (plan_open(&in, argc, argv, &e) < 0)
		_exit(complain(&e)); /* there is nobody to tell but the terminal */
	if ((init_has(&in, WIRE_ROOT_ONLY) ? root_story(&in, &e) : init_story(&in, &e)) == 0)
		_exit(0);
	sync_fail(&in.sync, &e);
	_exit(1);
}
