#include <string.h>

#include "fmt/spec_rows.h"

#include "base/limits.h"
#include "base/mount_words.h"
#include "base/personality.h"

/* ---- namespaces ---- */

typedef struct Namespace {
	unsigned number; /* of the bit */
	const char *path;
} Namespace;

static const char namespace_types[SPEC_NS_COUNT][8] = {
	"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time",
};

const char *spec_namespace_name(unsigned bit)
{
	return namespace_types[__builtin_ctz(bit)];
}

static int decode_namespace_type(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *name;
	(void)row;
	TRY(json_get_string(v, &name, d->e));
	for (unsigned i = 0; i < SPEC_NS_COUNT; i++) {
		if (str_eq(name, namespace_types[i])) {
			((Namespace *)base)->number = i;
			return 0;
		}
	}
	return spec_fail(d, v,
			 "must be one of pid, network, mount, ipc, uts, user, cgroup, time, not '%.64s'",
			 name);
}

static const SpecRow namespace_rows[] = {
	SPEC_ROW("type", decode_namespace_type, .flags = SPEC_REQUIRED),
	SPEC_TEXT("path", Namespace, path),
	SPEC_ROWS_END,
};

static int check_namespace(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	const Namespace *ns = item;
	for (size_t i = 1; i <= index; i++)
		if (ns[-(ptrdiff_t)i].number == ns->number)
			return spec_fail(d, v, "is the second namespace of its type");
	if (ns->path && *ns->path != '/')
		return spec_fail(d, v, "must have an absolute path, not '%.100s'", ns->path);
	return 0;
}

static int decode_namespaces(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecList list = {
		.rows = namespace_rows,
		.size = sizeof(Namespace),
		.max = 8,
		.check = check_namespace,
	};
	SpecLinux *l = base;
	Namespace *items;
	size_t count;
	(void)row;
	TRY(spec_decode_objects(d, v, &list, &items, &count));
	for (size_t i = 0; i < count; i++) {
		l->namespaces |= 1u << items[i].number;
		l->namespace_paths[items[i].number] = items[i].path;
	}
	return 0;
}

static const SpecRow offset_rows[] = {
	SPEC_I64("secs", SpecTimeOffset, secs, INT64_MIN),
	SPEC_U32("nanosecs", SpecTimeOffset, nanosecs, 999999999),
	SPEC_ROWS_END,
};

static int decode_offset(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecTimeOffset *o = (SpecTimeOffset *)((char *)base + row->offset);
	o->given = true;
	return spec_decode_object(d, v, offset_rows, o);
}

static const SpecRow offsets_rows[] = {
	SPEC_ROW("monotonic", decode_offset,
		 .offset = SPEC_FIELD(SpecLinux, offset_monotonic, SpecTimeOffset)),
	SPEC_ROW("boottime", decode_offset,
		 .offset = SPEC_FIELD(SpecLinux, offset_boottime, SpecTimeOffset)),
	SPEC_ROWS_END,
};

/* The keys are names of clocks, so an unknown one is a wrong value. */
static int decode_offsets(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	(void)row;
	TRY(json_expect_object(v, d->e));
	for (const JsonValue *m = v->as.list.first; m; m = m->next)
		if (strcmp(m->key, "monotonic") != 0 && strcmp(m->key, "boottime") != 0)
			return spec_fail(d, m, "must name the clock monotonic or boottime, not '%.40s'",
					 m->key);
	return spec_decode_object(d, v, offsets_rows, base);
}

/* ---- id maps ---- */

