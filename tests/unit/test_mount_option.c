/* The string of --mount, and the comma-separated values that it is made of. */
#include "unit.h"

#include <string.h>

#include "engine/mount_option.h"
#include "fmt/csv.h"

/* ---- comma-separated values: what Go's encoding/csv makes of one line ---- */

static void csv_is(const char *text, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList fields;
	Err e = { 0 };
	if (csv_split(text, &a, &fields, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	char *got = arena_strdup(&a, "");
	for (size_t i = 0; i < fields.count; i++)
		got = arena_printf(&a, "%s[%s]", got, fields.items[i]);
	assert_string_equal(got, want);
}

static void fields(void **state)
{
	(void)state;
	csv_is("", "[]");
	csv_is("a", "[a]");
	csv_is("a,b,,c", "[a][b][][c]");
	csv_is(",", "[][]");
	csv_is(" a , b", "[ a ][ b]");
	csv_is("\"a,b\",c", "[a,b][c]");
	csv_is("\"\"", "[]");
	csv_is("\"\",\"\"", "[][]");
	csv_is("\"a\"\"b\"\"\"", "[a\"b\"]");
	csv_is("\"src=/a,b\",dst=/c", "[src=/a,b][dst=/c]");
	csv_is("\"two\nlines\"", "[two\nlines]");
}

static void csv_fails(const char *text, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	StrList untouched = { 0 };
	Err e = { 0 };
	assert_true(csv_split(text, &a, &untouched, &e) < 0);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.msg, part));
	assert_int_equal(untouched.count, 0);
}

static void bad_fields(void **state)
{
	(void)state;
	csv_fails("a\"b", "does not begin with one");
	csv_fails("a,b\"", "does not begin with one");
	csv_fails("\"a", "without its other half");
	csv_fails("\"a\"\"", "without its other half");
	csv_fails("\"", "without its other half");
	csv_fails("\"a\"b", "behind a field");
	csv_fails("\"a\" ,b", "behind a field");
	csv_fails("a\nb", "a line break");
	csv_fails("a\r", "a line break");
}

/* ---- the option ---- */

static const char *show(Arena *a, const SpecMount *m)
{
	char *text = arena_printf(a, "%s > %s (%s", m->source, m->destination, m->type);
	for (size_t i = 0; i < m->options.count; i++)
		text = arena_printf(a, "%s %s", text, m->options.items[i]);
	return arena_printf(a, "%s)%s%s", text, m->create_source ? " create" : "",
			    m->chown_source ? " chown" : "");
}

static void is(const char *text, const char *want)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	SpecMount m;
	if (mount_option_parse(text, "/home", &a, &m, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_string_equal(show(&a, &m), want);
}

static void fails(const char *text, const char *part)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	Err e = { 0 };
	SpecMount m = { 0 };
	if (mount_option_parse(text, "/home", &a, &m, &e) >= 0)
		fail_msg("'%s' was accepted", text);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_null(m.destination);
	if (!strstr(e.msg, arena_printf(&a, "--mount '%s': ", text)) || !strstr(e.msg, part))
		fail_msg("'%s' is not in '%s'", part, e.msg);
}

#define B "type=bind,src=/a,dst=/b"

static void binds(void **state)
{
	(void)state;
	is(B, "/a > /b (bind rbind rprivate)");
	is("dst=/b,type=bind,source=/a", "/a > /b (bind rbind rprivate)");
	is("type=BIND,src=./a,target=/b/../c", "/home/./a > /c (bind rbind rprivate)");
	is("\"src=/a,x\",type=bind,\"destination=/b \"\"\"", "/a,x > /b \" (bind rbind rprivate)");
	is(B ",readonly", "/a > /b (bind rbind rprivate rro)");
	is(B ",ro=true", "/a > /b (bind rbind rprivate rro)");
	is(B ",readonly=1", "/a > /b (bind rbind rprivate rro)");
	is(B ",ro=false", "/a > /b (bind rbind rprivate)");
	is(B ",rw", "/a > /b (bind rbind rprivate)");
	is(B ",rw=false", "/a > /b (bind rbind rprivate rro)");
	is(B ",noexec,nosuid,nodev", "/a > /b (bind rbind rprivate rnoexec rnosuid rnodev)");
	is(B ",consistency=cached,relabel=shared", "/a > /b (bind rbind rprivate)");
	is(B ",relabel=private", "/a > /b (bind rbind rprivate)");
	is(B ",idmap", "/a > /b (bind rbind rprivate idmap)");
	is(B ",idmap=true", "/a > /b (bind rbind rprivate idmap)");
	is(B ",idmap=false", "/a > /b (bind rbind rprivate)");
	is(B ",idmap=uids=0-1-10;gids=0-1-10",
	   "/a > /b (bind rbind rprivate idmap=uids=0-1-10;gids=0-1-10)");
	is(B ",U", "/a > /b (bind rbind rprivate) chown");
	is(B ",chown=true", "/a > /b (bind rbind rprivate) chown");
	is(B ",U=false", "/a > /b (bind rbind rprivate)");
	is(B ",bind-create-src", "/a > /b (bind rbind rprivate) create");
	is(B ",bind-create-src=false", "/a > /b (bind rbind rprivate)");
}

