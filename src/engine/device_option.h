/* device_option.h - the strings of --device and --device-cgroup-rule.                       (engine/)
 *
 * Pure. Errors are ERR_USAGE and name option and string.
 */
#pragma once
#include "base/arena.h"
#include "base/device_rule.h"
#include "base/err.h"

typedef struct DeviceOption {
	const char *host;   /* absolute: a device, or a directory of them */
	const char *inside; /* absolute and clean */
	bool read, write, mknod;
} DeviceOption;

/* "HOST[:CONTAINER][:rwm]". CDI names ("vendor.com/gpu=0") are refused by name. */
int device_option_parse(const char *text, Arena *a, DeviceOption *ret, Err *e);

/* "c 42:* rwm". One about both types ("a 42:* r") becomes two, since that is all cgroup v1 can express. Returns how many. */
int device_rule_parse(const char *text, Arena *a, DeviceRule ret[2], Err *e);
