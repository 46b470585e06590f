#include "kern/cgroup_update.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/own.h"
#include "base/str.h"
#include "kern/cgroup_parts.h"

/* ---- what is set ---- */

/* A number, "max", or -1, which a quota has. v1 has no word for "no limit" of memory: the most pages that there can be. */
static int64_t limit_of(const char *text)
{
	uint64_t n;
	if (num_parse_u64(text, UINT64_MAX, &n) < 0 || n >= UINT64_C(1) << 62)
		return -1;
	return (int64_t)n;
}

static void read_limit(const char *dir, const char *file, int64_t *ret)
{
	char path[4096], text[64];
	if (str_format(path, sizeof path, "%s/%s", dir, file) >= 0 &&
	    fd_read_text_at(AT_FDCWD, path, text, sizeof text) > 0)
		*ret = limit_of(text);
}

/* "QUOTA PERIOD" */
static void read_cpu_max(const char *dir, CgroupLimits *ret)
{
	char path[4096], text[64];
	if (str_format(path, sizeof path, "%s/cpu.max", dir) < 0 ||
	    fd_read_text_at(AT_FDCWD, path, text, sizeof text) < 0)
		return;
	char *space = strchr(text, ' ');
	if (!space)
		return;
	*space = '\0';
	ret->quota = limit_of(text);
	ret->period = limit_of(space + 1);
}

void cgroup_read_limits(const char *dir, bool is_v2, CgroupLimits *ret)
{
	const struct {
		const char *v1, *v2;
		int64_t *to;
	} rows[] = {
		{ "memory.limit_in_bytes", "memory.max", &ret->memory },
		{ "memory.memsw.limit_in_bytes", "memory.swap.max", &ret->swap },
		{ "cpu.cfs_quota_us", NULL, &ret->quota },
		{ "cpu.cfs_period_us", NULL, &ret->period },
		{ "cpu.cfs_burst_us", "cpu.max.burst", &ret->burst },
		{ "cpu.rt_runtime_us", NULL, &ret->rt_runtime },
		{ "cpu.rt_period_us", NULL, &ret->rt_period },
		{ "cpu.idle", "cpu.idle", &ret->idle },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (is_v2 ? rows[i].v2 : rows[i].v1)
			read_limit(dir, is_v2 ? rows[i].v2 : rows[i].v1, rows[i].to);
	if (is_v2)
		read_cpu_max(dir, ret);
}

/* ---- what was before ---- */

/* Files of lines, each for one device: the written value's first word says which. Without a line, this takes a limit back. */
static const struct {
	const char *start, *none; /* the file's name begins so; NULL: each has its line */
} line_files[] = {
	{ "blkio.throttle.", "0" },     { "blkio.bfq.weight_device", "default" },
	{ "blkio.weight_device", "0" }, { "io.max", "rbps=max wbps=max riops=max wiops=max" },
	{ "io.weight", "default" },     { "io.bfq.weight", "default" },
	{ "io.latency", "target=0" },   { "rdma.max", "hca_handle=max hca_object=max" },
	{ "misc.max", NULL },           { "net_prio.ifpriomap", NULL },
};

/* The line that begins with this word and a space, or NULL; its end becomes the text's. */
static const char *find_line(char *text, const char *word, size_t len)
{
	for (char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (strncmp(line, word, len) == 0 && line[len] == ' ') {
			*end = '\0';
			return line;
		}
	}
	return NULL;
}

/* What has to be written to a file for it to be as it is before `value` is written; NULL: that is not known. */
static const char *value_before(Arena *a, const char *path, const char *file, const char *value)
{
	char text[8192];
	ssize_t len = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	const char *space = strchr(value, ' ');
	if (len < 0)
		return NULL;
	if (str_eq(file, "memory.oom_control")) {
		const char *line = find_line(text, "oom_kill_disable", strlen("oom_kill_disable"));
		return line ? arena_strdup(a, strchr(line, ' ') + 1) : NULL;
	}
	for (size_t i = 0; space && i < ARRAY_LEN(line_files); i++) {
		if (!str_starts(file, line_files[i].start))
			continue;
		const char *line = find_line(text, value, (size_t)(space - value));
		if (line)
			return arena_strdup(a, line);
		return line_files[i].none ? arena_printf(a, "%.*s %s", (int)(space - value), value,
							 line_files[i].none)
					  : NULL;
	}
	*strchrnul(text, '\n') = '\0';               /* io.weight's first line is for all */
	return *text ? arena_strdup(a, text) : "\n"; /* a write of nothing is none */
}

/* ---- writing ---- */

typedef struct Done {
	const char *path, *what;
	const char *before; /* NULL: nothing was written, or it is not known */
} Done;

static void take_back(const Done *done, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		int r = done[i].before ? fd_write_text_at(AT_FDCWD, done[i].path, done[i].before) : 0;
		if (r < 0)
			log_warn("the %s could not be set back: %s to '%s'", done[i].what,
				 done[i].path, done[i].before);
	}
}

static bool is_in_place(const char *before, const char *value)
{
	const char *weight = before ? str_after(before, "default ") : NULL;
	return before && (str_eq(before, value) || (weight && str_eq(weight, value)));
}

/* A v2 group was made with the controllers that it needed then. */
static int controller_hand_down(const CgroupRequest *g, int dirfd, const CgroupWrite *w, Err *e)
{
	CgroupRequest one = *g;
	if (!g->is_v2 || faccessat(dirfd, w->file, F_OK, 0) == 0)
		return 0;
	one.writes = w;
	one.writes_count = 1;
	return cgroup_v2_prepare(&one, e);
}

static int update_one(const CgroupUpdate *u, Arena *a, Done *ret, Err *e)
{
	const CgroupRequest *g = u->group;
	const CgroupWrite *w = u->write;
	AUTO(fd_close) int dirfd = openat(AT_FDCWD, g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(e, "set the %s to %s: open the group %s", w->what, w->value, g->dir);
	TRY(controller_hand_down(g, dirfd, w, e));
	bool other = w->or_file && faccessat(dirfd, w->file, F_OK, 0) < 0;
	const char *file = other ? w->or_file : w->file;
	const char *value = other ? w->or_value : w->value;
	Done done = { .path = arena_printf(a, "%s/%s", g->dir, file), .what = w->what };
	done.before = value_before(a, done.path, file, value);
	if (is_in_place(done.before, value)) {
		*ret = (Done){ .what = w->what };
		return 0;
	}
	TRY(cgroup_write_one(g, dirfd, w, e));
	*ret = done;
	return 0;
}

int cgroup_update(const CgroupUpdate *items, size_t count, Arena *a, Err *e)
{
	Done *done = arena_new_array(a, count, Done);
	for (size_t i = 0; i < count; i++) {
		int r = update_one(&items[i], a, &done[i], e);
		if (r < 0) {
			take_back(done, i);
			return r;
		}
	}
	return 0;
}
