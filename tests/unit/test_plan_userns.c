/* What a plan makes of user namespaces: who writes the maps, who sets the container up, and which mounts show with other ids. Maps that
 * are refused are in test_plan_refused.c. */
#include "unit.h"

#include <string.h>

#include "plan_case.h"

/* ---- maps ---- */

static Case with_maps(const HostFacts *facts, SpecIdMap *uids, size_t uid_count, SpecIdMap *gids,
		      size_t gid_count)
{
	Case c = make_case(facts);
	c.spec.linux_.namespaces |= SPEC_NS_USER;
	c.spec.linux_.uid_mappings = uids;
	c.spec.linux_.uid_mappings_count = uid_count;
	c.spec.linux_.gid_mappings = gids;
	c.spec.linux_.gid_mappings_count = gid_count;
	return c;
}

static SpecIdMap one_to_one[] = { { 0, 0, 1 } };

/* Where 0 is not mapped the container is set up by the command's own ids. */
static void maps_without_zero(void **state)
{
	(void)state;
	SpecIdMap maps[] = { { 5, 1000, 10 } };
	Case c = with_maps(&v2_root, maps, 1, one_to_one, 1);
	refused(c, "user id 0 is not mapped");
	c.spec.process.uid = 7;
	accept(&c);
	assert_int_equal(c.plan.wire.head.setup_uid, 7);
	assert_int_equal(c.plan.wire.head.setup_gid, 0);
	done(&c);
	c = with_maps(&v2_root, one_to_one, 1, maps, 1);
	refused(c, "group id 0 is not mapped");
	c.spec.process.gid = 14;
	accept(&c);
	assert_int_equal(c.plan.wire.head.setup_uid, 0);
	assert_int_equal(c.plan.wire.head.setup_gid, 14);
	done(&c);
}

/* What the own id is not enough for is written by newuidmap and newgidmap, each on its own. */
static void maps_by_helpers(void **state)
{
	(void)state;
	SpecIdMap own[] = { { 0, 1000, 1 } }, uids[] = { { 0, 1000, 1 }, { 1, 100000, 10 } },
		  own_group[] = { { 0, 1001, 1 } }, gids[] = { { 0, 200000, 10 } };
	HostFacts facts = v2_user;
	facts.newuidmap = "/usr/bin/newuidmap";
	facts.newgidmap = "/usr/bin/newgidmap";
	const uint32_t group = 9;
	Case c = with_maps(&facts, own, 1, own_group, 1);
	accept(&c);
	assert_null(c.plan.userns.newuidmap);
	assert_null(c.plan.userns.newgidmap);
	assert_true(c.plan.userns.deny_setgroups);
	done(&c);
	c = with_maps(&facts, uids, 2, own_group, 1);
	accept(&c);
	assert_string_equal(c.plan.userns.newuidmap, "/usr/bin/newuidmap");
	assert_null(c.plan.userns.newgidmap);
	assert_true(c.plan.userns.deny_setgroups && (c.plan.wire.head.flags & WIRE_NO_SETGROUPS));
	done(&c);
	c = with_maps(&facts, own, 1, gids, 1);
	c.spec.process.additional_gids = &group;
	c.spec.process.additional_gids_count = 1;
	accept(&c);
	assert_null(c.plan.userns.newuidmap);
	assert_string_equal(c.plan.userns.newgidmap, "/usr/bin/newgidmap");
	assert_false(c.plan.userns.deny_setgroups || (c.plan.wire.head.flags & WIRE_NO_SETGROUPS));
	assert_int_equal(c.plan.wire.groups_count, 1);
	done(&c);
	c = with_maps(&v2_root, uids, 2, gids, 1); /* root writes them itself */
	accept(&c);
	assert_null(c.plan.userns.newuidmap);
	assert_null(c.plan.userns.newgidmap);
	done(&c);
}

/* In a user namespace where setgroups(2) is denied: with another in it, and without. */
static Case denied_outside(bool userns)
{
	static SpecIdMap ten[] = { { 0, 0, 10 } };
	Case c = make_case(&v2_root);
	if (userns)
		c = with_maps(&v2_root, ten, 1, ten, 1);
	c.facts.setgroups_denied = true;
	return c;
}

static void setgroups_denied_outside(void **state)
{
	(void)state;
	for (int userns = 0; userns <= 1; userns++) {
		Case c = denied_outside(userns);
		accept(&c);
		assert_true(c.plan.wire.head.flags & WIRE_NO_SETGROUPS);
		done(&c);
	}
}

static void so_no_group_can_be_given(void **state)
{
	(void)state;
	for (int userns = 0; userns <= 1; userns++) {
		Case c = denied_outside(userns);
		c.spec.process.additional_gids = (const uint32_t[]){ 5 };
		c.spec.process.additional_gids_count = 1;
		refused(c, "supplementary group 5: cannot be set");
	}
}

/* ---- id-mapped mounts ---- */

static SpecIdMap wide[] = { { 0, 100000, 1000 }, { 1000, 5000, 10 } };

