#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/own.h"
#include "base/str.h"
#include "kern/cgroup_parts.h"

#define PATH_SIZE 4096
#define WHY_SIZE  320

/* ---- why a write failed ---- */

/* The group above one. */
static int above_of(const char *dir, char ret[static PATH_SIZE])
{
	const char *slash = strrchr(dir, '/');
	return str_format(ret, PATH_SIZE, "%.*s", (int)(slash - dir), dir);
}

/* A file of the group above, "" when it cannot be read. */
static const char *read_above(const CgroupRequest *r, const char *file, char *text, size_t size)
{
	char dir[PATH_SIZE], path[PATH_SIZE];
	text[0] = '\0';
	if (above_of(r->dir, dir) < 0 || str_format(path, sizeof path, "%s/%s", dir, file) < 0 ||
	    fd_read_text_at(AT_FDCWD, path, text, size) < 0)
		text[0] = '\0';
	return text;
}

/* What a group may have is bounded by the one above it. False: that is not the reason. */
static bool why_above(const CgroupRequest *r, const char *file, char why[static WHY_SIZE])
{
	char dir[PATH_SIZE], has[128], period[32];
	if (above_of(r->dir, dir) < 0)
		return false;
	if (str_eq(file, "cpu.rt_runtime_us") || str_eq(file, "cpu.rt_period_us")) {
		read_above(r, "cpu.rt_runtime_us", has, sizeof has);
		read_above(r, "cpu.rt_period_us", period, sizeof period);
		return str_format(why, WHY_SIZE,
				  "the group above, %s, has %s us in each %s to share out: write more to its "
				  "cpu.rt_runtime_us, or name one that has it with --cgroup-parent",
				  dir, has, period) >= 0;
	}
	if (str_eq(file, "cpu.cfs_quota_us")) {
		read_above(r, file, has, sizeof has);
		read_above(r, "cpu.cfs_period_us", period, sizeof period);
		return *has && !str_eq(has, "-1") &&
		       str_format(why, WHY_SIZE, "the group above, %s, has %s us in each %s", dir,
				  has, period) >= 0;
	}
	if (str_eq(file, "cpuset.cpus") || str_eq(file, "cpuset.mems")) {
		(void)str_format(period, sizeof period, "%s%s", file, r->is_v2 ? ".effective" : ""); /* fits */
		read_above(r, period, has, sizeof has);
		return *has && str_format(why, WHY_SIZE, "the group above, %s, has %s", dir, has) >= 0;
	}
	return false;
}

