/* spec_case.h - requests that are filled into descriptions, with a root directory of the test's own.    (tests/unit/) */
#pragma once
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/tree.h"
#include "plan_hosts.h"

static char top[32]; /* the root directory that targets are looked up in */
static int root_fd;

__attribute__((unused)) static int top_make(void **state)
{
	(void)state;
	assert_true(str_format(top, sizeof top, "/tmp/unit-spec.XXXXXX") > 0);
	assert_ptr_equal(mkdtemp(top), top);
	root_fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root_fd >= 0);
	return 0;
}

__attribute__((unused)) static int top_remove(void **state)
{
	(void)state;
	AUTO(fd_close) int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd_close(root_fd);
	return tree_remove_at(tmp, err_basename(top), NULL);
}

__attribute__((unused)) static TestRun make_run(const HostFacts *facts)
{
	TestRun t;
	test_run_init(&t, facts, root_fd);
	return t;
}

/* A TestRun is moved about: what it points to in itself is set here. */
__attribute__((unused)) static int fill(TestRun *t, Spec *s)
{
	t->context.request = &t->request;
	t->context.arena = &t->arena;
	TRY(test_run_ids(t, &no_subid_files));
	return spec_fill(&t->context, s, &t->err);
}

__attribute__((unused)) static Spec filled(TestRun *t)
{
	Spec s;
	if (fill(t, &s) < 0)
		fail_msg("%s", t->err.msg);
	return s;
}

__attribute__((unused)) static void add(TestRun *t, StrList *l, const char *text)
{
	strlist_add(&t->arena, l, text);
}
