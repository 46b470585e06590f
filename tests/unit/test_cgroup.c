#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/cgroup.h"
#include "kern/cgroup_parts.h"
#include "kern/process.h"
#include "kern/tree.h"
#include "runtime/facts.h"

/* With the kernel's own hierarchies, in groups of this test's process alone; with files in a directory where that shows more. */

static Arena arena;
static HostFacts facts;
static char parent_name[64];

static const HostCgroup *hierarchy(const char *controller)
{
	for (size_t i = 0; i < facts.cgroups_count; i++) {
		const HostCgroup *c = &facts.cgroups[i];
		StrList words = str_split(&arena, c->controllers, c->is_v2 ? ' ' : ',');
		if (c->writable && !c->delegated &&
		    (strlist_has(&words, controller) || (c->is_v2 && str_eq(controller, "v2"))))
			return c;
	}
	return NULL;
}

/* A request for the group mydocker-test-PID/NAME. */
static CgroupRequest request(const HostCgroup *h, const char *name)
{
	return (CgroupRequest){
		.is_v2 = h->is_v2,
		.controllers = h->controllers,
		.top = h->mountpoint,
		.dir = arena_printf(&arena, "%s/%s/%s", h->mountpoint, parent_name, name),
	};
}

static const HostCgroup *need(const char *controller)
{
	const HostCgroup *h = geteuid() == 0 ? hierarchy(controller) : NULL;
	if (!h) {
		print_message("needs root and a cgroup hierarchy with '%s'\n", controller);
		skip();
	}
	return h;
}

static void clean_up(const CgroupRequest *r)
{
	Err e = { 0 };
	if (cgroup_kill(r->dir, &e) < 0 || cgroup_remove(r->dir, &e) < 0)
		fail_msg("%s", e.msg);
	const char *above = arena_strndup(&arena, r->dir, (size_t)(strrchr(r->dir, '/') - r->dir));
	assert_int_equal(cgroup_remove_unused(above, &e), 0); /* unless there is another one in it */
	assert_int_equal(access(r->dir, F_OK), -1);
}

/* A child that joins the group as init does, tells so and runs fn. */
static pid_t run_in(const CgroupRequest *r, int fd, int (*fn)(void), int *ret_pidfd)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	Err e = { 0 };
	pid_t pid = process_clone(0, r->is_v2 ? fd : FD_NONE, ret_pidfd, &e);
	if (pid < 0)
		fail_msg("%s", e.msg);
	if (pid == 0) {
		if (!r->is_v2 && write(fd, "0", 1) != 1)
			_exit(100);
		if (write(ready[1], "x", 1) != 1)
			_exit(101);
		_exit(fn());
	}
	fd_close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	fd_close(ready[0]);
	return pid;
}

static int sleep_for_ever(void)
{
	for (;;)
		(void)poll(NULL, 0, -1);
	return 0;
}

static bool is_member(const CgroupRequest *r, pid_t pid)
{
	char text[4096], line[16];
	const char *path = arena_printf(&arena, "%s/cgroup.procs", r->dir);
	assert_true(fd_read_text_at(AT_FDCWD, path, text, sizeof text) >= 0);
	(void)snprintf(line, sizeof line, "%d", (int)pid);
	StrList pids = str_split(&arena, text, '\n');
	return strlist_has(&pids, line);
}

static void make(const CgroupRequest *r, int *ret_fd)
{
	Err e = { 0 };
	if (cgroup_make(r, ret_fd, &e) < 0)
		fail_msg("%s", e.msg);
}

/* ---- on the kernel ---- */