/* Errors that mean one thing for one kind of file. */
static const char *why_by_error(const char *file, int no)
{
	static const struct {
		const char *start;
		int no;
		const char *why;
	} rows[] = {
		{ "blkio.", ENODEV, "no such block device, or only a partition of one" },
		{ "io.", ENODEV, "no such block device, or only a partition of one" },
		{ "blkio.", EOPNOTSUPP, "the I/O scheduler of that device is not bfq" },
		{ "io.", EOPNOTSUPP, "the I/O scheduler of that device has no weights" },
		{ "memory.limit_in_bytes", EBUSY, "the group uses more already" },
		{ "memory.use_hierarchy", EINVAL, "Linux 5.11 and later always count them" },
		{ "net_prio.", EINVAL, "no such network interface" },
		{ "rdma.", EINVAL, "no such RDMA device" },
		{ "rdma.", ENODEV, "no such RDMA device" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (no == rows[i].no && str_starts(file, rows[i].start))
			return rows[i].why;
	return NULL;
}

static int fail(const CgroupRequest *r, const CgroupWrite *w, const char *file, const char *value,
		int no, Err *e)
{
	char above[WHY_SIZE];
	const char *why = why_by_error(file, no);
	if (!why && why_above(r, file, above))
		why = above;
	if (!why)
		return err_make(e, ERR_SYS, no, "set the %s to %s: the kernel refuses it for %s/%s",
				w->what, value, r->dir, file);
	return err_make(e, ERR_SYS, no, "set the %s to %s: %s (%s/%s)", w->what, value, why, r->dir,
			file);
}

/* The group lacks the file: its controller was not handed down, or the kernel does not have it. */
static int fail_without_file(const CgroupRequest *r, const CgroupWrite *w, Err *e)
{
	char above[PATH_SIZE];
	TRY(str_format(above, sizeof above, "%s", r->dir));
	for (char *slash; strlen(above) > strlen(r->top) && (slash = strrchr(above, '/'));) {
		*slash = '\0';
		if (r->is_v2 && cgroup_v2_holds_processes(above))
			return err_make(e, ERR_SYS, ENOENT,
					"set the %s to %s: the group %s holds processes, so cgroup v2 hands no controller on "
					"to groups in it; %s",
					w->what, w->value, above,
					str_eq(above, r->top)
						? "start from one that holds none, or move them to a group below it first"
						: "name one that holds none with --cgroup-parent");
	}
	return err_make(e, ERR_SYS, ENOENT,
			"set the %s to %s: %s%sthe group %s has no %s (controllers here: %s)",
			w->what, w->value, w->missing ? w->missing : "", w->missing ? "; " : "",
			r->dir, w->file, *r->controllers ? r->controllers : "none");
}

/* ---- writing ---- */

/* The file that was written last: the rules for devices go into the same one, one write(2) each. */
typedef struct OpenFile {
	const char *name;
	int fd;
} OpenFile;

static inline void open_file_done_auto(OpenFile *f)
{
	fd_close_auto(&f->fd);
}

static int open_file(OpenFile *f, int dirfd, const char *name)
{
	if (f->fd >= 0 && str_eq(f->name, name))
		return 0;
	fd_close_auto(&f->fd);
	f->name = name;
	f->fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	return f->fd < 0 ? -errno : 0;
}

/* The value must be above the number in another file of the group: what it limits may be in use already. */
static int check_above(const CgroupRequest *r, int dirfd, const CgroupWrite *w, Err *e)
{
	uint64_t used, value;
	if (!w->above || num_parse_u64(w->value, UINT64_MAX, &value) < 0)
		return 0;
	int n = cgroup_read_number(dirfd, w->above, &used);
	if (n == -ENOENT) /* its controller is not there: the write will say so */
		return 0;
	if (n < 0)
		return err_make(e, ERR_SYS, -n, "read %s/%s", r->dir, w->above);
	if (value <= used)
		return err_make(e, ERR_STATE, EBUSY, "set the %s to %s: the group %s uses %llu already",
				w->what, w->value, r->dir, (unsigned long long)used);
	return 0;
}

/* Returns 1 for a default that the group has no file for. */
static int write_one(const CgroupRequest *r, int dirfd, const CgroupWrite *w, OpenFile *f, Err *e)
{
	const char *value = w->value;
	TRY(check_above(r, dirfd, w, e));
	int n = open_file(f, dirfd, w->file);
	if (n == -ENOENT && w->or_file) {
		value = w->or_value;
		n = open_file(f, dirfd, w->or_file);
	}
	if (n == -ENOENT)
		return w->asked ? fail_without_file(r, w, e) : 1;
	if (n == 0 && write(f->fd, value, strlen(value)) == (ssize_t)strlen(value))
		return 0;
	return fail(r, w, f->name, value, n < 0 ? -n : errno, e);
}

static void warn_left_out(const CgroupRequest *r, int dirfd)
{
	for (size_t i = 0; i < r->writes_count; i++) {
		const CgroupWrite *w = &r->writes[i];
		if (!w->asked && faccessat(dirfd, w->file, F_OK, 0) < 0)
			log_warn("the default %s of %s is left out: the group %s has no %s",
				 w->what, w->value, r->dir, w->file);
	}
}

/* What is left out is told last, when nothing has failed: an error is one line. */
int cgroup_write_all(const CgroupRequest *r, int dirfd, Err *e)
{
	AUTO(open_file_done) OpenFile file = { .fd = FD_NONE };
	int left_out = 0;
	for (size_t i = 0; i < r->writes_count; i++)
		left_out += TRY(write_one(r, dirfd, &r->writes[i], &file, e));
	if (left_out > 0)
		warn_left_out(r, dirfd);
	return 0;
}

int cgroup_write_one(const CgroupRequest *r, int dirfd, const CgroupWrite *w, Err *e)
{
	AUTO(open_file_done) OpenFile file = { .fd = FD_NONE };
	return write_one(r, dirfd, w, &file, e);
}
