/* What the container's own namespaces hold: host name, loopback, kernel parameters. */
#include "base/str.h"
#include "init/init.h"
#include "kern/mount.h"
#include "kern/netlink.h"
#include "kern/sys.h"

/* The procfs that was mounted for the container, by the descriptor of that very mount; or one of our own that nobody else sees. */
static int proc_open(Init *in, Err *e)
{
	AUTO(fd_close) int fs = FD_NONE;
	if (in->proc >= 0)
		return 0;
	TRY(mount_fs_open("proc", &fs, e));
	return mount_fs_make(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &in->proc, e);
}

static int sysctl_write(const Init *in, const char *name, const char *value, Err *e)
{
	char path[256];
	if (str_format(path, sizeof path, "sys/%s", name) < 0)
		return err_make(e, ERR_SPEC, ENAMETOOLONG, "its name is too long");
	AUTO(fd_close) int fd = sys_openat2(in->proc, path, O_WRONLY | O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return err_sys(e, "open it");
	size_t len = strlen(value);
	ssize_t n = write(fd, value, len);
	if (n < 0)
		return err_sys(e, "write '%s'", value);
	return (size_t)n == len ? 0 : err_make(e, ERR_SYS, EIO, "write '%s'", value);
}

int kernel_set(Init *in, Err *e)
{
	const WirePlan *p = in->plan;
	const char *hostname = wire_str(p, p->hostname);
	if (hostname && sethostname(hostname, strlen(hostname)) < 0)
		return err_sys(e, "set the host name '%s'", hostname);
	if (init_has(in, WIRE_LOOPBACK_UP))
		TRY(netlink_link_up(NETLINK_LOOPBACK, "lo", e));
	for (uint32_t i = 0; i < p->sysctls.count; i++) {
		const WirePair *s = &WIRE_ITEMS(p, sysctls, WirePair)[i];
		const char *name = wire_str(p, s->name);
		int r = proc_open(in, e);
		if (r == 0)
			r = sysctl_write(in, name, wire_str(p, s->value), e);
		if (r < 0)
			return err_wrap(e, r, "sysctl %s", name);
	}
	return 0;
}