static void join_kill_remove(const char *controller)
{
	const HostCgroup *h = need(controller);
	CgroupRequest r = request(h, "one");
	r.claim = true;
	int fd, pidfd;
	Err e = { 0 };
	mode_t mask = umask(022);
	make(&r, &fd);
	umask(mask);
	struct stat st;
	assert_int_equal(stat(r.dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);

	int other;
	assert_int_equal(cgroup_make(&r, &other, &e), -EEXIST); /* whoever has made it is about to use it */
	assert_int_equal(e.kind, ERR_EXISTS);
	fd_close(fd);
	make(&r, &fd); /* nobody is, and nobody is in it */

	pid_t pid = run_in(&r, fd, sleep_for_ever, &pidfd);
	CgroupRequest unlocked = r;
	unlocked.claim = false;
	assert_int_equal(cgroup_make(&unlocked, &other, &e), -EEXIST);
	assert_non_null(strstr(e.msg, "not empty"));
	assert_true(is_member(&r, pid));
	fd_close(fd);

	/* Groups that the container makes, deep, with a process in one of them. */
	char deep[512];
	(void)snprintf(deep, sizeof deep, "%s", r.dir);
	for (int i = 0; i < 5; i++) {
		(void)str_format(deep + strlen(deep), sizeof deep - strlen(deep), "/a");
		assert_int_equal(mkdir(deep, 0755), 0);
		assert_int_equal(mkdir(arena_printf(&arena, "%s b", deep), 0755), 0);
	}
	CgroupRequest inner = r;
	inner.dir = deep;
	AUTO(fd_close)
	int inner_fd = open(r.is_v2 ? deep : arena_printf(&arena, "%s/tasks", deep),
			    r.is_v2 ? O_RDONLY : O_WRONLY);
	int inner_pidfd;
	(void)run_in(&inner, inner_fd, sleep_for_ever, &inner_pidfd);

	assert_int_equal(cgroup_kill(r.dir, &e), 0);
	ProcessEnd end;
	assert_int_equal(process_wait(pidfd, &end, &e), 0);
	assert_true(end.by_signal);
	assert_int_equal(end.number, SIGKILL);
	assert_int_equal(process_wait(inner_pidfd, &end, &e), 0);
	assert_int_equal(process_end_code(&end), 137);
	fd_close(pidfd);
	fd_close(inner_pidfd);
	clean_up(&r);
	assert_int_equal(access(arena_printf(&arena, "%s/%s", h->mountpoint, parent_name), F_OK), -1);
	/* What is not there is gone. */
	assert_int_equal(cgroup_kill(r.dir, &e), 0);
	assert_int_equal(cgroup_remove(r.dir, &e), 0);
}

static void a_v1_group_is_joined_killed_and_removed(void **state)
{
	(void)state;
	join_kill_remove("pids");
}

static void a_v2_group_is_joined_killed_and_removed(void **state)
{
	(void)state;
	join_kill_remove("v2");
}

static void a_busy_group_is_not_removed(void **state)
{
	(void)state;
	const HostCgroup *h = need("freezer");
	CgroupRequest r = request(h, "busy");
	int fd, pidfd;
	Err e = { 0 };
	make(&r, &fd);
	(void)run_in(&r, fd, sleep_for_ever, &pidfd);
	fd_close(fd);
	assert_int_equal(cgroup_remove(r.dir, &e), -EBUSY);
	assert_int_equal(e.kind, ERR_STATE);
	assert_non_null(strstr(e.msg, r.dir));
	/* The frozen die, too. */
	assert_int_equal(fd_write_text_at(AT_FDCWD, arena_printf(&arena, "%s/freezer.state", r.dir),
					  "FROZEN"),
			 0);
	clean_up(&r);
	ProcessEnd end;
	assert_int_equal(process_wait(pidfd, &end, &e), 0);
	fd_close(pidfd);
}

/* A cpuset group without CPUs takes no process: all new levels have got those of the one above. */
static void a_cpuset_group_takes_processes(void **state)
{
	(void)state;
	const HostCgroup *h = need("cpuset");
	if (h->is_v2)
		skip();
	CgroupRequest r = request(h, "x"), second = request(h, "second");
	r.dir = arena_printf(&arena, "%s/%s/middle/one", h->mountpoint, parent_name);
	second.dir = arena_printf(&arena, "%s/%s/middle/two", h->mountpoint, parent_name);
	const CgroupWrite write = {
		.file = "cpuset.cpus", .value = "0", .what = "set of CPUs", .asked = true
	};
	int fd, pidfd;
	make(&r, &fd);
	(void)run_in(&r, fd, sleep_for_ever, &pidfd);
	fd_close(fd);
	fd_close(pidfd);
	second.writes = &write;
	second.writes_count = 1;
	make(&second, &fd);
	(void)run_in(&second, fd, sleep_for_ever, &pidfd);
	char text[64];
	assert_true(fd_read_text_at(AT_FDCWD, arena_printf(&arena, "%s/cpuset.cpus", second.dir),
				    text, sizeof text) > 0);
	assert_string_equal(text, "0");
	fd_close(fd);
	fd_close(pidfd);
	Err e = { 0 };
	assert_int_equal(cgroup_kill(r.dir, &e), 0);
	assert_int_equal(cgroup_remove(r.dir, &e), 0);
	assert_int_equal(cgroup_remove_unused(arena_printf(&arena, "%s/%s/middle", h->mountpoint,
							   parent_name),
					      &e),
			 0);
	assert_int_equal(access(second.dir, F_OK), 0); /* in use: it stays */
	clean_up(&second);
	const char *outer = arena_printf(&arena, "%s/%s", h->mountpoint, parent_name);
	assert_int_equal(cgroup_remove_unused(outer, &e), 0);
	assert_int_equal(access(outer, F_OK), -1);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int eat_64_mib(void)
{
	const size_t size = (size_t)64 << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return p == MAP_FAILED ? 1 : 0;
}

static void a_memory_limit_kills_and_is_told(void **state)
{
	(void)state;
	const HostCgroup *h = need("memory");
	CgroupRequest r = request(h, "memory");
	const CgroupWrite writes[] = {
		{ .file = h->is_v2 ? "memory.max" : "memory.limit_in_bytes",
		  .value = "8388608",
		  .what = "memory limit",
		  .asked = true },
		{ .file = h->is_v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
		  .value = h->is_v2 ? "0" : "8388608",
		  .what = "limit of memory plus swap" },
	};
	r.writes = writes;
	r.writes_count = ARRAY_LEN(writes);
	int fd, pidfd;
	Err e = { 0 };
	CgroupMemory m;
	make(&r, &fd);
	assert_int_equal(cgroup_read_memory(r.dir, r.is_v2, &m), 0);
	assert_int_equal(m.oom_kills, 0);
	(void)run_in(&r, fd, eat_64_mib, &pidfd);
	ProcessEnd end;
	assert_int_equal(process_wait(pidfd, &end, &e), 0);
	assert_true(end.by_signal);
	assert_int_equal(end.number, SIGKILL);
	assert_int_equal(cgroup_read_memory(r.dir, r.is_v2, &m), 0);
	assert_int_equal(m.oom_kills, 1);
	assert_int_equal(m.limit, 8388608);
	assert_true(m.peak > 4000000 && m.peak <= 8388608);
	assert_true(m.total_limit == 8388608 || m.total_limit == CGROUP_NO_LIMIT);
	fd_close(fd);
	fd_close(pidfd);
	clean_up(&r);
	assert_int_equal(cgroup_read_memory(r.dir, r.is_v2, &m), -ENOENT);
}

static void a_refused_value_is_named_and_leaves_nothing(void **state)
{
	(void)state;
	const HostCgroup *h = need("memory");
	CgroupRequest r = request(h, "refused");
	CgroupWrite write = { .file = h->is_v2 ? "memory.max" : "memory.limit_in_bytes",
			      .value = "lots",
			      .what = "memory limit" };
	r.writes = &write;
	r.writes_count = 1;
	int fd = FD_NONE;
	Err e = { 0 };
	assert_int_equal(cgroup_make(&r, &fd, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "set the memory limit to lots"));
	assert_non_null(strstr(e.msg, write.file));
	assert_non_null(strstr(e.msg, r.dir));
	assert_int_equal(fd, FD_NONE);
	assert_int_equal(access(r.dir, F_OK), -1);

	write = (CgroupWrite){
		.file = "memory.no_such_file", .value = "1", .what = "nothing", .asked = true
	};
	assert_int_equal(cgroup_make(&r, &fd, &e), -ENOENT);
	assert_int_equal(access(r.dir, F_OK), -1);
	write.asked = false;
	make(&r, &fd);
	fd_close(fd);
	clean_up(&r);
}

/* Limits of a group are bounded by what the group above has: the refusal says what that is. */
static void a_refusal_names_what_the_group_above_has(void **state)
{
	(void)state;
	const HostCgroup *h = need("cpu");
	if (h->is_v2)
		skip();
	CgroupRequest above = request(h, "above"), r = request(h, "above/below");
	const CgroupWrite quota = { .file = "cpu.cfs_quota_us", .value = "20000", .what = "CPU quota" };
	const CgroupWrite more = { .file = "cpu.cfs_quota_us", .value = "20001", .what = "CPU quota" };
	int fd;
	Err e = { 0 };
	above.writes = &quota;
	above.writes_count = 1;
	make(&above, &fd);
	fd_close(fd);
	r.writes = &more;
	r.writes_count = 1;
	assert_int_equal(cgroup_make(&r, &fd, &e), -EINVAL);
	assert_non_null(strstr(e.msg, arena_printf(&arena, "set the CPU quota to 20001: the group above, %s, has 20000 us",
						   above.dir)));
	assert_non_null(strstr(e.msg, arena_printf(&arena, "(%s/cpu.cfs_quota_us)", r.dir)));
	clean_up(&above);
}

/* ---- on files: a v2 tree that this host need not have ---- */

typedef struct Fake {
	char root[64];
} Fake;

static int fake_set_up(void **state)
{
	Fake *f = calloc(1, sizeof *f);
	if (!f)
		return -1;
	(void)str_format(f->root, sizeof f->root, "/tmp/mydocker-test-cgroup.XXXXXX");
	*state = f;
	return mkdtemp(f->root) ? 0 : -1;
}

static int fake_tear_down(void **state)
{
	Fake *f = *state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = tree_remove_at(tmp, f->root + strlen("/tmp/"), NULL);
	free(f);
	return r;
}

static void put(const Fake *f, const char *path, const char *text)
{
	const char *full = arena_printf(&arena, "%s/%s", f->root, path);
	AUTO(fd_close) int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text), full, NULL), 0);
}

