#include <string.h>

#include "runtime/plan_parts.h"

/* Kernel parameters that belong to a namespace; every other one would change the host (namespaces(7), runc's and docker's rule). */
static const struct {
	const char *prefix; /* ends with '.': all below; else the very key */
	unsigned ns;
} namespaced[] = {
	{ "net.", SPEC_NS_NETWORK },          { "fs.mqueue.", SPEC_NS_IPC },
	{ "kernel.msgmax", SPEC_NS_IPC },     { "kernel.msgmnb", SPEC_NS_IPC },
	{ "kernel.msgmni", SPEC_NS_IPC },     { "kernel.sem", SPEC_NS_IPC },
	{ "kernel.shmall", SPEC_NS_IPC },     { "kernel.shmmax", SPEC_NS_IPC },
	{ "kernel.shmmni", SPEC_NS_IPC },     { "kernel.shm_rmid_forced", SPEC_NS_IPC },
	{ "kernel.domainname", SPEC_NS_UTS },
};

static unsigned sysctl_namespace(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(namespaced); i++) {
		const char *rest = str_after(key, namespaced[i].prefix);
		if (rest && (*rest == '\0' || str_ends(namespaced[i].prefix, ".")))
			return namespaced[i].ns;
	}
	return 0;
}

/* Dots become slashes and the other way round: with dots as separators a slash stands for a dot in a name (sysctl(8)), as in
 * net.ipv4.conf.eth0/100.rp_filter. */
static char *separators_swap(const char *key, Arena *a)
{
	char *other = arena_strdup(a, key);
	for (char *p = other; (p = strpbrk(p, "./")); p++)
		*p = (char)(*p == '.' ? '/' : '.');
	return other;
}

static bool is_path_below(const char *path)
{
	return *path && *path != '/' && !strstr(path, "//") && !strstr(path, "/../") &&
	       !str_starts(path, "../") && !str_ends(path, "/..") && !str_ends(path, "/");
}

int plan_sysctls(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	for (size_t i = 0; i < l->sysctl_count; i++) {
		const char *key = l->sysctl[i].key, *other = separators_swap(key, c->arena);
		bool slashes = strcspn(key, "/") < strcspn(key, ".");
		const char *path = slashes ? key : other, *dotted = slashes ? other : key;
		if (!is_path_below(path))
			return err_make(e, ERR_SPEC, 0,
					"sysctl '%s': not the name of a kernel parameter", key);
		if (strcmp(dotted, "kernel.hostname") == 0) /* runc's words */
			return err_make(e, ERR_SPEC, 0,
					"sysctl \"%s\" is not allowed as it conflicts with the OCI \"hostname\" field",
					key);
		unsigned ns = sysctl_namespace(dotted);
		if (!ns)
			return err_make(e, ERR_SPEC, 0,
					"sysctl '%s': belongs to the host, not to a namespace", key);
		if (!(l->namespaces & ns))
			return err_make(e, ERR_SPEC, 0,
					"sysctl '%s': the container shares that namespace with the host",
					key);
		*wire_add(&p->wire, sysctls, WirePair) = (WirePair){
			.name = wire_add_str(&p->wire, path),
			.value = wire_add_str(&p->wire, l->sysctl[i].value),
		};
	}
	return 0;
}
