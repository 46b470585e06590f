#include "runtime/ended.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "disk/json_file.h"

#define VERSION 1
#define SUFFIX  ".json"

/* A file of the folder, newest first when sorted. */
typedef struct Entry {
	const char *id;
	struct timespec when;
} Entry;

static int folder_open(const char *state_dir, bool make, Arena *a, int *ret_fd, Err *e)
{
	const char *path = arena_printf(a, "%s/ended", state_dir);
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make %s", path);
	*ret_fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0 && errno == ENOENT)
		return -ENOENT;
	return *ret_fd < 0 ? err_sys(e, "open %s", path) : 0;
}

static int newest_first(const void *a, const void *b)
{
	const Entry *x = a, *y = b;
	if (x->when.tv_sec != y->when.tv_sec)
		return x->when.tv_sec < y->when.tv_sec ? 1 : -1;
	return (x->when.tv_nsec < y->when.tv_nsec) - (x->when.tv_nsec > y->when.tv_nsec);
}

/* "ID.json", or NULL for anything else. */
static const char *id_of(const char *file, Arena *a)
{
	size_t len = strlen(file), tail = strlen(SUFFIX);
	if (len <= tail || file[0] == '.' || strcmp(file + len - tail, SUFFIX) != 0)
		return NULL;
	return arena_strndup(a, file, len - tail);
}

