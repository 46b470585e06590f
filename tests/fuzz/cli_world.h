/* cli_world.h - a small world for command lines: a folder of its own, an environment, hosts that are made up.    (tests/fuzz/)
 *
 * A fuzz target that reads options runs in this folder, and what would lead it out is dropped before it is read (world_keep_inside()): it
 * opens no file of the machine for reading and writes none. What the product merely looks at stays: where a path leads (O_PATH,
 * stat()), the list of mounts for a volume that is shared, the names in /dev with --privileged, four letters of a time zone's file.
 */
#pragma once
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/plan_hosts.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/run_options.h"

/* ---- the folder ---- */

static const struct WorldFile {
	const char *path, *text; /* NULL: a directory */
} world_files[] = {
	{ "root", NULL },
	{ "root/etc", NULL },
	{ "root/etc/passwd", "root:x:0:0::/root:\nme:x:1000:1001::/home/me:\n" },
	{ "root/etc/group", "root:x:0:\nsound:x:29:me\n" },
	{ "env", "A=1\n# no variable\nHOME\nNONE\nB=two words\r\n" },
	{ "env_bad", "A=1\nwith space=1\n" },
	{ "labels", "one=1\ntwo\n" },
	{ "profile.json", "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"kexec_load\"], "
			  "\"action\": \"SCMP_ACT_ERRNO\"}]}" },
	{ "program", "" },
};

static char world_path[] = "/dev/shm/mydocker-fuzz-XXXXXX";

/* Made at the first call; goes with the process. */
static int world_folder(void)
{
	static int folder = FD_NONE;
	if (folder >= 0)
		return folder;
	assert(mkdtemp(world_path));
	folder = open(world_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert(folder >= 0 && mkfifoat(folder, "fifo", 0600) == 0);
	for (size_t i = 0; i < ARRAY_LEN(world_files); i++) {
		const struct WorldFile *w = &world_files[i];
		if (!w->text) {
			assert(mkdirat(folder, w->path, 0700) == 0);
			continue;
		}
		AUTO(fd_close)
		int fd = openat(folder, w->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
		assert(fd >= 0 && fd_write_all(fd, w->text, strlen(w->text), w->path, NULL) == 0);
	}
	return folder;
}

__attribute__((destructor)) static void world_remove(void)
{
	int folder = world_folder();
	(void)unlinkat(folder, "fifo", 0); /* what is left is seen there */
	for (size_t i = ARRAY_LEN(world_files); i-- > 0;)
		(void)unlinkat(folder, world_files[i].path, world_files[i].text ? 0 : AT_REMOVEDIR);
	(void)rmdir(world_path);
}

typedef struct World {
	int back; /* where we came from */
	char **environ;
} World;

static World world_enter(void)
{
	static char home[] = "HOME=/home/me", hostile[] = "HOSTILE=a\nb\x1b[31m";
	static char *made_up[] = { home, hostile, NULL };
	World w = { .back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), .environ = environ };
	assert(w.back >= 0 && fchdir(world_folder()) == 0);
	environ = made_up;
	return w;
}

static void world_leave(World *w)
{
	environ = w->environ;
	assert(fchdir(w->back) == 0);
	fd_close(w->back);
}

/* ---- the hosts ---- */

static HostMount world_mounts[] = {
	{ .mountpoint = "/", .fstype = "ext4", .source = "/dev/sda1", .is_dir = true },
	{ .mountpoint = "/home", .fstype = "xfs", .source = "/dev/sda2", .is_dir = true },
	{ .mountpoint = "/proc", .fstype = "proc", .source = "proc", .is_dir = true },
	{ .mountpoint = "/sys", .fstype = "sysfs", .source = "sysfs", .is_dir = true },
};
static HostEntry world_entries[] = {
	{ .path = "/bin", .link = "usr/bin" },
	{ .path = "/home", .is_dir = true, .has_mounts = true },
	{ .path = "/usr", .is_dir = true },
};

static const SubidFiles world_subids = {
	.passwd = "root:x:0:0::/root:\nme:x:1000:1001::/home/me:\n",
	.subuid = "root:100000:65536\nme:200000:65536\ncontainers:300000:200000\nodd:1:x\n",
	.subgid = "root:100000:65536\nme:200000:65536\ncontainers:300000:200000\n",
	.uid_map = "         0          0 4294967295\n",
	.gid_map = "         0          0 4294967295\n",
};

static const struct WorldHost {
	const char *name;
	const HostFacts *facts;
	bool has_more; /* newer, and with the programs that map ids */
} world_hosts[] = {
	{ "v2_root", &v2_root, false },         { "v1_root", &v1_root, false },
	{ "hybrid_root", &hybrid_root, false }, { "v2_user", &v2_user, false },
	{ "v1_user", &v1_user, false },         { "bare_root", &bare_root, false },
	{ "rich_root", &v2_root, true },        { "rich_user", &v2_user, true },
};

static SpecIdMap world_own_map[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };

/* The one of this name, or else the first. */
static HostFacts world_host(const char *name)
{
	const struct WorldHost *h = &world_hosts[0];
	for (size_t i = 0; i < ARRAY_LEN(world_hosts); i++)
		if (str_eq(name, world_hosts[i].name))
			h = &world_hosts[i];
	HostFacts f = *h->facts;
	f.mounts = world_mounts;
	f.mounts_count = ARRAY_LEN(world_mounts);
	f.kernel_major = 6;
	f.kernel_minor = 1;
	f.uid_map = f.gid_map = world_own_map; /* of who has less: root of an inner user namespace */
	f.uid_map_count = f.gid_map_count = ARRAY_LEN(world_own_map);
	f.first_user_ns = f.apparmor = f.apparmor_attr = h->has_more;
	f.entries = host_facts_has_root(&f) ? NULL : world_entries;
	f.entries_count = host_facts_has_root(&f) ? 0 : ARRAY_LEN(world_entries);
	f.newuidmap = h->has_more ? "/usr/bin/newuidmap" : NULL;
	f.newgidmap = h->has_more ? "/usr/bin/newgidmap" : NULL;
	return f;
}

/* ---- what would lead out of it ---- */

static bool is_inside(const char *path)
{
	return *path != '/' && !strstr(path, "..");
}

/* A device is only looked at, but a directory of devices is walked through. */
static bool is_known_device(const char *text)
{
	static const char *const known[] = { "/dev/null", "/dev/zero", "/dev/full", "/nowhere" };
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *rest = str_after(text, known[i]);
		if (rest && (*rest == '\0' || *rest == ':'))
			return true;
	}
	return *text != '/' && !strchr(text, '.');
}