/* A bind with this option in a container that has `wide` for its ids, or none. */
static Case with_idmap(SpecMount *m, const char *option, bool has_userns)
{
	Case c = has_userns ? with_maps(&v2_root, wide, 2, wide, 2) : make_case(&v2_root);
	*m = (SpecMount){ .destination = "/x", .type = "bind", .source = "/y" };
	m->options = str_split(&c.arena, option, ',');
	c.spec.mounts = m;
	c.spec.mounts_count = 1;
	return c;
}

static void idmap_is(const char *option, bool has_userns, const char *uids, const char *gids)
{
	SpecMount m;
	Case c = with_idmap(&m, option, has_userns);
	accept(&c);
	assert_int_equal(c.plan.idmap_mounts_count, 1);
	assert_int_equal(c.plan.idmaps_count, 1);
	assert_string_equal(text_of(&c, c.plan.wire.mounts[c.plan.idmap_mounts[0].mount].target), "/x");
	assert_int_equal(c.plan.idmap_mounts[0].recursive, strstr(option, "ridmap") != NULL);
	assert_string_equal(c.plan.idmaps[0].uid_map, uids);
	assert_string_equal(c.plan.idmaps[0].gid_map, gids);
	assert_int_equal(c.plan.root_idmap, -1);
	done(&c);
}

static void idmap_refused(const char *option, bool has_userns, const char *part)
{
	SpecMount m;
	refused(with_idmap(&m, option, has_userns), part);
}

#define OWN "0 100000 1000\n1000 5000 10\n"

static void idmaps(void **state)
{
	(void)state;
	idmap_is("idmap", true, OWN, OWN);
	idmap_is("rbind,ro,ridmap", true, OWN, OWN);
	idmap_is("idmap=uids=0-7-1", true, "0 7 1\n", OWN);
	idmap_is("idmap=gids=0-1-10#10-11-10;uids=3-4-5", false, "3 4 5\n", "0 1 10\n10 11 10\n");
	idmap_is("ridmap=uids=0-0-1;gids=0-0-1", false, "0 0 1\n", "0 0 1\n");
	/* relative: ids of the container, cut where its maps end */
	idmap_is("idmap=uids=@0-998-5;gids=@7-3-1", true, "0 100998 2\n2 5000 3\n", "7 100003 1\n");
	idmap_is("idmap=uids=@5-6-7;gids=0-0-1", false, "5 6 7\n", "0 0 1\n");
}

static void idmaps_that_make_no_sense(void **state)
{
	(void)state;
	static const char *const forms[] = { "idmap=",
					     "idmap=uids",
					     "idmap=users=0-0-1",
					     "idmap=uids=0-0-1;",
					     "idmap=uids=0-0-1;uids=1-1-1",
					     "idmap=uids=0-0-1;gids=0-0-1;gids=1-1-1" };
	static const char *const triples[] = { "",
					       "0",
					       "0-0",
					       "0-0-0",
					       "0-0-1-1",
					       "a-0-1",
					       "0-0-1#",
					       "-1-0-1",
					       "0:0:1",
					       "@",
					       "1-0-4294967295",
					       "0-1-4294967295",
					       "4294967295-0-1",
					       "@@0-0-1",
					       " 0-0-1" };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		idmap_refused(forms[i], true, "mount on /x: ");
	for (size_t i = 0; i < ARRAY_LEN(triples); i++)
		idmap_refused(arena_printf(&a, "idmap=uids=%s", triples[i]), true,
			      "is not of the form FILE-HOST-SIZE");
	idmap_refused("idmap=uids=0-0-2#1-5-1", true, "mount on /x: uid maps 0:0:2 and 1:5:1 overlap");
	idmap_refused("idmap=uids=@0-1005-10", true,
		      "mount on /x: uid 1010 is not mapped into the container");
	idmap_refused("idmap", false, "'idmap' without uids needs a user namespace");
	idmap_refused("idmap=uids=0-0-1", false, "'idmap' without gids needs a user namespace");
	idmap_refused("idmaps", true, "unknown bind option 'idmaps'");
}

/* config.md, "mounts": a mount's own maps go before those of the container; alone they mean "idmap". */
static void maps_of_a_mount(void **state)
{
	(void)state;
	SpecIdMap uids[] = { { 0, 5, 1 } }, gids[] = { { 0, 6, 1 } };
	const char *options[] = { "rbind", "idmap", "ridmap" };
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		SpecMount m;
		Case c = with_idmap(&m, options[i], i > 0);
		m.uid_mappings = uids;
		m.gid_mappings = gids;
		m.uid_mappings_count = m.gid_mappings_count = 1;
		accept(&c);
		assert_string_equal(c.plan.idmaps[0].uid_map, "0 5 1\n");
		assert_string_equal(c.plan.idmaps[0].gid_map, "0 6 1\n");
		assert_int_equal(c.plan.idmap_mounts[0].recursive, i == 2);
		done(&c);
	}
	SpecMount m;
	Case c = with_idmap(&m, "idmap=uids=0-1-1", true);
	m.uid_mappings = uids;
	m.gid_mappings = gids;
	m.uid_mappings_count = m.gid_mappings_count = 1;
	refused(c, "the option and uidMappings exclude each other");
	c = with_idmap(&m, "size=1m", true);
	m.type = "tmpfs";
	m.uid_mappings = uids;
	m.gid_mappings = gids;
	m.uid_mappings_count = m.gid_mappings_count = 1;
	refused(c, "option 'uidMappings' is for binds");
}

