/* host_devices.h - device nodes of the host.                                                (engine/) */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

typedef struct HostDevices {
	SpecDevice *items; /* with the host's path, owner and mode */
	size_t count;
} HostDevices;

/* The device that path leads to, or all devices in the directory that it leads to and below: then its own path is a link's target, and
 * theirs are below *ret_dir, which is NULL otherwise. A path that is neither is an error. /dev/pts, /dev/shm, /dev/mqueue,
 * /dev/console and what is no device are left out of directories, as docker does for --privileged. A node that vanishes meanwhile is
 * passed over. */
int host_devices_at(const char *path, Arena *a, HostDevices *ret, const char **ret_dir, Err *e);
