/* The container's terminal: a pair of its own devpts, which we mounted and hold, never of a path in the image. */
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include <linux/magic.h>

#include "init/init.h"
#include "kern/mount.h"
#include "kern/path.h"
#include "kern/sys.h"

static int pair_open(Init *in, Err *e)
{
	int unlocked = 0;
	in->master = sys_openat2(in->devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
				 RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (in->master < 0)
		return err_sys(e, "open ptmx of the container's devpts");
	if (ioctl(in->master, TIOCSPTLCK, &unlocked) < 0)
		return err_sys(e, "unlock it");
	in->slave = ioctl(in->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (in->slave < 0)
		return err_sys(e, "open its slave");
	return 0;
}

/* devpts itself sets group and mode (options gid=5,mode=620); the owner becomes the command's user. */
static int slave_set(const Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	struct winsize size = { .ws_row = p->console_rows, .ws_col = p->console_cols };
	if (size.ws_row && size.ws_col && ioctl(in->slave, TIOCSWINSZ, &size) < 0)
		return err_sys(e, "set its size");
	if (p->uid != 0 && fchown(in->slave, p->uid, (gid_t)-1) < 0)
		return err_sys(e, "give it to user %u", p->uid);
	return 0;
}

/* The slave on /dev/console. The file is made, or is one that exists and is no link. */
static int console_bind(const Init *in, Err *e)
{
	AUTO(fd_close) int dir = FD_NONE;
	AUTO(fd_close) int copy = FD_NONE;
	const char *name;

	TRY(path_parent_in_root(in->root, "/dev/console", &dir, &name, e));
	AUTO(fd_close)
	int target = openat(dir, name,
			    O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_NOCTTY | O_CLOEXEC, 0600);
	if (target < 0 && errno == EEXIST)
		target = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return err_sys(e, "make /dev/console");
	struct stat st;
	if (fstat(target, &st) < 0 || S_ISLNK(st.st_mode))
		return err_make(e, ERR_SPEC, ELOOP, "/dev/console is a symbolic link");
	TRY(mount_clone(in->slave, "", false, &copy, e));
	return mount_attach(copy, target, e);
}

int terminal_make(Init *in, Err *e)
{
	if (!init_has(in, WIRE_TERMINAL))
		return 0;
	if (in->devpts < 0)
		return err_make(e, ERR_SPEC, 0,
				"terminal: it needs a devpts file system among the container's mounts");
	int r = pair_open(in, e);
	if (r == 0)
		r = slave_set(in, e);
	if (r == 0)
		r = console_bind(in, e);
	return r < 0 ? err_wrap(e, r, "terminal") : 0;
}

/* What stands at /dev/pts of a container that runs is HOSTILE: no link is followed, and it must be a devpts. Its ptmx then can be no other
 * file than the kernel's, since what is mounted on it is refused. */
static int devpts_open(Init *in, Err *e)
{
	struct statfs fs;
	in->devpts = sys_openat2(AT_FDCWD, "/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
				 RESOLVE_NO_SYMLINKS);
	if (in->devpts < 0 || fstatfs(in->devpts, &fs) < 0)
		return err_sys(e, "open the container's /dev/pts");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_make(e, ERR_STATE, ENODEV, "the container's /dev/pts is not a devpts");
	return 0;
}

int terminal_join(Init *in, Err *e)
{
	if (!init_has(in, WIRE_TERMINAL))
		return 0;
	int r = devpts_open(in, e);
	if (r == 0)
		r = pair_open(in, e);
	if (r == 0)
		r = slave_set(in, e);
	return r < 0 ? err_wrap(e, r, "terminal") : 0;
}