static int folder_list(int fd, Arena *a, Entry **ret, size_t *ret_count, Err *e)
{
	AUTO(fd_close) int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return err_sys(e, "read the folder of ended containers");
	(void)TAKE_FD(copy); /* it is the stream's now */
	*ret = NULL;
	*ret_count = 0;
	for (struct dirent *d; (d = readdir(dir));) {
		struct stat st;
		const char *id = id_of(d->d_name, a);
		if (id && fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			*arena_push(a, ret, ret_count, Entry) = (Entry){ id, st.st_mtim };
	}
	(void)closedir(dir); /* was only read */
	if (*ret_count > 1)
		qsort(*ret, *ret_count, sizeof **ret, newest_first);
	return 0;
}

static void write_memory(JsonWriter *w, const CgroupMemory *m)
{
	json_write_u64(w, "oom_kills", m->oom_kills);
	json_write_u64(w, "memory_limit", m->limit);
	json_write_u64(w, "memory_total_limit", m->total_limit);
	json_write_u64(w, "memory_peak", m->peak);
}

static void write_one(JsonWriter *w, const Ended *x)
{
	json_write_object(w, NULL);
	json_write_u64(w, "version", VERSION);
	json_write_string(w, "id", x->id);
	json_write_string(w, "name", x->name);
	json_write_string(w, "command", x->command);
	json_write_u64(w, "when", x->when);
	json_write_u64(w, "pid", (uint64_t)x->pid);
	json_write_u64(w, "own_pids", x->own_pids);
	json_write_u64(w, "exit_code", (uint64_t)x->exit_code);
	json_write_u64(w, "signal", (uint64_t)x->signal);
	write_memory(w, &x->memory);
	json_write_u64(w, "passed_signal", (uint64_t)x->passed.number);
	json_write_u64(w, "passed_pid", (uint64_t)x->passed.pid);
	json_write_u64(w, "passed_uid", x->passed.uid);
	json_write_string(w, "error", x->error);
	json_write_string(w, "ours", x->ours);
	json_file_write_strings(w, "kernel", &x->kernel);
	json_write_end(w);
}

int ended_write(const char *state_dir, const Ended *x, Arena *a, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	Entry *entries;
	size_t count;
	JsonWriter w = json_writer(a, false);
	write_one(&w, x);
	TRY(folder_open(state_dir, true, a, &fd, e));
	if (flock(fd, LOCK_EX) < 0)
		return err_sys(e, "lock the folder of ended containers");
	TRY(json_file_replace(fd, arena_printf(a, "%s" SUFFIX, x->id), "new", &w, e));
	TRY(folder_list(fd, a, &entries, &count, e));
	for (size_t i = ENDED_KEPT; i < count; i++)
		(void)unlinkat(fd, arena_printf(a, "%s" SUFFIX, entries[i].id),
			       0); /* another may have been faster */
	return 0;
}

/* A whole number that fits an int. */
static int read_int(const JsonValue *v, const char *file, const char *key, int *ret, Err *e)
{
	uint64_t n;
	TRY(json_file_u64(v, file, key, INT32_MAX, &n, e));
	*ret = (int)n;
	return 0;
}

static int read_memory(const JsonValue *v, const char *file, CgroupMemory *m, Err *e)
{
	TRY(json_file_u64(v, file, "oom_kills", UINT64_MAX, &m->oom_kills, e));
	TRY(json_file_u64(v, file, "memory_limit", UINT64_MAX, &m->limit, e));
	TRY(json_file_u64(v, file, "memory_total_limit", UINT64_MAX, &m->total_limit, e));
	return json_file_u64(v, file, "memory_peak", UINT64_MAX, &m->peak, e);
}

static int read_one(int fd, const char *id, Arena *a, Ended *ret, Err *e)
{
	const char *file = arena_printf(a, "%s" SUFFIX, id);
	const JsonValue *v;
	Ended x = { .id = id };
	uint64_t uid;
	int own_pids;
	int r = json_file_read(fd, file, VERSION, a, &v, e);
	if (r == -ENOENT)
		return err_make(e, ERR_NOT_FOUND, 0, "container %.12s was forgotten just now", id);
	TRY(r);
	TRY(json_file_string(v, file, "name", &x.name, e));
	TRY(json_file_string(v, file, "command", &x.command, e));
	TRY(json_file_string(v, file, "error", &x.error, e));
	TRY(json_file_string(v, file, "ours", &x.ours, e));
	TRY(json_file_u64(v, file, "when", UINT64_MAX, &x.when, e));
	TRY(read_int(v, file, "pid", &x.pid, e));
	TRY(read_int(v, file, "own_pids", &own_pids, e));
	TRY(read_int(v, file, "exit_code", &x.exit_code, e));
	TRY(read_int(v, file, "signal", &x.signal, e));
	TRY(read_memory(v, file, &x.memory, e));
	TRY(read_int(v, file, "passed_signal", &x.passed.number, e));
	TRY(read_int(v, file, "passed_pid", &x.passed.pid, e));
	TRY(json_file_u64(v, file, "passed_uid", UINT32_MAX, &uid, e));
	TRY(json_file_strings(v, file, "kernel", a, &x.kernel, e));
	x.own_pids = own_pids;
	x.passed.uid = (uint32_t)uid;
	*ret = x;
	return 0;
}

static int none_found(const char *which, Err *e)
{
	if (!which)
		return err_make(e, ERR_NOT_FOUND, 0, "no run has failed since this host was started");
	return err_make(e, ERR_NOT_FOUND, 0,
			"no failed run of a container '%s' is remembered (the last %d are)", which,
			ENDED_KEPT);
}

int ended_find(const char *state_dir, const char *which, Arena *a, Ended *ret, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	Entry *entries, *by_id = NULL;
	size_t count;
	int r = folder_open(state_dir, false, a, &fd, e);
	if (r == -ENOENT)
		return none_found(which, e);
	TRY(r);
	TRY(folder_list(fd, a, &entries, &count, e));
	if (!which && count > 0)
		return read_one(fd, entries[0].id, a, ret, e);
	for (size_t i = 0; which && i < count; i++) {
		if (!str_starts(entries[i].id, which))
			continue;
		if (by_id)
			return err_make(e, ERR_USAGE, 0,
					"'%s' is the beginning of several containers' ids", which);
		by_id = &entries[i];
	}
	for (size_t i = 0; which && !by_id && i < count; i++) {
		TRY(read_one(fd, entries[i].id, a, ret, e));
		if (ret->name && strcmp(ret->name, which) == 0)
			return 0;
	}
	return by_id ? read_one(fd, by_id->id, a, ret, e) : none_found(which, e);
}
