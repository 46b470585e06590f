#include "oci/container.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/str.h"
#include "disk/json_file.h"
#include "engine/user.h"
#include "kern/cgroup_members.h"
#include "kern/mountinfo.h"
#include "kern/process.h"
#include "kern/regular_file.h"
#include "runtime/userns_of.h"

#define FILE_OCI    "oci.json"
#define FILE_CONFIG "config.json"
#define VERSION     1

DEFINE_AUTO(DIR *, closedir, NULL)

const char *oci_status_name(OciStatus s)
{
	static const char *const names[] = { "creating", "created", "running", "paused", "stopped" };
	return names[s];
}

void oci_container_close(OciContainer *c)
{
	fd_close_auto(&c->pidfd);
	fd_close_auto(&c->dir_fd);
	state_close(&c->state);
}

void oci_container_write(const OciContainer *c, JsonWriter *w)
{
	json_write_object(w, NULL);
	json_write_string(w, "ociVersion", SPEC_OCI_VERSION);
	json_write_string(w, "id", c->id);
	json_write_u64(w, "pid", (uint64_t)c->pid);
	json_write_string(w, "status", oci_status_name(c->status));
	json_write_string(w, "bundle", c->bundle);
	json_write_string(w, "rootfs", c->rootfs);
	json_write_string(w, "created", c->created);
	json_write_object(w, "annotations");
	for (size_t i = 0; i < c->record.annotations_count; i++)
		json_write_string(w, c->record.annotations[i].key, c->record.annotations[i].value);
	json_write_end(w);
	json_write_string(w, "owner", c->owner);
	json_write_end(w);
}

bool oci_container_denies_setgroups(const OciContainer *c, Arena *a)
{
	char text[16];
	const char *path = arena_printf(a, "/proc/%d/setgroups", (int)c->pid);
	return fd_read_text_at(AT_FDCWD, path, text, sizeof text) > 0 && strcmp(text, "deny") == 0;
}

int oci_container_maps(const OciContainer *c, Spec *s, Arena *a, Err *e)
{
	if (!s->linux_.namespace_paths[__builtin_ctz(SPEC_NS_USER)])
		return 0;
	return userns_of(arena_printf(a, "/proc/%d/ns/user", (int)c->pid), &s->linux_, a, e);
}

/* ---- oci.json ---- */

/* RFC 3339, with nanoseconds. */
static const char *now(Arena *a)
{
	struct timespec t;
	struct tm tm;
	char text[32];
	(void)clock_gettime(CLOCK_REALTIME, &t);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&t.tv_sec, &tm));
	return arena_printf(a, "%s.%09ldZ", text, t.tv_nsec);
}

static bool has_late_hooks(const Spec *s)
{
	return s->hooks[SPEC_HOOK_POSTSTART].count + s->hooks[SPEC_HOOK_POSTSTOP].count > 0;
}

int oci_container_save(int dir_fd, const OciPlan *p, Arena *a, Err *e)
{
	char *passwd;
	const char *owner = NULL;
	if (mountinfo_read("/etc/passwd", a, &passwd, NULL) >= 0)
		owner = user_name_of(passwd, geteuid());
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_u64(&w, "version", VERSION);
	json_write_string(&w, "bundle", p->bundle.dir);
	json_write_string(&w, "rootfs", p->bundle.spec.root.path);
	json_write_string(&w, "created", now(a));
	json_write_string(&w, "owner", owner ? owner : ""); /* for people */
	json_write_u64(&w, "hooks", has_late_hooks(&p->bundle.spec));
	json_write_end(&w);
	/* first what the other says there are hooks in */
	TRY(json_file_replace_text(dir_fd, FILE_CONFIG, FILE_CONFIG ".new", p->bundle.text,
				   p->bundle.text_len, e));
	return json_file_replace(dir_fd, FILE_OCI, FILE_OCI ".new", &w, e);
}

