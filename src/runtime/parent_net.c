#include <fcntl.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/net_device.h"
#include "runtime/parent_parts.h"

static int devices_move(const Plan *p, pid_t pid, Arena *a, Err *e)
{
	AUTO(net_move_close) NetMove move = NET_MOVE_NONE;
	char path[40];
	(void)str_format(path, sizeof path, "/proc/%d/ns/net", (int)pid); /* it fits */
	AUTO(fd_close) int ns = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return err_sys(e, "open the container's network namespace");
	TRY(net_move_open(ns, &move, e));
	for (size_t i = 0; i < p->net_devices_count; i++) {
		const SpecNetDevice *n = &p->net_devices[i];
		TRY(net_device_move(&move, n->name, n->name_inside ? n->name_inside : n->name, a, e));
	}
	return 0;
}

/* Before any hook: those of the caller's find the devices in their place. */
int parent_net_devices_move(const Plan *p, pid_t pid, Arena *a, Err *e)
{
	int r = p->net_devices_count > 0 ? devices_move(p, pid, a, e) : 0;
	return r < 0 ? err_wrap(e, r, "linux.netDevices") : 0;
}
