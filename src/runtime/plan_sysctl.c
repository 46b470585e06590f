#include <string.h>

#include "runtime/plan_parts.h"

/* Kernel parameters that belong to a namespace; every other one would change the host (namespaces(7), runc's and docker's rule). */
static const struct {
	const char *prefix; /* ends with '.': all below; else the very key */
	unsigned ns;
} namespaced[] = {
	{ "net.", SPEC_NS_NETWORK },
	{ "fs.mqueue.", SPEC_NS_IPC },
	{ "kernel.msgmax", SPEC_NS_IPC },
	{ "kernel.msgmnb", SPEC_NS_IPC },
	{ "kernel.msgmni", SPEC_NS_IPC },
	{ "kernel.sem", SPEC_NS_IPC },
	{ "kernel.shmall", SPEC_NS_IPC },
	{ "kernel.shmmax", SPEC_NS_IPC },
	{ "kernel.shmmni", SPEC_NS_IPC },
	{ "kernel.shm_rmid_forced", SPEC_NS_IPC },
	{ "kernel.domainname", SPEC_NS_UTS },
	{ "kernel.hostname", SPEC_NS_UTS },
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

/* "net.ipv4.ip_forward" or "net/ipv4/ip_forward" -> the path below /proc/sys. With dots as separators a slash stands for a dot in a
 * name (sysctl(8)), as in net.ipv4.conf.eth0/100.rp_filter. */
static int sysctl_path(const char *key, Arena *a, char **ret, Err *e)
{
	char *path = arena_strdup(a, key);
	bool slashes = strcspn(key, "/") < strcspn(key, ".");
	for (char *p = path; *p && !slashes; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	if (!*path || *path == '/' || strstr(path, "//") || strstr(path, "/../") || str_starts(path, "../") ||
	    str_ends(path, "/..") || str_ends(path, "/"))
		return err_make(e, ERR_SPEC, 0, "sysctl '%s': not the name of a kernel parameter", key);
	*ret = path;
	return 0;
}

int plan_sysctls(const PlanContext *c, Plan *p, Err *e)
{
	const SpecLinux *l = &c->spec->linux_;
	for (size_t i = 0; i < l->sysctl_count; i++) {
		char *path, *dotted = arena_strdup(c->arena, l->sysctl[i].key);
		TRY(sysctl_path(l->sysctl[i].key, c->arena, &path, e));
		if (strcspn(dotted, "/") < strcspn(dotted, "."))
			for (char *s = dotted; *s; s++)
				*s = *s == '/' ? '.' : *s;
		unsigned ns = sysctl_namespace(dotted);
		if (!ns)
			return err_make(e, ERR_SPEC, 0, "sysctl '%s': belongs to the host, not to a namespace", l->sysctl[i].key);
		if (!(l->namespaces & ns))
			return err_make(e, ERR_SPEC, 0, "sysctl '%s': the container shares that namespace with the host",
					l->sysctl[i].key);
		*wire_add(&p->wire, sysctls, WirePair) = (WirePair){
			.name = wire_add_str(&p->wire, path),
			.value = wire_add_str(&p->wire, l->sysctl[i].value),
		};
	}
	return 0;
}
