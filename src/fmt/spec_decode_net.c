#include <string.h>

#include "fmt/spec_rows.h"

#include "base/limits.h"

#define NAME_SIZE 16 /* IFNAMSIZ, with the NUL */

/* The kernel's rule, dev_valid_name(). */
static bool is_device_name(const char *name)
{
	return *name && strlen(name) < NAME_SIZE && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && !strpbrk(name, "/: \t\n\v\f\r");
}

/* A name, or one with a single "%d" in it, for which the kernel's rule is dev_alloc_name()'s. */
static bool is_device_template(const char *name)
{
	const char *percent = strchr(name, '%');
	return is_device_name(name) && (!percent || (percent[1] == 'd' && !strchr(percent + 1, '%')));
}

static const SpecRow net_device_rows[] = {
	SPEC_TEXT("name", SpecNetDevice, name_inside),
	SPEC_ROWS_END,
};

static const char *name_inside(const SpecNetDevice *n)
{
	return n->name_inside ? n->name_inside : n->name;
}

/* Two that take numbers get different ones. */
static bool is_taken(const SpecNetDevice *items, size_t count, const char *name)
{
	for (size_t i = 0; i < count && !strchr(name, '%'); i++)
		if (strcmp(name_inside(&items[i]), name) == 0)
			return true;
	return false;
}

int spec_decode_net_devices(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecLinux *l = base;
	(void)row;
	TRY(json_expect_object(v, d->e));
	if (v->count > LIMIT_NET_DEVICES)
		return spec_fail(d, v, "has more than %u devices", LIMIT_NET_DEVICES);
	SpecNetDevice *items = arena_new_array(d->arena, v->count, SpecNetDevice);
	size_t i = 0;
	for (const JsonValue *member = v->as.list.first; member; member = member->next, i++) {
		items[i].name = member->key;
		if (!is_device_name(member->key))
			return spec_fail(d, member, "has an invalid network device name '%.64s'",
					 member->key);
		spec_enter(d, member->key, 0);
		TRY(spec_decode_object(d, member, net_device_rows, &items[i]));
		if (!is_device_template(name_inside(&items[i])))
			return spec_fail(d, member, "has an invalid network device name '%.64s'",
					 name_inside(&items[i]));
		if (is_taken(items, i, name_inside(&items[i])))
			return spec_fail(d, member, "is the second device that is to be '%.64s'",
					 name_inside(&items[i]));
		spec_leave(d);
	}
	l->net_devices = items;
	l->net_devices_count = i;
	return 0;
}
