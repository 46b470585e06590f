#include "oci/device_defaults.h"

#include <string.h>

#include "base/own.h"

#define RULE(t, ma, mi, rw)                                                             \
	{                                                                               \
		.allow = true, .type = (t), .major = (ma), .minor = (mi), .read = (rw), \
		.write = (rw), .mknod = true                                            \
	}

static const DeviceRule defaults[] = {
	RULE('c', -1, -1, false),                        /* mknod(2) alone */
	RULE('b', -1, -1, false), RULE('c', 1, 3, true), /* null */
	RULE('c', 1, 5, true),                           /* zero */
	RULE('c', 1, 7, true),                           /* full */
	RULE('c', 1, 8, true),                           /* random */
	RULE('c', 1, 9, true),                           /* urandom */
	RULE('c', 5, 0, true),                           /* tty */
	RULE('c', 5, 1, true),                           /* console */
	RULE('c', 5, 2, true),                           /* ptmx */
	RULE('c', 136, -1, true),                        /* the slaves of terminals */
};

void oci_device_defaults(SpecLinux *l, Arena *a)
{
	SpecResources *r = &l->resources;
	DeviceRule *rules = arena_new_array(a, r->devices_count + ARRAY_LEN(defaults), DeviceRule);
	if (r->devices_count > 0)
		memcpy(rules, r->devices, r->devices_count * sizeof *rules);
	memcpy(rules + r->devices_count, defaults, sizeof defaults);
	r->devices = rules;
	r->devices_count += ARRAY_LEN(defaults);
}
