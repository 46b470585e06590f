/* What AppArmor and SELinux make of the command: a label that the kernel gives it at its execve(2), proc(5) "attr".
 *
 * It is written to this process's own files in the host's procfs, while the host's tree is still there, and below that procfs nothing
 * mounted and no link is followed. So no /proc of the container, whatever was mounted on it, can stand in for it and swallow the label
 * (CVE-2019-16884) or lead the write elsewhere (CVE-2025-52881). The label stays pending through all changes of credentials; so does
 * SELinux's for keys ("keycreate"): the command's session keyring, made until then, is the command's own to use. */
#include <sys/statfs.h>
#include <sys/xattr.h>

#include <linux/magic.h>

#include "base/str.h"
#include "init/init.h"
#include "kern/sys.h"

/* A file of attr/ for writing. procfs knows by which number its own pid namespace calls us: "self" says it. */
static int attr_open(const char *name)
{
	char self[16], path[64];
	struct statfs fs;
	AUTO(fd_close) int proc = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || fstatfs(proc, &fs) < 0)
		return -errno;
	ssize_t n = readlinkat(proc, "self", self, sizeof self);
	if (fs.f_type != PROC_SUPER_MAGIC || n < 0)
		return -ENODEV;
	(void)str_format(path, sizeof path, "%.*s/attr/%s", (int)n, self,
			 name); /* one of two short names: it fits */
	int fd = sys_openat2(proc, path, O_WRONLY | O_CLOEXEC, 0,
			     RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	return fd < 0 ? -errno : fd;
}

static int label_write(const char *name, const char *text, Err *e)
{
	AUTO(fd_close) int fd = attr_open(name);
	if (fd < 0)
		return err_make(e, ERR_SYS, -fd, "open attr/%s in the host's /proc", name);
	ssize_t n = write(fd, text, strlen(text)); /* the kernel takes all or nothing */
	if (n < 0 && errno == ENOENT)
		return err_make(e, ERR_SPEC, 0, "no such AppArmor profile is loaded into the kernel");
	return n < 0 ? err_sys(e, "the kernel refuses it for the command") : 0;
}

int labels_set(Init *in, Err *e)
{
	for (uint32_t i = 0; i < in->plan->labels.count; i++) {
		const WirePair *l = &WIRE_ITEMS(in->plan, labels, WirePair)[i];
		const char *name = wire_text(in->plan, l->name), *text = wire_text(in->plan, l->value);
		if (str_eq(name, "keycreate") && !init_has(in, WIRE_NEW_KEYRING))
			continue; /* no key is made */
		int r = label_write(name, text, e);
		const char *profile = str_after(text, "exec ");
		if (r < 0)
			return err_wrap(e, r, "%slabel '%s'", profile ? "" : "SELinux ",
					profile ? profile : text);
	}
	return 0;
}

int label_put(const Init *in, int mount, Err *e)
{
	const char *context = wire_str(in->plan, in->plan->mount_context);
	if (!context)
		return 0;
	const char *equals = strchr(context, '='), *label = equals ? equals + 1 : context;
	AUTO(fd_close) int root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* in a user namespace it may belong to an id that is none there: nobody can label it, and nobody in there can use it */
	if (fsetxattr(root, "security.selinux", label, strlen(label) + 1, 0) < 0 &&
	    !(errno == EPERM && init_has(in, WIRE_INNER_USERNS)))
		return err_sys(e, "give it the label '%s'", label);
	return 0;
}
