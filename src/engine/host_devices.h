/* host_devices.h - every device node of the host's /dev, for --privileged.                (engine/) */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

/* Adds them to s->linux_.devices with their owner and mode. /dev/pts, /dev/shm, /dev/mqueue, /dev/console and what is no device are left
 * out, as docker does. A node that vanishes meanwhile is passed over. */
int host_devices_add(Arena *a, Spec *s, Err *e);
