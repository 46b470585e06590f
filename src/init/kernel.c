/* What the container's own namespaces hold: host name, loopback, kernel parameters. */
#include <sys/statfs.h>

#include <linux/magic.h>

#include "init/init.h"
#include "kern/mount.h"
#include "kern/netlink.h"
#include "kern/sys.h"

/* The host's, while its tree is still there: what it shows below sys/ is, too, the network and ipc namespace of who looks. */
static int host_proc_open(int *ret_fd, Err *e)
{
	struct statfs fs;
	AUTO(fd_close) int fd = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return err_sys(e, "open the host's /proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_make(e, ERR_STATE, ENODEV, "the host's /proc is not a proc file system");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* The procfs that was mounted for the container, by the descriptor of that very mount; or one of our own that nobody else sees. In a user
 * namespace that shares the host's pid namespace the kernel lets nobody make one. */
static int proc_open(Init *in, Err *e)
{
	AUTO(fd_close) int fs = FD_NONE;
	if (in->proc >= 0)
		return 0;
	TRY(mount_fs_open("proc", &fs, e));
	int r = mount_fs_make(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
			      &in->proc, e);
	return r == -EPERM && init_has(in, WIRE_INNER_USERNS) ? host_proc_open(&in->proc, e) : r;
}

/* Below /proc/sys of that mount and nowhere else, whatever the name is. */
static int sysctl_write(int sys, const char *name, const char *value, Err *e)
{
	AUTO(fd_close)
	int fd = sys_openat2(sys, name, O_WRONLY | O_CLOEXEC, 0,
			     RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return err_sys(e, "open it");
	size_t len = strlen(value);
	ssize_t n = write(fd, value, len);
	if (n < 0)
		return err_sys(e, "write '%s'", value);
	return (size_t)n == len ? 0 : err_make(e, ERR_SYS, EIO, "write '%s'", value);
}

static int sysctls_write(Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	if (p->sysctls.count == 0)
		return 0;
	TRY(proc_open(in, e));
	AUTO(fd_close)
	int sys = sys_openat2(in->proc, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
			      RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (sys < 0)
		return err_sys(e, "open /proc/sys");
	for (uint32_t i = 0; i < p->sysctls.count; i++) {
		const WirePair *s = &WIRE_ITEMS(p, sysctls, WirePair)[i];
		const char *name = wire_text(p, s->name);
		int r = sysctl_write(sys, name, wire_text(p, s->value), e);
		if (r < 0)
			return err_wrap(e, r, "sysctl %s", name);
	}
	return 0;
}

int kernel_set(Init *in, Err *e)
{
	const char *hostname = wire_str(in->plan, in->plan->hostname);
	if (hostname && sethostname(hostname, strlen(hostname)) < 0)
		return err_sys(e, "set the host name '%s'", hostname);
	const char *domainname = wire_str(in->plan, in->plan->domainname);
	if (domainname && setdomainname(domainname, strlen(domainname)) < 0)
		return err_sys(e, "set the domain name '%s'", domainname);
	if (init_has(in, WIRE_LOOPBACK_UP))
		TRY(netlink_link_up(NETLINK_LOOPBACK, "lo", e));
	return sysctls_write(in, e);
}