static void check_file(const Fake *f, const char *path, const char *want)
{
	char text[256];
	assert_true(fd_read_text_at(AT_FDCWD, arena_printf(&arena, "%s/%s", f->root, path), text,
				    sizeof text) >= 0);
	assert_string_equal(text, want);
}

static void v2_controllers_are_handed_down_only_where_missing(void **state)
{
	Fake *f = *state;
	assert_int_equal(mkdir(arena_printf(&arena, "%s/own", f->root), 0755), 0);
	assert_int_equal(mkdir(arena_printf(&arena, "%s/own/mydocker", f->root), 0755), 0);
	/* In a plain file the last word written stays: it tells which was asked for last. */
	put(f, "cgroup.subtree_control", "untouched");
	put(f, "own/cgroup.subtree_control", "pids cpu memory");
	put(f, "own/mydocker/cgroup.subtree_control", "pids cpu");
	const CgroupWrite write = { .file = "cpuset.cpus", .value = "0", .what = "set of CPUs" };
	CgroupRequest r = {
		.is_v2 = true,
		.controllers = "cpu memory pids misc",
		.top = arena_printf(&arena, "%s/own", f->root),
		.dir = arena_printf(&arena, "%s/own/mydocker/id", f->root),
	};
	int fd;
	make(&r, &fd);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	fd_close(fd);
	check_file(f, "cgroup.subtree_control", "untouched");
	check_file(f, "own/cgroup.subtree_control", "pids cpu memory");
	check_file(f, "own/mydocker/cgroup.subtree_control", "+memoryu"); /* over "pids cpu" */

	/* cpuset only when something is written to it; all others are there. */
	put(f, "own/mydocker/cgroup.subtree_control", "pids cpu memory");
	r.controllers = "cpuset cpu memory pids misc";
	r.dir = arena_printf(&arena, "%s/own/mydocker/id2", f->root);
	make(&r, &fd);
	fd_close(fd);
	check_file(f, "own/mydocker/cgroup.subtree_control", "pids cpu memory");
	r.writes = &write;
	r.writes_count = 1;
	r.dir = arena_printf(&arena, "%s/own/mydocker/id3", f->root);
	make(&r, &fd);
	fd_close(fd);
	check_file(f, "own/mydocker/cgroup.subtree_control", "+cpusetu memory");
}

