/* What AppArmor and SELinux make of the command: a profile or label that the kernel gives it at its execve(2), proc(5) "attr".
 *
 * It is written to this process's own files in the host's procfs, whose root is opened while the host's tree is still there, and below it
 * nothing mounted and no link is followed. So no /proc of the container, whatever was mounted on it, can stand in for it and swallow
 * the label (CVE-2019-16884) or lead the write elsewhere (CVE-2025-52881). */
#include <limits.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#include <linux/magic.h>

#include "base/str.h"
#include "init/init.h"
#include "kern/sys.h"

int labels_open(Init *in, Err *e)
{
	struct statfs fs;
	if (!in->plan->apparmor_profile && !in->plan->selinux_label)
		return 0;
	in->host_proc = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (in->host_proc < 0)
		return err_sys(e, "open the host's /proc");
	if (fstatfs(in->host_proc, &fs) < 0)
		return err_sys(e, "look at the host's /proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_make(e, ERR_STATE, 0, "the host's /proc is no procfs");
	return 0;
}

/* A file of attr/ for writing. procfs knows by which number its own pid namespace calls us: "self" says it. */
static int attr_open(const Init *in, const char *name)
{
	char self[16], path[64];
	ssize_t n = readlinkat(in->host_proc, "self", self, sizeof self - 1);
	if (n < 0)
		return -errno;
	self[n] = '\0';
	if (str_format(path, sizeof path, "%s/attr/%s", self, name) < 0)
		return -ENAMETOOLONG;
	int fd = sys_openat2(in->host_proc, path, O_WRONLY | O_CLOEXEC, 0,
			     RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	return fd < 0 ? -errno : fd;
}

/* In one write(2), or it would be two labels. */
static int attr_write(int fd, const char *text, Err *e)
{
	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return err_sys(e, "the kernel refuses it for the command");
	return (size_t)n == len ? 0 : err_make(e, ERR_SYS, EIO, "it was cut");
}

/* AppArmor has a folder of its own since Linux 5.8; before, "exec" is whose turn it is, which is AppArmor's where it is on. */
static int apparmor_set(const Init *in, const char *profile, Err *e)
{
	char text[PATH_MAX];
	int fd_or_error = attr_open(in, "apparmor/exec");
	if (fd_or_error == -ENOENT)
		fd_or_error = attr_open(in, "exec");
	AUTO(fd_close) int fd = fd_or_error;
	if (fd < 0)
		return err_make(e, ERR_SYS, -fd, "open attr/apparmor/exec in the host's /proc");
	if (str_format(text, sizeof text, "exec %s", profile) < 0)
		return err_make(e, ERR_SPEC, ENAMETOOLONG, "its name is too long");
	int r = attr_write(fd, text, e);
	if (r == -ENOENT)
		return err_make(e, ERR_SPEC, 0, "no such profile is loaded into the kernel");
	return r;
}

static int selinux_set(const Init *in, const char *label, Err *e)
{
	AUTO(fd_close) int fd = attr_open(in, "exec");
	if (fd < 0)
		return err_make(e, ERR_SYS, -fd, "open attr/exec in the host's /proc");
	return attr_write(fd, label, e);
}

int labels_set(Init *in, Err *e)
{
	const char *profile = wire_str(in->plan, in->plan->apparmor_profile),
		   *label = wire_str(in->plan, in->plan->selinux_label);
	int r = profile ? apparmor_set(in, profile, e) : 0;
	if (r < 0)
		return err_wrap(e, r, "AppArmor profile '%s'", profile);
	r = label ? selinux_set(in, label, e) : 0;
	if (r < 0)
		return err_wrap(e, r, "SELinux label '%s'", label);
	if (in->host_proc >= 0)
		fd_close(TAKE_FD(in->host_proc));
	return 0;
}

int label_put(const Init *in, int mount, Err *e)
{
	const char *context = wire_str(in->plan, in->plan->mount_context);
	if (!context)
		return 0;
	const char *label = strchr(context, '=') + 1;
	AUTO(fd_close) int root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open its root");
	/* in a user namespace it may belong to an id that is none there: nobody can label it, and nobody in there can use it */
	if (fsetxattr(root, "security.selinux", label, strlen(label) + 1, 0) < 0 &&
	    !(errno == EPERM && init_has(in, WIRE_USERNS)))
		return err_sys(e, "give it the label '%s'", label);
	return 0;
}