int oci_container_spec(const OciContainer *c, Arena *a, Spec *ret, Err *e)
{
	const char *text;
	size_t len;
	const char *path = arena_printf(a, "%s/containers/%s/" FILE_CONFIG, c->state.path, c->id);
	TRY(regular_file_read(path, path, LIMIT_CONFIG_BYTES, ERR_STATE, a, &text, &len, e));
	int r = spec_decode(text, len, a, ret, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

static int oci_file_read(OciContainer *c, Arena *a, Err *e)
{
	const JsonValue *v;
	int r = json_file_read(c->dir_fd, FILE_OCI, VERSION, a, &v, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	TRY(json_file_string(v, FILE_OCI, "bundle", &c->bundle, e));
	TRY(json_file_string(v, FILE_OCI, "rootfs", &c->rootfs, e));
	TRY(json_file_string(v, FILE_OCI, "created", &c->created, e));
	uint64_t hooks;
	TRY(json_file_u64(v, FILE_OCI, "hooks", 1, &hooks, e));
	c->has_hooks = hooks;
	return json_file_string(v, FILE_OCI, "owner", &c->owner, e);
}

int oci_container_read(int dir_fd, Arena *a, Err *e)
{
	OciContainer c = { .dir_fd = dir_fd }; /* borrowed */
	return oci_file_read(&c, a, e);
}

/* ---- what becomes of it ---- */

static bool is_of_this_boot(const Record *r)
{
	char boot[BOOT_ID_SIZE];
	return boot_id(boot, NULL) == 0 && strcmp(boot, r->boot_id) == 0;
}

const char *oci_container_group(const OciContainer *c)
{
	const char *freezer = oci_container_freezer(c);
	if (freezer)
		return freezer;
	return c->record.groups.count > 0 ? c->record.groups.items[0] : NULL;
}

const char *oci_container_freezer(const OciContainer *c)
{
	const char *v2 = NULL;
	for (size_t i = 0; i < c->record.groups.count; i++) {
		const char *dir = c->record.groups.items[i];
		int r = cgroup_is_frozen(dir);
		if (r >= 0 && cgroup_is_v1(dir))
			return dir;
		if (r >= 0)
			v2 = dir;
	}
	return v2;
}

static bool is_frozen(const OciContainer *c)
{
	for (size_t i = 0; i < c->record.groups.count; i++)
		if (cgroup_is_frozen(c->record.groups.items[i]) > 0)
			return true;
	return false;
}

/* Its process, if that still lives: same boot, same number, same start time, and no zombie. */
static int find_process(OciContainer *c, Arena *a, Err *e)
{
	RecordProcess p;
	uint64_t start = 0;
	AUTO(fd_close) int pidfd = FD_NONE;
	int r = record_read_process(c->dir_fd, a, &p, e);
	if (r < 0)
		return r;
	c->status = OCI_STOPPED;
	if (!is_of_this_boot(&c->record))
		return 0;
	r = process_open(p.pid, &pidfd, e);
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	if (process_start_time(p.pid, &start) < 0 || start != p.start_time ||
	    process_has_ended(pidfd, 0))
		return 0;
	c->pid = p.pid;
	c->pidfd = TAKE_FD(pidfd);
	if (is_frozen(c))
		c->status = OCI_PAUSED;
	else
		c->status = faccessat(c->dir_fd, OCI_START_FIFO, F_OK, 0) == 0 ? OCI_CREATED
									       : OCI_RUNNING;
	return 0;
}

/* Without a process it is being made as long as somebody holds the lock. */
static int find_status(OciContainer *c, Arena *a, Err *e)
{
	AUTO(container_dir_close) ContainerDir d = CONTAINER_DIR_NONE;
	int r = record_read(c->dir_fd, a, &c->record, e);
	if (r == -ENOENT && record_has_process(c->dir_fd))
		return err_make(e, ERR_STATE, 0, "record.json is gone, and there was a process");
	if (r == 0)
		r = find_process(c, a, e);
	if (r != -ENOENT)
		return r;
	r = state_lock(&c->state, c->id, a, &d, e);
	c->status = r == -EBUSY ? OCI_CREATING : OCI_STOPPED;
	return r == -EBUSY || r == -ENOENT ? 0 : r;
}

int oci_container_open(const OciGlobal *g, const char *id, Arena *a, OciContainer *ret, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	const char *dir;
	TRY(oci_id_check(id, e));
	TRY(oci_state_dir(g, a, &dir, e));
	c.id = id;
	c.bundle = c.rootfs = c.created = c.owner = "";
	const char *path = arena_printf(a, "%s/containers/%s", dir, id);
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		(void)err_make(e, ERR_NOT_FOUND, 0, "container %s does not exist", id);
		return -ENOENT; /* without its text, which podman would take for a missing command */
	}
	TRY(state_open(dir, a, &c.state, e));
	c.dir_fd = openat(c.state.containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c.dir_fd < 0)
		return err_sys(e, "open %s", path);
	int r = oci_file_read(&c, a, e);
	if (r == 0)
		r = find_status(&c, a, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	*ret = TAKE(c, OCI_CONTAINER_NONE);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int oci_container_ids(const OciGlobal *g, Arena *a, StrList *ret, Err *e)
{
	const char *dir;
	TRY(oci_state_dir(g, a, &dir, e));
	if (g->root && access(dir, F_OK) < 0)
		return err_sys(e, "%s", dir);
	AUTO(closedir) DIR *d = opendir(arena_printf(a, "%s/containers", dir));
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, "list %s/containers", dir);
	struct dirent *entry;
	while (errno = 0, (entry = readdir(d)))
		if (oci_id_check(entry->d_name, NULL) == 0)
			strlist_add(a, ret, arena_strdup(a, entry->d_name));
	if (errno)
		return err_sys(e, "list %s/containers", dir);
	if (ret->count > 1)
		qsort(ret->items, ret->count, sizeof *ret->items, compare);
	return 0;
}