/* "+cpu" or "+pids" in a group with processes would make it, and all below, threaded: nothing may be written. */
static void v2_groups_with_processes_hand_nothing_on(void **state)
{
	Fake *f = *state;
	CgroupWrite write = { .file = "pids.max", .value = "2048", .what = "limit of processes" };
	CgroupRequest r = {
		.is_v2 = true,
		.controllers = "cpu memory pids",
		.top = arena_printf(&arena, "%s/own", f->root),
		.dir = arena_printf(&arena, "%s/own/id", f->root),
		.writes = &write,
		.writes_count = 1,
	};
	int fd;
	Err e = { 0 };
	assert_int_equal(mkdir(r.top, 0755), 0);
	put(f, "own/cgroup.subtree_control", "");
	put(f, "own/cgroup.type", "domain\n");
	put(f, "own/cgroup.procs", "4711\n");
	make(&r, &fd); /* a default that cannot be had is a warning */
	fd_close(fd);
	check_file(f, "own/cgroup.subtree_control", "");
	/* Asked for, it is an error that names the group. */
	write.asked = true;
	r.dir = arena_printf(&arena, "%s/own/id2", f->root);
	assert_int_equal(cgroup_make(&r, &fd, &e), -ENOENT);
	assert_non_null(strstr(e.msg, arena_printf(&arena, "the group %s holds processes", r.top)));
	assert_non_null(strstr(e.msg, "move them to a group below it first"));
	/* The root of all, which alone has no type, may do both. */
	assert_int_equal(unlink(arena_printf(&arena, "%s/own/cgroup.type", f->root)), 0);
	r.dir = arena_printf(&arena, "%s/own/id3", f->root);
	(void)cgroup_make(&r, &fd, &e); /* plain files: what was handed on does not appear */
	check_file(f, "own/cgroup.subtree_control", "+pidsry"); /* the last one over "+memory" */
}