static const SpecRow id_map_rows[] = {
	SPEC_U32("containerID", SpecIdMap, container_id, UINT32_MAX, .flags = SPEC_REQUIRED),
	SPEC_U32("hostID", SpecIdMap, host_id, UINT32_MAX, .flags = SPEC_REQUIRED),
	SPEC_U32("size", SpecIdMap, size, UINT32_MAX, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

/* user_namespaces(7): a line of no ids is an error, and 4294967295 is no id. */
static int check_id_map(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	const SpecIdMap *m = item;
	(void)index;
	if (m->size == 0)
		return spec_fail(d, v, "must map at least one id: size is 0");
	if (m->size > UINT32_MAX - m->container_id || m->size > UINT32_MAX - m->host_id)
		return spec_fail(d, v, "maps ids above 4294967294 (containerID %u, hostID %u, size %u)",
				 m->container_id, m->host_id, m->size);
	return 0;
}

static const SpecList id_maps = {
	.rows = id_map_rows, .size = sizeof(SpecIdMap), .max = LIMIT_ID_MAPS, .check = check_id_map
};

int spec_decode_id_maps(SpecDecoder *d, const JsonValue *v, SpecIdMap **ret, size_t *ret_count)
{
	return spec_decode_objects(d, v, &id_maps, ret, ret_count);
}

static int decode_uid_maps(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecLinux *l = base;
	(void)row;
	return spec_decode_id_maps(d, v, &l->uid_mappings, &l->uid_mappings_count);
}

static int decode_gid_maps(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecLinux *l = base;
	(void)row;
	return spec_decode_id_maps(d, v, &l->gid_mappings, &l->gid_mappings_count);
}

/* ---- devices ---- */

static int decode_device_type(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *type;
	(void)row;
	TRY(json_get_string(v, &type, d->e));
	if (strlen(type) != 1 || !strchr("cbup", *type))
		return spec_fail(d, v, "must be one of c, b, u, p, not '%.64s'", type);
	((SpecDevice *)base)->type = *type;
	return 0;
}

/* mknod(2): the kernel's device numbers have 12 and 20 bits. */
static const SpecRow device_number_rows[] = {
	SPEC_U32("major", SpecDevice, major, (1 << 12) - 1, .flags = SPEC_REQUIRED),
	SPEC_U32("minor", SpecDevice, minor, (1 << 20) - 1, .flags = SPEC_REQUIRED),
	SPEC_ROWS_END,
};

static const SpecRow device_rows[] = {
	SPEC_ROW("type", decode_device_type, .flags = SPEC_REQUIRED),
	SPEC_PATH("path", SpecDevice, path, .flags = SPEC_REQUIRED),
	SPEC_U32("fileMode", SpecDevice, mode, UINT32_MAX), /* callers leave the type in it, as stat(2) or Go has it */
	SPEC_U32("uid", SpecDevice, uid, UINT32_MAX - 1),
	SPEC_U32("gid", SpecDevice, gid, UINT32_MAX - 1),
	SPEC_ROWS_END,
};

/* A FIFO has no numbers, whatever stands there; all others must have them. */
static int finish_device(SpecDecoder *d, const JsonValue *v, void *item, size_t index)
{
	(void)index;
	((SpecDevice *)item)->mode &= 0777;
	if (((SpecDevice *)item)->type == 'p')
		return 0;
	return spec_decode_object(d, v, device_number_rows, item);
}

static int decode_devices(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const SpecDevice init = { .mode = 0666 };
	static const SpecList list = {
		.rows = device_rows,
		.size = sizeof(SpecDevice),
		.max = LIMIT_MOUNTS,
		.init = &init,
		.check = finish_device,
	};
	SpecLinux *l = base;
	(void)row;
	return spec_decode_objects(d, v, &list, &l->devices, &l->devices_count);
}

/* ---- sysctl, cgroupsPath ---- */

/* The name becomes a path below /proc/sys: no part of it may be empty, which also keeps ".." out. */
static bool is_sysctl_name(const char *name)
{
	for (;; name++) {
		size_t n = strcspn(name, "./");
		if (n == 0)
			return false;
		name += n;
		if (!*name)
			return true;
	}
}

static int decode_sysctl(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecLinux *l = base;
	size_t i = 0;
	(void)row;
	TRY(json_expect_object(v, d->e));
	SpecSysctl *items = arena_new_array(d->arena, v->count, SpecSysctl);
	for (const JsonValue *member = v->as.list.first; member; member = member->next, i++) {
		if (!is_sysctl_name(member->key))
			return spec_fail(d, member, "has '%.100s', which is no kernel parameter's name",
					 member->key);
		spec_enter(d, member->key, 0);
		TRY(json_get_string(member, &items[i].value, d->e));
		spec_leave(d);
		items[i].key = member->key;
	}
	l->sysctl = items;
	l->sysctl_count = i;
	return 0;
}

static int decode_cgroups_path(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_text(d, v, base, row));
	const char *path = ((SpecLinux *)base)->cgroups_path;
	for (const char *part = path; part && *part; part += strspn(part, "/")) {
		size_t n = strcspn(part, "/");
		if (n == 2 && strncmp(part, "..", 2) == 0)
			return spec_fail(d, v, "must not have '..' in it: '%.200s'", path);
		part += n;
	}
	return 0;
}

static int decode_root_propagation(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	const char *word;
	(void)row;
	TRY(json_get_string(v, &word, d->e));
	const MountWord *w = mount_word_find(word);
	if (!*word)
		return 0;
	if (!w || w->kind != MOUNT_WORD_PROPAGATION)
		return spec_fail(d, v,
				 "must be shared, slave, private or unbindable, or one of these with an r before it, not '%.64s'",
				 word);
	((SpecLinux *)base)->root_propagation = w->propagation;
	return 0;
}

/* ---- personality ---- */

static int decode_domain(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecLinux *l = base;
	const char *name;
	(void)row;
	TRY(json_get_string(v, &name, d->e));
	int domain = personality_from_name(name);
	if (domain < 0)
		return spec_fail(d, v, "must be LINUX or LINUX32, not '%.64s'", name);
	l->personality = (uint32_t)domain;
	l->has_personality = true;
	return 0;
}

static const SpecRow personality_rows[] = {
	SPEC_ROW("domain", decode_domain, .flags = SPEC_REQUIRED),
	SPEC_NOT_YET("flags", SPEC_EMPTY_ARRAY), /* "Currently no flag values are supported"; runc warns of them, and goes on */
	SPEC_ROWS_END,
};

/* ---- the table ---- */

/* config-linux.md */
const SpecRow spec_linux_rows[] = {
	SPEC_ROW("namespaces", decode_namespaces),
	SPEC_ROW("uidMappings", decode_uid_maps),
	SPEC_ROW("gidMappings", decode_gid_maps),
	SPEC_ROW("sysctl", decode_sysctl),
	SPEC_ROW("cgroupsPath", decode_cgroups_path,
		 .offset = SPEC_FIELD(SpecLinux, cgroups_path, const char *)),
	SPEC_OBJECT("resources", offsetof(SpecLinux, resources), spec_resources_rows),
	SPEC_ROW("devices", decode_devices),
	SPEC_ROW("seccomp", spec_decode_seccomp),
	SPEC_PATHS("maskedPaths", SpecLinux, masked_paths),
	SPEC_PATHS("readonlyPaths", SpecLinux, readonly_paths),
	SPEC_ROW("rootfsPropagation", decode_root_propagation),
	SPEC_TEXT("mountLabel", SpecLinux, mount_label),
	SPEC_ROW("netDevices", spec_decode_net_devices),
	SPEC_ROW("timeOffsets", decode_offsets),
	SPEC_ROW("intelRdt", spec_decode_intel_rdt),
	SPEC_ROW("memoryPolicy", spec_decode_memory_policy),
	SPEC_OBJECT("personality", 0, personality_rows),
	SPEC_ROWS_END,
};