static void idmaps_need_privilege(void **state)
{
	(void)state;
	SpecIdMap uid[] = { { 0, 1000, 1 } }, gid[] = { { 0, 1001, 1 } };
	SpecMount m;
	Case c = with_idmap(&m, "idmap", true);
	c.facts = v2_user;
	c.spec.linux_.uid_mappings = uid;
	c.spec.linux_.gid_mappings = gid;
	c.spec.linux_.uid_mappings_count = c.spec.linux_.gid_mappings_count = 1;
	refused(c, "mount on /x: option 'idmap' needs privilege");
	c = with_maps(&v2_user, uid, 1, gid, 1);
	c.spec.root.idmap = "idmap";
	refused(c, "root directory: option 'idmap' needs privilege");
	c = with_idmap(&m, "idmap=uids=0-0-1;gids=0-0-1", false);
	c.facts.user_ns = false;
	refused(c, "needs user namespaces, which this kernel has not");
}

/* The same maps are made once, however many mounts have them. */
static void idmaps_are_shared(void **state)
{
	(void)state;
	SpecMount m[3] = { { .destination = "/a", .type = "bind", .source = "/y" },
			   { .destination = "/b", .type = "bind", .source = "/y" },
			   { .destination = "/c", .type = "bind", .source = "/y" } };
	Case c = with_maps(&v2_root, wide, 2, wide, 2);
	m[0].options = m[2].options = str_split(&c.arena, "idmap", ',');
	m[1].options = str_split(&c.arena, "idmap=uids=0-0-1", ',');
	c.spec.mounts = m;
	c.spec.mounts_count = 3;
	c.spec.root.idmap = "idmap";
	accept(&c);
	assert_int_equal(c.plan.idmaps_count, 2);
	assert_int_equal(c.plan.root_idmap, 0);
	assert_int_equal(c.plan.idmap_mounts[0].idmap, 0);
	assert_int_equal(c.plan.idmap_mounts[1].idmap, 1);
	assert_int_equal(c.plan.idmap_mounts[2].idmap, 0);
	done(&c);
}

/* ---- root of an inner user namespace ---- */

static SpecIdMap inner_ids[] = { { 0, 1000, 1 }, { 1, 100000, 10 } };

/* What the host's root may do, and this one may not: device nodes, programs on groups, a group without a number here. */
static void root_that_is_not_the_host_s(void **state)
{
	(void)state;
	HostFacts facts = v2_root;
	DeviceRule rule = { .allow = false, .type = 'a', .major = -1, .minor = -1 };
	SpecMount pts = { .destination = "/dev/pts", .type = "devpts" };
	facts.first_user_ns = false;
	facts.uid_map = facts.gid_map = inner_ids;
	facts.uid_map_count = 2;
	facts.gid_map_count = 1;
	Case c = make_case(&facts);
	pts.options = str_split(&c.arena, "gid=5,mode=0620", ',');
	c.spec.mounts = &pts;
	c.spec.mounts_count = 1;
	c.spec.linux_.resources.devices = &rule;
	c.spec.linux_.resources.devices_count = 1;
	accept(&c);
	assert_true(c.plan.wire.head.flags & WIRE_INNER_USERNS);
	assert_false(c.plan.wire.head.flags & WIRE_USERNS);
	assert_false(plan_cgroup_devices_by_program(&facts));
	for (size_t i = 0; i < c.plan.wire.mount_options_count; i++)
		assert_string_not_equal(text_of(&c, c.plan.wire.mount_options[i]), "gid=5");
	assert_int_equal(c.plan.warnings.count, 0);
	done(&c);
	c = make_case(&facts);
	c.spec.process.uid = 11;
	refused(c, "user id 11 is not mapped");
	c.spec.process.uid = 10;
	c.spec.process.gid = 1;
	refused(c, "group id 1 is not mapped");
	c.spec.process.gid = 0;
	accept(&c);
	done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_without_zero),
		cmocka_unit_test(maps_by_helpers),
		cmocka_unit_test(setgroups_denied_outside),
		cmocka_unit_test(idmaps),
		cmocka_unit_test(so_no_group_can_be_given),
		cmocka_unit_test(idmaps_that_make_no_sense),
		cmocka_unit_test(maps_of_a_mount),
		cmocka_unit_test(idmaps_need_privilege),
		cmocka_unit_test(idmaps_are_shared),
		cmocka_unit_test(root_that_is_not_the_host_s),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