static void propagation_and_recursion(void **state)
{
	(void)state;
	is(B ",bind-propagation=rslave", "/a > /b (bind rbind rslave)");
	is(B ",bind-propagation=RShared", "/a > /b (bind rbind rshared)");
	is(B ",shared", "/a > /b (bind rbind shared)");
	is(B ",bind-nonrecursive", "/a > /b (bind bind rprivate)");
	is(B ",bind-nonrecursive=false", "/a > /b (bind rbind rprivate)");
	is(B ",bind-recursive=enabled,ro", "/a > /b (bind rbind rprivate rro)");
	is(B ",bind-recursive=enabled", "/a > /b (bind rbind rprivate)");
	is(B ",bind-recursive=disabled,ro", "/a > /b (bind bind rprivate ro)");
	is(B ",bind-recursive=writable,ro", "/a > /b (bind rbind rprivate ro)");
	is(B ",bind-recursive=readonly,ro", "/a > /b (bind rbind rprivate rro)");
	is(B ",bind-recursive=readonly,ro,bind-propagation=rprivate",
	   "/a > /b (bind rbind rprivate rro)");
}

static void file_systems(void **state)
{
	(void)state;
	is("type=tmpfs,dst=/b", "tmpfs > /b (tmpfs noexec nosuid nodev)");
	is("type=tmpfs,dst=/b,tmpfs-size=64k,tmpfs-mode=01770",
	   "tmpfs > /b (tmpfs noexec nosuid nodev size=65536 mode=01770)");
	is("type=tmpfs,dst=/b,tmpfs-size=0", "tmpfs > /b (tmpfs noexec nosuid nodev)");
	is("type=tmpfs,dst=/b,ro,exec,tmpcopyup,noswap",
	   "tmpfs > /b (tmpfs noexec nosuid nodev ro exec noswap tmpcopyup)");
	is("type=tmpfs,dst=/b,notmpcopyup", "tmpfs > /b (tmpfs noexec nosuid nodev)");
	is("type=tmpfs,dst=/b,U", "tmpfs > /b (tmpfs noexec nosuid nodev) chown");
	is("type=ramfs,dst=/b,exec", "ramfs > /b (ramfs noexec nosuid nodev exec)");
	is("type=devpts,dst=/b,mode=620,gid=5,max=3,newinstance",
	   "devpts > /b (devpts nosuid noexec newinstance mode=620 gid=5 max=3)");
}

static void types_that_are_none(void **state)
{
	(void)state;
	fails("", "'type' is missing");
	fails("src=/a,dst=/b", "'type' is missing; docker's default, volume, is not there yet");
	fails("type=,dst=/b", "unknown type ''");
	fails("type=nfs,dst=/b", "unknown type 'nfs' (bind, tmpfs, ramfs and devpts are there)");
	fails("type=volume,src=x,dst=/b", "type=volume: volumes with a name are not there yet");
	fails("type=image,src=x,dst=/b", "type=image: mounting an image is not there yet");
	fails("type=artifact,dst=/b", "not there yet");
	fails("type=glob,src=/x*,dst=/b", "type=glob");
	fails("type=npipe,dst=/b", "Windows");
	fails("type=cluster,dst=/b", "swarm");
	fails("type=bind,type=bind,src=/a,dst=/b", "key 'type' is there twice");
}

