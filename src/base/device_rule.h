/* device_rule.h - one rule about which devices a container may use.                         (base/, used by all)
 *
 * The description (fmt/spec.h) carries them, the plan turns them into v1 writes, kern/device_filter.h into a program: one type for all.
 * Source: config-linux.md "Allowed Device list": a list in order, of which the last rule that matches wins.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct DeviceRule {
	int64_t major, minor; /* -1: any */
	char type;            /* 'a', 'c' or 'b' */
	bool allow, read, write, mknod;
} DeviceRule;