static bool is_security_inside(const char *text)
{
	const char *file = str_after(text, "seccomp");
	return !file || *file == '\0' || is_inside(file + 1);
}

static bool is_root_inside(const char *text)
{
	return str_eq(text, "/") || str_starts(text, "/:") || is_inside(text);
}

static void list_keep(StrList *l, bool (*may_stay)(const char *))
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (may_stay(l->items[i]))
			l->items[kept++] = l->items[i];
	l->count = kept;
}

static void world_keep_inside(RunOpts *o)
{
	RunRequest *r = &o->request;
	StrList *devices[] = { &r->devices,          &r->blkio_weight_devices, &r->device_read_bps,
			       &r->device_read_iops, &r->device_write_bps,     &r->device_write_iops };
	list_keep(&o->env_files, is_inside);
	list_keep(&o->label_files, is_inside);
	list_keep(&o->security, is_security_inside);
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		list_keep(devices[i], is_known_device);
	if (r->init_path && !is_inside(r->init_path))
		r->init_path = NULL;
	if (r->rootfs && !is_root_inside(r->rootfs))
		r->rootfs = "root";
}

/* ---- messages ---- */

/* In place of base/log.c, which writes to standard error and has its own test. */
void log_set_debug(bool on)
{
	(void)on;
}

bool log_is_debug(void)
{
	return false;
}

__attribute__((format(printf, 1, 0))) static void log_check(const char *fmt, va_list ap)
{
	char text[1024];
	assert(vsnprintf(text, sizeof text, fmt, ap) > 0);
}

#define WORLD_LOG(name)                 \
	void name(const char *fmt, ...) \
	{                               \
		va_list ap;             \
		va_start(ap, fmt);      \
		log_check(fmt, ap);     \
		va_end(ap);             \
	}
WORLD_LOG(log_note)
WORLD_LOG(log_warn)
WORLD_LOG(log_debug)