/* The group "g", which exists, and what is to be written there. */
static CgroupRequest request_for(const Fake *f, const CgroupWrite *writes, size_t count)
{
	CgroupRequest r = { .is_v2 = true,
			    .controllers = "",
			    .top = f->root,
			    .dir = arena_printf(&arena, "%s/g", f->root),
			    .writes = writes,
			    .writes_count = count };
	assert_int_equal(mkdir(r.dir, 0755), 0);
	return r;
}

/* A write has a second file, for kernels and schedulers that have no first. */
static void what_is_not_there_is_written_elsewhere(void **state)
{
	Fake *f = *state;
	CgroupWrite write = { .file = "io.bfq.weight",
			      .value = "100",
			      .or_file = "io.weight",
			      .or_value = "910",
			      .what = "block I/O weight",
			      .missing = "this kernel has no weights",
			      .asked = true };
	CgroupRequest r = request_for(f, &write, 1);
	AUTO(fd_close) int dirfd = open(r.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Err e = { 0 };
	assert_int_equal(cgroup_write_all(&r, dirfd, &e), -ENOENT);
	assert_non_null(
		strstr(e.msg, "set the block I/O weight to 100: this kernel has no weights; the group "));
	put(f, "g/io.weight", "");
	assert_int_equal(cgroup_write_all(&r, dirfd, &e), 0);
	check_file(f, "g/io.weight", "910");
	put(f, "g/io.bfq.weight", "");
	put(f, "g/io.weight", "");
	assert_int_equal(cgroup_write_all(&r, dirfd, &e), 0);
	check_file(f, "g/io.bfq.weight", "100");
	check_file(f, "g/io.weight", "");
}

/* What is printed to standard error by making the writes. */
static int write_and_read_warning(const CgroupRequest *r, char *warning, size_t size, Err *e)
{
	int fds[2];
	AUTO(fd_close) int dirfd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	int old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(old >= 0 && dup3(fds[1], STDERR_FILENO, O_CLOEXEC) == STDERR_FILENO);
	int n = cgroup_write_all(r, dirfd, e);
	assert_true(dup3(old, STDERR_FILENO, 0) == STDERR_FILENO);
	ssize_t len = read(fds[0], warning, size - 1);
	warning[len > 0 ? len : 0] = '\0';
	fd_close(old);
	fd_close(fds[0]);
	fd_close(fds[1]);
	return n;
}

/* An error is one line: no warning about a default stands before it. */
static void a_default_that_is_left_out_is_told_when_all_else_is_done(void **state)
{
	Fake *f = *state;
	const CgroupWrite writes[] = {
		{ .file = "pids.max", .value = "2048", .what = "limit of processes" },
		{ .file = "memory.max", .value = "4096", .what = "memory limit", .asked = true },
	};
	CgroupRequest r = request_for(f, writes, ARRAY_LEN(writes));
	char warning[512];
	Err e = { 0 };
	assert_int_equal(write_and_read_warning(&r, warning, sizeof warning, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "memory limit"));
	assert_string_equal(warning, "");
	put(f, "g/memory.max", "");
	assert_int_equal(write_and_read_warning(&r, warning, sizeof warning, &e), 0);
	assert_non_null(strstr(warning, "the default limit of processes of 2048 is left out"));
	put(f, "g/pids.max", "");
	assert_int_equal(write_and_read_warning(&r, warning, sizeof warning, &e), 0);
	assert_string_equal(warning, "");
}

static void a_limit_below_what_is_in_use_is_refused_before_it_kills(void **state)
{
	Fake *f = *state;
	CgroupWrite write = { .file = "memory.max",
			      .value = "4096",
			      .above = "memory.current",
			      .what = "memory limit",
			      .asked = true };
	CgroupRequest r = request_for(f, &write, 1);
	AUTO(fd_close) int dirfd = open(r.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Err e = { 0 };
	put(f, "g/memory.max", "max\n");
	put(f, "g/memory.current", "4096\n");
	assert_int_equal(cgroup_write_all(&r, dirfd, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "set the memory limit to 4096: the group "));
	assert_non_null(strstr(e.msg, " uses 4096 already"));
	check_file(f, "g/memory.max", "max");
	put(f, "g/memory.current", "4095\n");
	assert_int_equal(cgroup_write_all(&r, dirfd, &e), 0);
	put(f, "g/memory.current", "much\n");
	assert_int_equal(cgroup_write_all(&r, dirfd, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "memory.current"));
}

static void a_v2_group_is_given_away_but_for_its_limits(void **state)
{
	Fake *f = *state;
	char *dir = arena_printf(&arena, "%s/g", f->root);
	static const char *const files[] = { "cgroup.procs", "cgroup.subtree_control",
					     "cgroup.threads", "memory.max", "cgroup.max.depth" };
	CgroupRequest r = { .is_v2 = true, .dir = dir, .has_owner = true, .owner = 1234 };
	AUTO(fd_close) int dirfd = FD_NONE;
	struct stat st;
	Err e = { 0 };
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(dir, 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put(f, arena_printf(&arena, "g/%s", files[i]), "");
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(cgroup_v2_give(&r, dirfd, &e), 0);
	assert_int_equal(fstat(dirfd, &st), 0);
	assert_int_equal(st.st_uid, 1234);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		assert_int_equal(fstatat(dirfd, files[i], &st, 0), 0);
		assert_int_equal(st.st_uid, i < 3 ? 1234 : 0);
		assert_int_equal(st.st_gid, 0);
	}
	/* A kernel that lists more files than a group has. */
	assert_int_equal(unlinkat(dirfd, "cgroup.threads", 0), 0);
	assert_int_equal(cgroup_v2_give(&r, dirfd, &e), 0);
}

static void refused_forks_are_counted(void **state)
{
	Fake *f = *state;
	uint64_t n = 77;
	assert_int_equal(cgroup_read_forks_refused(f->root, &n), -ENOENT);
	put(f, "pids.events", "max 5\n");
	assert_int_equal(cgroup_read_forks_refused(f->root, &n), 0);
	assert_int_equal(n, 5);
}

static void v2_memory_is_read(void **state)
{
	Fake *f = *state;
	CgroupMemory m;
	assert_int_equal(cgroup_read_memory(f->root, true, &m), -ENOENT);
	put(f, "memory.events", "low 0\nhigh 0\nmax 27\noom 2\noom_kill 3\noom_group_kill 0\n");
	put(f, "memory.max", "104857600\n");
	put(f, "memory.swap.max", "0\n");
	assert_int_equal(cgroup_read_memory(f->root, true, &m), 0);
	assert_int_equal(m.oom_kills, 3);
	assert_int_equal(m.limit, 104857600);
	assert_int_equal(m.total_limit, 104857600);
	assert_int_equal(m.peak, 0);
	put(f, "memory.max", "max\n");
	put(f, "memory.peak", "4096\n");
	assert_int_equal(cgroup_read_memory(f->root, true, &m), 0);
	assert_true(m.limit == CGROUP_NO_LIMIT && m.total_limit == CGROUP_NO_LIMIT);
	assert_int_equal(m.peak, 4096);
	put(f, "memory.events", "oom 2\n");
	assert_int_equal(cgroup_read_memory(f->root, true, &m), -ENOENT);
}

static void a_process_has_a_start_time_and_a_boot(void **state)
{
	(void)state;
	uint64_t ours, first;
	char a[BOOT_ID_SIZE], b[BOOT_ID_SIZE];
	Err e = { 0 };
	assert_int_equal(process_start_time(getpid(), &ours), 0);
	assert_int_equal(process_start_time(1, &first), 0);
	assert_true(first < ours);
	assert_int_equal(process_start_time(0x3fffffff, &ours), -ESRCH);
	assert_int_equal(boot_id(a, &e), 0);
	assert_int_equal(boot_id(b, &e), 0);
	assert_int_equal(strlen(a), 36);
	assert_string_equal(a, b);
}

static int set_up_all(void **state)
{
	(void)state;
	Err e = { 0 };
	(void)str_format(parent_name, sizeof parent_name, "mydocker-test-%d", (int)getpid());
	if (host_facts_probe("", 0, &arena, &facts, &e) < 0)
		print_message("%s\n", e.msg);
	return e.kind;
}

static int tear_down_all(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_v1_group_is_joined_killed_and_removed),
		cmocka_unit_test(a_v2_group_is_joined_killed_and_removed),
		cmocka_unit_test(a_busy_group_is_not_removed),
		cmocka_unit_test(a_cpuset_group_takes_processes),
		cmocka_unit_test(a_memory_limit_kills_and_is_told),
		cmocka_unit_test(a_refused_value_is_named_and_leaves_nothing),
		cmocka_unit_test_setup_teardown(v2_controllers_are_handed_down_only_where_missing,
						fake_set_up, fake_tear_down),
		cmocka_unit_test_setup_teardown(v2_groups_with_processes_hand_nothing_on,
						fake_set_up, fake_tear_down),
		cmocka_unit_test(a_refusal_names_what_the_group_above_has),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_written_elsewhere, fake_set_up,
						fake_tear_down),
		cmocka_unit_test_setup_teardown(a_default_that_is_left_out_is_told_when_all_else_is_done,
						fake_set_up, fake_tear_down),
		cmocka_unit_test_setup_teardown(a_limit_below_what_is_in_use_is_refused_before_it_kills,
						fake_set_up, fake_tear_down),
		cmocka_unit_test_setup_teardown(a_v2_group_is_given_away_but_for_its_limits,
						fake_set_up, fake_tear_down),
		cmocka_unit_test_setup_teardown(refused_forks_are_counted, fake_set_up, fake_tear_down),
		cmocka_unit_test_setup_teardown(v2_memory_is_read, fake_set_up, fake_tear_down),
		cmocka_unit_test(a_process_has_a_start_time_and_a_boot),
	};
	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
