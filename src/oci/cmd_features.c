/* features.md: what this program knows, whatever the host has. Every list comes from the table that does the work. */
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/mount_words.h"
#include "base/sched_names.h"
#include "cli/format.h"
#include "fmt/seccomp.h"
#include "oci/oci.h"
#include "version.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the alphabet's order, as other runtimes have it. */
static void list_write(JsonWriter *w, const char *key, StrList *l)
{
	if (l->count > 1)
		qsort(l->items, l->count, sizeof *l->items, compare);
	json_write_array(w, key);
	for (size_t i = 0; i < l->count; i++)
		json_write_string(w, NULL, l->items[i]);
	json_write_end(w);
}

static void names_write(JsonWriter *w, const char *key, const char *(*at)(unsigned), Arena *a)
{
	StrList l = { 0 };
	const char *name;
	for (unsigned i = 0; (name = at(i)); i++)
		strlist_add(a, &l, name);
	list_write(w, key, &l);
}

static const char *cap_at(unsigned i)
{
	return cap_name((int)i);
}

static const char *namespace_at(unsigned i)
{
	return i < SPEC_NS_COUNT ? spec_namespace_name(1u << i) : NULL;
}

static const char *action_at(unsigned i)
{
	return i <= SECCOMP_ACT_NOTIFY       ? seccomp_action_name((SeccompAction)i)
	       : i == SECCOMP_ACT_NOTIFY + 1 ? "SCMP_ACT_KILL"
					     : /* another name of KILL_THREAD */
		       NULL;
}

/* What of a description's annotations changes anything here; one that ends with '.' stands for all that begin so. */
static const char *annotation_at(unsigned i)
{
	static const char *const names[] = {
		"org.criu.config",
		"org.systemd.property.",
		"run.oci.hooks.stderr",
		"run.oci.hooks.stdout",
		"run.oci.keep_original_groups",
		"run.oci.mount_context_type",
		"run.oci.seccomp.receiver",
		NULL,
	};
	return names[i];
}

static const char *op_at(unsigned i)
{
	return i <= SECCOMP_CMP_MASKED_EQ ? seccomp_op_name((SeccompOp)i) : NULL;
}

static const char *arch_at(unsigned i)
{
	return i < SYSCALL_ARCH_COUNT ? seccomp_arch_name((SyscallArch)i) : NULL;
}

static void enabled_write(JsonWriter *w, const char *key, bool enabled)
{
	json_write_object(w, key);
	json_write_bool(w, "enabled", enabled);
	json_write_end(w);
}

static void cgroup_write(JsonWriter *w)
{
	json_write_object(w, "cgroup");
	json_write_bool(w, "v1", true);
	json_write_bool(w, "v2", true);
	json_write_bool(w, "systemd", true);
	json_write_bool(w, "systemdUser", true);
	json_write_bool(w, "rdma", true);
	json_write_end(w);
}

static void seccomp_write(JsonWriter *w, Arena *a)
{
	json_write_object(w, "seccomp");
	json_write_bool(w, "enabled", true);
	names_write(w, "actions", action_at, a);
	names_write(w, "operators", op_at, a);
	names_write(w, "archs", arch_at, a);
	names_write(w, "knownFlags", seccomp_flag_at, a);
	names_write(w, "supportedFlags", seccomp_flag_at, a);
	json_write_end(w);
}

static void memory_policy_write(JsonWriter *w, Arena *a)
{
	json_write_object(w, "memoryPolicy");
	names_write(w, "modes", mempolicy_mode_name, a);
	names_write(w, "flags", mempolicy_flag_at, a);
	json_write_end(w);
}

static void linux_write(JsonWriter *w, Arena *a)
{
	json_write_object(w, "linux");
	names_write(w, "namespaces", namespace_at, a);
	names_write(w, "capabilities", cap_at, a);
	cgroup_write(w);
	seccomp_write(w, a);
	enabled_write(w, "apparmor", true);
	enabled_write(w, "selinux", true);
	memory_policy_write(w, a);
	json_write_object(w, "intelRdt");
	json_write_bool(w, "enabled", true);
	json_write_bool(w, "schemata", true);
	json_write_bool(w, "monitoring", true);
	json_write_end(w);
	json_write_object(w, "mountExtensions");
	enabled_write(w, "idmap", true);
	json_write_end(w);
	enabled_write(w, "netDevices", true);
	json_write_end(w);
}

static int features_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	(void)g;
	(void)opts;
	(void)args;
	JsonWriter w = json_writer(a, true);
	json_write_object(&w, NULL);
	json_write_string(&w, "ociVersionMin", "1.0.0");
	json_write_string(&w, "ociVersionMax", SPEC_OCI_VERSION);
	json_write_array(&w, "hooks");
	for (unsigned i = 0; i < SPEC_HOOK_KINDS; i++)
		json_write_string(&w, NULL, spec_hook_kind_name((SpecHookKind)i));
	json_write_end(&w);
	names_write(&w, "mountOptions", mount_word_at, a);
	linux_write(&w, a);
	json_write_object(&w, "annotations");
	json_write_string(&w, "io.mydocker.version", MYDOCKER_VERSION);
	json_write_string(&w, "org.opencontainers.runc.checkpoint.enabled", "true");
	json_write_end(&w);
	names_write(&w, "potentiallyUnsafeConfigAnnotations", annotation_at, a);
	json_write_end(&w);
	return format_print_json(&w, e);
}

const OciCmd oci_features = {
	.name = "features",
	.args = "",
	.summary = "Tell what this program knows of the specification, as JSON",
	.run = features_main,
};