static void keys_that_are_wrong(void **state)
{
	(void)state;
	fails("type=bind,dst=/b", "key 'source' is missing");
	fails("type=bind,src=/a", "key 'target' is missing");
	fails("type=tmpfs", "key 'target' is missing");
	fails(B ",", "unknown key ''");
	fails(B ",bogus", "unknown key 'bogus'");
	fails(B ", ro", "unknown key ' ro'");
	fails(B ",Src=/c", "unknown key 'Src'");
	fails(B ",source=/c", "key 'source' is there twice");
	fails(B ",target=/c", "key 'target' is there twice");
	fails(B ",ro,readonly", "key 'readonly' is there twice");
	fails(B ",U,chown", "key 'chown' is there twice");
	fails(B ",tmpfs-size=1m", "key 'tmpfs-size' does not go with type=bind");
	fails(B ",volume-nocopy", "key 'volume-nocopy' does not go with type=bind");
	fails(B ",volume-subpath=x", "key 'volume-subpath' does not go with type=bind");
	fails(B ",image-subpath=x", "key 'image-subpath' does not go with type=bind");
	fails(B ",subpath=x", "key 'subpath' does not go with type=bind");
	fails(B ",no-dereference", "key 'no-dereference' is not there yet");
	fails("type=tmpfs,dst=/b,src=/a", "key 'src' does not go with type=tmpfs");
	fails("type=tmpfs,dst=/b,bind-propagation=rslave", "does not go with type=tmpfs");
	fails("type=ramfs,dst=/b,tmpfs-size=1m", "does not go with type=ramfs");
	fails("type=devpts,dst=/b,ro", "key 'ro' does not go with type=devpts");
	fails(B ",\"ro", "without its other half");
}

static void values_that_are_wrong(void **state)
{
	(void)state;
	fails("type=bind,src,dst=/b", "key 'src' needs a value");
	fails("type=bind,src=/a,dst", "key 'dst' needs a value");
	fails("type=bind,src=,dst=/b", "key 'src' has an empty value");
	fails("type=bind,src=a,dst=/b", "named volumes are not there yet");
	fails("type=bind,src=/a,dst=b", "the target 'b' is not an absolute path");
	fails("type=bind,src=/a,dst=/x/..", "the target cannot be '/'");
	fails(B ",ro=yes", "ro=yes: not true or false");
	fails(B ",rw=2", "rw=2: not true or false");
	fails(B ",ro=", "key 'ro' has an empty value");
	fails(B ",noexec=true", "key 'noexec' takes no value");
	fails(B ",rw,ro", "'rw' and 'ro' exclude each other");
	fails(B ",exec,noexec", "exclude each other");
	fails(B ",bind-propagation=x", "bind-propagation=x: not [r]private");
	fails(B ",bind-propagation=rslave,rshared", "'rslave' and 'rshared' exclude each other");
	fails(B ",bind-recursive=x", "bind-recursive=x: not enabled, disabled, writable or readonly");
	fails(B ",bind-recursive=writable", "bind-recursive=writable needs 'readonly', too");
	fails(B ",bind-recursive=readonly", "bind-recursive=readonly needs 'readonly', too");
	fails(B ",bind-recursive=readonly,ro,rslave",
	      "bind-recursive=readonly and bind-propagation=rslave exclude each other");
	fails(B ",bind-nonrecursive,bind-recursive=enabled", "exclude each other");
	fails(B ",relabel=x", "relabel=x: not shared or private");
	fails(B ",relabel=shared,Z", "exclude each other");
	fails(B ",consistency=x", "consistency=x");
	fails(B ",U,idmap", "exclude each other");
	fails("type=tmpfs,dst=/b,tmpfs-size=x", "tmpfs-size=x: not a size such as 512m");
	fails("type=tmpfs,dst=/b,tmpfs-mode=8", "tmpfs-mode=8: not an octal mode");
	fails("type=tmpfs,dst=/b,tmpfs-mode=17777", "tmpfs-mode=17777: not an octal mode");
	fails("type=tmpfs,dst=/b,tmpcopyup,notmpcopyup",
	      "keys 'tmpcopyup' and 'notmpcopyup' exclude each other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(bad_fields),
		cmocka_unit_test(binds),
		cmocka_unit_test(propagation_and_recursion),
		cmocka_unit_test(file_systems),
		cmocka_unit_test(types_that_are_none),
		cmocka_unit_test(keys_that_are_wrong),
		cmocka_unit_test(values_that_are_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
