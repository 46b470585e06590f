#include <string.h>

#include "build_id.h"
#include "cli/cmd.h"
#include "cli/cmd_version.h"
#include "cli/defaults.h"
#include "cli/format.h"
#include "cli/out.h"
#include "engine/host_info.h"
#include "engine/run.h"
#include "fmt/size.h"
#include "version.h"

enum { LABEL_WIDTH = 28 };

/* ---- for people ---- */

static void line(Out *o, const char *label, const char *value)
{
	out_text(o, label);
	out_text(o, ":");
	out_spaces(o, strlen(label) + 1 < LABEL_WIDTH ? LABEL_WIDTH - strlen(label) - 1 : 1);
	out_text(o, *value ? value : "unknown");
	out_text(o, "\n");
}

static void title(Out *o, const char *text)
{
	out_text(o, "\n");
	out_bold(o, text);
	out_text(o, "\n");
}

static void print_features(Out *o, Arena *a, const HostInfo *i)
{
	title(o, "Kernel features");
	for (unsigned n = 0; n < i->features_count; n++) {
		const HostFeature *f = &i->features[n];
		const char *word = feature_state_word(f->state);
		if (f->needed && f->state != FEATURE_YES)
			word = arena_printf(a, "%s (mydocker does not work without it)", word);
		if (strcmp(f->name, "landlock") == 0 && i->landlock_abi > 0)
			word = arena_printf(a, "yes (ABI %d)", i->landlock_abi);
		line(o, f->name, word);
	}
}

static void print_groups(Out *o, Arena *a, const HostInfo *i)
{
	title(o, "Control groups");
	line(o, "layout", cgroup_mode_name(i->facts.cgroup_mode));
	line(o, "controllers", *i->controllers ? i->controllers : "none");
	for (size_t n = 0; n < i->facts.cgroups_count; n++) {
		const HostCgroup *c = &i->facts.cgroups[n];
		const char *use = c->delegated ? arena_printf(a, "%s is ours to divide", c->delegated)
				  : c->writable ? "writable"
						: "not writable";
		line(o, c->mountpoint, arena_printf(a, "%s, %s", c->is_v2 ? "v2" : "v1", use));
	}
}

static const char *selinux_word(const HostInfo *i)
{
	return !i->selinux ? "no" : i->selinux_enforcing ? "enforcing" : "permissive";
}

static void print_defaults(Out *o, const Defaults *d)
{
	for (size_t n = 0; n < d->count; n++)
		line(o, "configuration file", d->files[n].path);
	if (d->count == 0)
		line(o, "configuration file", "none");
}

static int print_text(Arena *a, const HostInfo *i, const Defaults *d, Err *e)
{
	char memory[16], swap[16];
	Out out;
	out_init(&out);
	out_bold(&out, "mydocker");
	out_text(&out, "\n");
	line(&out, "version", MYDOCKER_VERSION);
	line(&out, "build", BUILD_ID);
	line(&out, "rootless", i->facts.privileged ? "no" : "yes");
	line(&out, "state directory", i->state_dir);
	line(&out, "data directory", i->root_dir);
	print_defaults(&out, d);
	title(&out, "Host");
	line(&out, "operating system", i->os);
	line(&out, "kernel", i->kernel);
	line(&out, "architecture", version_arch_machine);
	line(&out, "CPUs", arena_printf(a, "%u", i->cpus));
	line(&out, "memory", size_format(memory, sizeof memory, i->memory));
	line(&out, "swap", size_format(swap, sizeof swap, i->swap));
	print_groups(&out, a, i);
	title(&out, "Security");
	line(&out, "security modules", i->security_modules);
	line(&out, "AppArmor", i->apparmor ? "yes" : "no");
	line(&out, "SELinux", selinux_word(i));
	print_features(&out, a, i);
	return out_flush(&out, e);
}

/* ---- for programs ---- */

static void write_groups(JsonWriter *w, const HostInfo *i)
{
	json_write_string(w, "CgroupVersion",
			  i->facts.cgroup_mode == CGROUP_V2 ? "2" : "1"); /* docker knows no hybrid */
	json_write_string(w, "CgroupLayout", cgroup_mode_name(i->facts.cgroup_mode));
	json_write_string(w, "CgroupControllers", i->controllers);
	json_write_array(w, "Cgroups");
	for (size_t n = 0; n < i->facts.cgroups_count; n++) {
		const HostCgroup *c = &i->facts.cgroups[n];
		json_write_object(w, NULL);
		json_write_string(w, "Version", c->is_v2 ? "2" : "1");
		json_write_string(w, "Controllers", c->controllers);
		json_write_string(w, "Mountpoint", c->mountpoint);
		json_write_bool(w, "Writable", c->writable);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_security(JsonWriter *w, const HostInfo *i)
{
	json_write_array(w, "SecurityOptions"); /* what containers get, in docker's words */
	json_write_string(w, NULL, "name=seccomp,profile=builtin");
	if (i->facts.cgroup_ns)
		json_write_string(w, NULL, "name=cgroupns");
	if (!i->facts.privileged)
		json_write_string(w, NULL, "name=rootless");
	json_write_end(w);
	json_write_string(w, "SecurityModules", i->security_modules);
	json_write_bool(w, "AppArmor", i->apparmor);
	json_write_string(w, "SELinux", selinux_word(i));
	json_write_u64(w, "LandlockAbi", (uint64_t)i->landlock_abi);
}

static int print_json(Arena *a, const HostInfo *i, const Defaults *d, Err *e)
{
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL); /* docker's names, where docker has them */
	json_write_string(&w, "ServerVersion", MYDOCKER_VERSION);
	json_write_string(&w, "BuildId", BUILD_ID);
	json_write_bool(&w, "Rootless", !i->facts.privileged);
	json_write_string(&w, "StateDir", i->state_dir);
	json_write_string(&w, "DockerRootDir", i->root_dir);
	json_write_array(&w, "ConfigurationFiles");
	for (size_t n = 0; n < d->count; n++)
		json_write_string(&w, NULL, d->files[n].path);
	json_write_end(&w);
	json_write_string(&w, "OperatingSystem", i->os);
	json_write_string(&w, "OSType", "linux");
	json_write_string(&w, "KernelVersion", i->kernel);
	json_write_string(&w, "Architecture", version_arch_machine);
	json_write_u64(&w, "NCPU", i->cpus);
	json_write_u64(&w, "MemTotal", i->memory);
	json_write_u64(&w, "SwapTotal", i->swap);
	write_groups(&w, i);
	write_security(&w, i);
	json_write_object(&w, "KernelFeatures");
	for (unsigned n = 0; n < i->features_count; n++)
		json_write_string(&w, i->features[n].name, feature_state_word(i->features[n].state));
	json_write_end(&w);
	json_write_end(&w);
	return format_print_json(&w, e);
}

static int info_main(const CliContext *c, void *opts, Err *e)
{
	HostInfo info;
	bool json;
	TRY(format_is_json(opts, &json, e));
	TRY(engine_sweep(c->global->state_dir, e));
	TRY(host_info_read(c->global->state_dir, c->global->root_dir, c->arena, &info, e));
	return json ? print_json(c->arena, &info, c->defaults, e)
		    : print_text(c->arena, &info, c->defaults, e);
}

const Cmd cmd_info = {
	.name = "info",
	.aliases = "system info",
	.args = "",
	.summary = "Show this host: kernel features, control groups, security",
	.group = CMD_SYSTEM,
	.opts = { format_opts },
	.opts_size = sizeof(FormatOpts),
	.failure_code = 1,
	.run = info_main,
};
