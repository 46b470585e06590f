/* runc's `spec`: a config.json to begin with. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "fmt/json_write.h"
#include "oci/oci.h"

typedef struct SpecOpts {
	const char *bundle;
	bool rootless;
} SpecOpts;

static const Opt opts_table[] = {
	OPT_STR('b', "bundle", SpecOpts, bundle, "DIR",
		"Where to put it (default: the working directory)"),
	OPT_FLAG(0, "rootless", SpecOpts, rootless,
		 "For an ordinary user: in a user namespace that has you as root"),
	OPT_END,
};

static void words_write(JsonWriter *w, const char *key, const char *words, Arena *a)
{
	StrList l = str_split(a, words, ' ');
	json_write_array(w, key);
	for (size_t i = 0; i < l.count; i++)
		json_write_string(w, NULL, l.items[i]);
	json_write_end(w);
}

static void process_write(JsonWriter *w, Arena *a)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	json_write_object(w, "process");
	json_write_bool(w, "terminal", true);
	json_write_object(w, "user");
	json_write_u64(w, "uid", 0);
	json_write_u64(w, "gid", 0);
	json_write_end(w);
	words_write(w, "args", "sh", a);
	words_write(w, "env",
		    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=xterm", a);
	json_write_string(w, "cwd", "/");
	json_write_object(w, "capabilities");
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		words_write(w, sets[i], "CAP_AUDIT_WRITE CAP_KILL CAP_NET_BIND_SERVICE", a);
	json_write_end(w);
	json_write_array(w, "rlimits");
	json_write_object(w, NULL);
	json_write_string(w, "type", "RLIMIT_NOFILE");
	json_write_u64(w, "hard", 1024);
	json_write_u64(w, "soft", 1024);
	json_write_end(w);
	json_write_end(w);
	json_write_bool(w, "noNewPrivileges", true);
	json_write_end(w);
}

typedef struct MountRow {
	const char *destination, *type, *source, *options; /* options: NULL: none */
} MountRow;

static void mount_write(JsonWriter *w, const MountRow *m, Arena *a)
{
	json_write_object(w, NULL);
	json_write_string(w, "destination", m->destination);
	json_write_string(w, "type", m->type);
	json_write_string(w, "source", m->source);
	if (m->options)
		words_write(w, "options", m->options, a);
	json_write_end(w);
}

/* A user namespace alone has no group 5, and may not mount a sysfs of a network namespace that is the host's. */
static void mounts_write(JsonWriter *w, bool rootless, Arena *a)
{
	static const char pts[] = "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5",
			  apart[] = "nosuid noexec nodev";
	static const size_t group = sizeof " gid=5" - 1;
	const MountRow rows[] = {
		{ "/proc", "proc", "proc", NULL },
		{ "/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k" },
		{ "/dev/pts", "devpts", "devpts",
		  rootless ? arena_strndup(a, pts, sizeof pts - 1 - group) : pts },
		{ "/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k" },
		{ "/dev/mqueue", "mqueue", "mqueue", apart },
		{ "/sys", rootless ? "none" : "sysfs", rootless ? "/sys" : "sysfs",
		  rootless ? "rbind nosuid noexec nodev ro" : "nosuid noexec nodev ro" },
		{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro" },
	};
	json_write_array(w, "mounts");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		mount_write(w, &rows[i], a);
	json_write_end(w);
}

static void id_map_write(JsonWriter *w, const char *key, uint32_t host)
{
	json_write_array(w, key);
	json_write_object(w, NULL);
	json_write_u64(w, "containerID", 0);
	json_write_u64(w, "hostID", host);
	json_write_u64(w, "size", 1);
	json_write_end(w);
	json_write_end(w);
}

static void namespaces_write(JsonWriter *w, const char *types, Arena *a)
{
	StrList l = str_split(a, types, ' ');
	json_write_array(w, "namespaces");
	for (size_t i = 0; i < l.count; i++) {
		json_write_object(w, NULL);
		json_write_string(w, "type", l.items[i]);
		json_write_end(w);
	}
	json_write_end(w);
}

/* Nothing may be used but what every container may (device_defaults.h). */
static void resources_write(JsonWriter *w)
{
	json_write_object(w, "resources");
	json_write_array(w, "devices");
	json_write_object(w, NULL);
	json_write_bool(w, "allow", false);
	json_write_string(w, "access", "rwm");
	json_write_end(w);
	json_write_end(w);
	json_write_end(w);
}

/* A cgroup namespace only where cgroup v2 is alone, as runc has it: with v1 programs look for their group from the host's root. */
static void linux_write(JsonWriter *w, bool rootless, Arena *a)
{
	bool alone = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
	json_write_object(w, "linux");
	if (rootless) {
		id_map_write(w, "uidMappings", geteuid());
		id_map_write(w, "gidMappings", getegid());
		namespaces_write(w, alone ? "pid ipc uts mount cgroup user" : "pid ipc uts mount user",
				 a);
	} else {
		resources_write(w);
		namespaces_write(w, alone ? "pid network ipc uts mount cgroup" : "pid network ipc uts mount",
				 a);
	}
	words_write(w, "maskedPaths",
		    "/proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list "
		    "/proc/timer_stats /proc/sched_debug /sys/firmware /proc/scsi",
		    a);
	words_write(w, "readonlyPaths", "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger", a);
	json_write_end(w);
}

static int file_write(const char *dir, JsonWriter *w, Arena *a, Err *e)
{
	size_t len;
	const char *text = json_write_done(w, &len), *path = arena_printf(a, "%s/config.json", dir);
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return err_make(e, ERR_EXISTS, 0, "File config.json exists. Remove it first"); /* runc's words */
	if (fd < 0)
		return err_sys(e, "make %s", path);
	return fd_write_all(fd, text, len, path, e);
}

static int spec_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const SpecOpts *o = opts;
	(void)g;
	(void)args;
	JsonWriter w = json_writer(a, true);
	json_write_object(&w, NULL);
	json_write_string(&w, "ociVersion", SPEC_OCI_VERSION);
	process_write(&w, a);
	json_write_object(&w, "root");
	json_write_string(&w, "path", "rootfs");
	json_write_bool(&w, "readonly", true);
	json_write_end(&w);
	json_write_string(&w, "hostname", OCI_PROGRAM);
	mounts_write(&w, o->rootless, a);
	linux_write(&w, o->rootless, a);
	json_write_end(&w);
	return file_write(o->bundle ? o->bundle : ".", &w, a, e);
}

const OciCmd oci_spec = {
	.name = "spec",
	.args = "",
	.summary = "Write a config.json to begin with",
	.opts = { opts_table },
	.opts_size = sizeof(SpecOpts),
	.run = spec_main,
};
