/* Limits that no option of `run` has yet, on this host's kernel: what is planned for config.json is written and read back. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/cgroup.h"
#include "runtime/plan_cgroup.h"

static Arena arena;
static HostFacts facts;

static CgroupRequest request(size_t hierarchy, const PlanCgroupWrites *plan)
{
	const HostCgroup *h = &facts.cgroups[hierarchy];
	CgroupWrite *writes = arena_new_array(&arena, plan->count, CgroupWrite);
	CgroupRequest r = {
		.is_v2 = h->is_v2,
		.controllers = h->controllers,
		.top = h->mountpoint,
		.dir = arena_printf(&arena, "%s/mydocker-test-%d/kernel", h->mountpoint, (int)getpid()),
		.writes = writes,
	};
	for (size_t i = 0; i < plan->count; i++)
		if (plan->items[i].hierarchy == hierarchy)
			writes[r.writes_count++] = plan->items[i].write;
	return r;
}

/* The file says what was written to it, or to the one in its stead. */
static void check_written(const CgroupRequest *r, const CgroupWrite *w)
{
	char text[256];
	const char *value = w->value;
	ssize_t n = fd_read_text_at(AT_FDCWD, arena_printf(&arena, "%s/%s", r->dir, w->file), text,
				    sizeof text);
	if (n == -ENOENT && w->or_file) {
		value = w->or_value;
		n = fd_read_text_at(AT_FDCWD, arena_printf(&arena, "%s/%s", r->dir, w->or_file),
				    text, sizeof text);
	}
	if (n < 0)
		fail_msg("%s/%s cannot be read", r->dir, w->file);
	if (strcmp(text, value) != 0)
		fail_msg("%s/%s: '%s' was written, '%s' is there", r->dir, w->file, value, text);
}

/* What the groups of these tests lie in. */
static void remove_parent(const CgroupRequest *r)
{
	Err e = { 0 };
	const char *above = arena_strndup(&arena, r->dir, (size_t)(strrchr(r->dir, '/') - r->dir));
	assert_int_equal(cgroup_remove_unused(above, &e), 0);
}

static void try_limits(const SpecLinux *l)
{
	PlanCgroupWrites plan;
	Err e = { 0 };
	if (plan_cgroup_writes(l, &facts, &arena, &plan, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < facts.cgroups_count; i++) {
		CgroupRequest r = request(i, &plan);
		int fd;
		if (r.writes_count == 0)
			continue;
		if (cgroup_make(&r, &fd, &e) < 0)
			fail_msg("%s", e.msg);
		fd_close(fd);
		for (size_t k = 0; k < r.writes_count; k++)
			check_written(&r, &r.writes[k]);
		assert_int_equal(cgroup_remove(r.dir, &e), 0);
		remove_parent(&r);
	}
}

/* Where this host has the controller, and we may divide it. */
static const HostCgroup *usable(const char *controller)
{
	for (size_t i = 0; i < facts.cgroups_count && geteuid() == 0; i++) {
		const HostCgroup *h = &facts.cgroups[i];
		StrList words = str_split(&arena, h->controllers, h->is_v2 ? ' ' : ',');
		if (h->writable && !h->delegated && strlist_has(&words, controller))
			return h;
	}
	print_message("needs root and a cgroup hierarchy with '%s'\n", controller);
	skip();
	return NULL;
}

static void burst_and_idle(void **state)
{
	(void)state;
	SpecLinux l = { 0 };
	(void)usable("cpu");
	spec_resources_init(&l.resources);
	l.resources.cpu_quota = 50000;
	l.resources.cpu_period = 100000;
	l.resources.cpu_burst = 20000;
	try_limits(&l);
	spec_resources_init(&l.resources);
	l.resources.cpu_idle = 1;
	try_limits(&l);
}

static void weight_and_idle_together(void **state)
{
	(void)state;
	SpecLinux l = { 0 };
	PlanCgroupWrites plan;
	Err e = { 0 };
	(void)usable("cpu");
	spec_resources_init(&l.resources);
	l.resources.cpu_idle = 1;
	l.resources.cpu_shares = 512;
	assert_int_equal(plan_cgroup_writes(&l, &facts, &arena, &plan, &e), 0);
	for (size_t i = 0; i < facts.cgroups_count; i++) {
		CgroupRequest r = request(i, &plan);
		int fd;
		if (r.writes_count == 0)
			continue;
		if (cgroup_make(&r, &fd, &e) < 0) /* in the other order the kernel refuses it */
			fail_msg("%s", e.msg);
		fd_close(fd);
		check_written(&r, &r.writes[1]); /* idle; the weight is then the kernel's own */
		assert_int_equal(cgroup_remove(r.dir, &e), 0);
		remove_parent(&r);
	}
}

static void memory(void **state)
{
	(void)state;
	SpecLinux l = { 0 };
	const HostCgroup *h = usable("memory");
	spec_resources_init(&l.resources);
	l.resources.memory_limit = 64 << 20;
	l.resources.memory_check_before_update = true;
	l.resources.memory_use_hierarchy = 1;
	if (!h->is_v2)
		l.resources.memory_kernel_tcp = 1 << 20;
	try_limits(&l);
}

static void a_hierarchy_that_is_switched_off_is_refused(void **state)
{
	(void)state;
	SpecLinux l = { 0 };
	PlanCgroupWrites plan;
	Err e = { 0 };
	int fd;
	if (usable("memory")->is_v2) {
		print_message("only cgroup v1 has it\n");
		skip();
	}
	spec_resources_init(&l.resources);
	l.resources.memory_use_hierarchy = 0;
	assert_int_equal(plan_cgroup_writes(&l, &facts, &arena, &plan, &e), 0);
	assert_int_equal(plan.count, 1);
	CgroupRequest r = request(plan.items[0].hierarchy, &plan);
	assert_int_equal(cgroup_make(&r, &fd, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "Linux 5.11 and later always count them"));
	remove_parent(&r);
}

static void huge_pages(void **state)
{
	(void)state;
	SpecHugepageLimit limit = { "2MB", 4 << 20 };
	SpecLinux l = { 0 };
	(void)usable("hugetlb");
	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) < 0) {
		print_message("the kernel has no pages of 2 MB\n");
		skip();
	}
	spec_resources_init(&l.resources);
	l.resources.hugepage_limits = &limit;
	l.resources.hugepage_limits_count = 1;
	try_limits(&l);
}

static void network(void **state)
{
	(void)state;
	SpecLinux l = { 0 };
	(void)usable("net_cls");
	spec_resources_init(&l.resources);
	l.resources.net_class_id = 1048577;
	try_limits(&l);
}

static int set_up_all(void **state)
{
	(void)state;
	Err e = { 0 };
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
		cmocka_unit_test(burst_and_idle),
		cmocka_unit_test(weight_and_idle_together),
		cmocka_unit_test(memory),
		cmocka_unit_test(a_hierarchy_that_is_switched_off_is_refused),
		cmocka_unit_test(huge_pages),
		cmocka_unit_test(network),
	};
	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
