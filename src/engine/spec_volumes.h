/* spec_volumes.h - the mounts and devices that were asked for: -v, --mount, --tmpfs, --tz, --device.   (engine/, private to spec_*.c)
 *
 * Each replaces one of ours on the same place; two of them on one place are an error.
 */
#pragma once
#include "engine/spec_fill.h"

typedef struct UserMounts {
	const RunContext *context;
	Spec *spec;
	StrList places;
	StrList bound;  /* devices that are mounts: place and host's path of each */
	bool binds_dev; /* the container's /dev is a volume */
} UserMounts;

int user_mount_add(UserMounts *u, SpecMount m, Err *e);

/* All of them. After our own mounts; knows the command's user. */
int spec_fill_volumes(const RunContext *c, Spec *s, Err *e);

/* spec_devices.c: after the volumes. */
int spec_fill_devices(UserMounts *u, Err *e);
