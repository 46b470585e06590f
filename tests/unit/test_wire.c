/* The wire plan: what is built can be read whole, and no damaged image is walked. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/own.h"
#include "wire/wire_build.h"

typedef struct Image {
	Arena arena;
	char *data;
	size_t size;
	WirePlan *plan; /* the same */
} Image;

#define ADD(b, list, type, ...) (*wire_add(b, list, type) = (type)__VA_ARGS__)

static void add_mounts(WireBuild *b)
{
	ADD(b, mount_options, WireStr, (wire_add_str(b, "mode=755")));
	ADD(b, mount_options, WireStr, (wire_add_str(b, "size=64k")));
	ADD(b, mounts, WireMount,
	    { .kind = WIRE_MOUNT_FS,
	      .target = wire_add_str(b, "/dev"),
	      .type = wire_add_str(b, "tmpfs"),
	      .attr_set = 2,
	      .options_count = 2 });
	ADD(b, mounts, WireMount,
	    { .kind = WIRE_MOUNT_BIND,
	      .target = wire_add_str(b, "/data"),
	      .source = wire_add_str(b, "/srv/data"),
	      .options_first = 2,
	      .flags = WIRE_MOUNT_RECURSIVE });
	ADD(b, mounts, WireMount,
	    { .kind = WIRE_MOUNT_OVERLAY,
	      .target = wire_add_str(b, "/boot"),
	      .source = wire_add_str(b, "/boot") });
}

/* Something in every list. */
static void fill(WireBuild *b)
{
	WirePlan *h = &b->head;
	h->container_id = wire_add_str(b, "0123456789abcdef");
	h->hostname = wire_add_str(b, "host");
	h->domainname = wire_add_str(b, "example.org");
	h->root = wire_add_str(b, "/srv/root");
	h->overlay_lower = wire_add_str(b, "/srv/root");
	h->overlay_upper = wire_add_str(b, "/o/upper");
	h->overlay_work = wire_add_str(b, "/o/work");
	h->scratch_dir = wire_add_str(b, "/run/mydocker/containers/x");
	h->cwd = wire_add_str(b, "/");
	add_mounts(b);
	ADD(b, devices, WireDevice,
	    { .path = wire_add_str(b, "/dev/null"), .mode = 020666, .major = 1, .minor = 3 });
	ADD(b, links, WirePair, { wire_add_str(b, "/dev/fd"), wire_add_str(b, "/proc/self/fd") });
	ADD(b, root_links, WirePair, { wire_add_str(b, "bin"), wire_add_str(b, "usr/bin") });
	ADD(b, masked, WireStr, (wire_add_str(b, "/proc/kcore")));
	ADD(b, readonly, WireStr, (wire_add_str(b, "/proc/sys")));
	ADD(b, sysctls, WirePair, { wire_add_str(b, "net/ipv4/ip_forward"), wire_add_str(b, "") });
	ADD(b, labels, WirePair, { wire_add_str(b, "exec"), wire_add_str(b, "u:r:t") });
	h->mount_context = wire_add_str(b, "context=u:o:f");
	h->overlay_context = wire_add_str(b, ",context=\"u:o:f\"");
	ADD(b, rlimits, WireRlimit,
	    { .soft = 1024, .hard = UINT64_MAX, .resource = 7, .is_default = 1 });
	ADD(b, groups, uint32_t, (4294967294u));
	ADD(b, argv, WireStr, (wire_add_str(b, "sh")));
	ADD(b, argv, WireStr, (wire_add_str(b, "")));
	ADD(b, envp, WireStr, (wire_add_str(b, "A=b c\nd")));
	ADD(b, filter, WireFilter, { .code = 6, .k = 0x7fff0000 });
	ADD(b, join_fds, int32_t, (9));
	ADD(b, mount_ids, int32_t, (77));
	ADD(b, keep_fds, int32_t, (3));
	ADD(b, cpus, uint64_t, (5));
	ADD(b, memory_nodes, uint64_t, (1));
	ADD(b, joins, WireJoin, { .fd = 11, .flags = 0x40000000 });
	ADD(b, hook_words, WireStr, (wire_add_str(b, "hook")));
	ADD(b, hook_words, WireStr, (wire_add_str(b, "A=b")));
	ADD(b, hooks, WireHook,
	    { .path = wire_add_str(b, "/bin/hook"), .state = wire_add_str(b, "{"), .args = 1, .env = 1 });
	h->time_offsets = wire_add_str(b, "boottime 1 0\n");
	for (int i = 0; i < 3; i++)
		ADD(b, source_fds, int32_t, (i == 1 ? 10 : -1)); /* the bind's */
}

static Image finish(WireBuild *b, Arena arena)
{
	Image i = { .arena = arena };
	Err e = { 0 };
	void *data;
	b->arena = &i.arena;
	if (wire_finish(b, &data, &i.size, &e) < 0)
		fail_msg("%s", e.msg);
	i.data = data;
	i.plan = data;
	return i;
}

static Image make(void)
{
	Arena arena = ARENA_EMPTY;
	WireBuild b;
	wire_build_init(&b, &arena);
	fill(&b);
	return finish(&b, arena);
}

/* Reads everything that init would read; the sum keeps the compiler from leaving it out. */
static volatile uint64_t walk_sum;

static uint64_t walk_str(const WirePlan *w, WireStr s)
{
	const char *text = wire_str(w, s);
	return text ? strlen(text) : 0;
}

static uint64_t walk_list(const WirePlan *w, WireList l, bool pairs)
{
	const WireStr *s = (const WireStr *)(const void *)((const char *)w + l.offset);
	uint64_t sum = 0;
	for (size_t i = 0; i < (size_t)l.count * (pairs ? 2 : 1); i++)
		sum += walk_str(w, s[i]);
	return sum;
}

static uint64_t walk_bytes(const WirePlan *w, WireList l, size_t item)
{
	const unsigned char *p = (const unsigned char *)w + l.offset;
	uint64_t sum = 0;
	for (size_t i = 0; i < l.count * item; i++)
		sum += p[i];
	return sum;
}

static uint64_t walk_mounts(const WirePlan *w)
{
	const WireStr *options = WIRE_ITEMS(w, mount_options, WireStr);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < w->mounts.count; i++) {
		const WireMount *m = &WIRE_ITEMS(w, mounts, WireMount)[i];
		assert_true(m->kind <= WIRE_MOUNT_DETACH);
		assert_non_null(wire_str(w, m->target));
		assert_non_null(wire_str(w, m->kind == WIRE_MOUNT_FS ? m->type : m->source));
		sum += walk_str(w, m->target) + walk_str(w, m->type) + walk_str(w, m->source);
		for (uint32_t k = 0; k < m->options_count; k++)
			sum += walk_str(w, options[m->options_first + k]);
	}
	for (uint32_t i = 0; i < w->devices.count; i++)
		sum += walk_str(w, WIRE_ITEMS(w, devices, WireDevice)[i].path);
	return sum;
}

static uint64_t walk(const WirePlan *w)
{
	const WireStr scalars[] = { w->container_id,   w->hostname,     w->root,
				    w->overlay_upper,  w->overlay_work, w->overlay_lower,
				    w->scratch_dir,    w->cwd,          w->mount_context,
				    w->overlay_context };
	const WireList strings[] = { w->mount_options, w->masked, w->readonly, w->argv, w->envp };
	uint64_t sum = walk_mounts(w);
	for (size_t i = 0; i < ARRAY_LEN(scalars); i++)
		sum += walk_str(w, scalars[i]);
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		sum += walk_list(w, strings[i], false);
#define BYTES(name, type) sum += walk_bytes(w, w->name, sizeof(type));
	WIRE_LISTS(BYTES)
#undef BYTES
	return sum + walk_list(w, w->links, true) + walk_list(w, w->root_links, true) +
	       walk_list(w, w->sysctls, true) + walk_list(w, w->labels, true);
}

/* ---- what is built can be read ---- */

static void scalars_come_back(void **state)
{
	(void)state;
	Image i = make();
	const WirePlan *w = i.plan;
	assert_int_equal(wire_check(i.data, i.size, NULL), 0);
	assert_string_equal(wire_str(w, w->container_id), "0123456789abcdef");
	assert_string_equal(wire_str(w, w->hostname), "host");
	assert_string_equal(wire_str(w, w->root), "/srv/root");
	assert_string_equal(wire_str(w, w->overlay_lower), "/srv/root");
	assert_string_equal(wire_str(w, w->overlay_upper), "/o/upper");
	assert_string_equal(wire_str(w, w->overlay_work), "/o/work");
	assert_string_equal(wire_str(w, w->scratch_dir), "/run/mydocker/containers/x");
	assert_string_equal(wire_str(w, w->cwd), "/");
	assert_null(wire_str(w, 0));
	assert_int_equal(w->root_fd, FD_NONE);
	arena_done(&i.arena);
}

static void lists_come_back(void **state)
{
	(void)state;
	Image i = make();
	const WirePlan *w = i.plan;
	assert_int_equal(w->mounts.count, 3);
	const WireMount *m = WIRE_ITEMS(w, mounts, WireMount);
	assert_string_equal(wire_str(w, m[0].type), "tmpfs");
	assert_int_equal(m[0].attr_set, 2);
	assert_string_equal(wire_str(w, WIRE_ITEMS(w, mount_options, WireStr)[1]), "size=64k");
	assert_string_equal(wire_str(w, m[1].source), "/srv/data");
	assert_int_equal(m[1].flags, WIRE_MOUNT_RECURSIVE);
	assert_string_equal(wire_str(w, m[2].target), "/boot");
	assert_int_equal(WIRE_ITEMS(w, devices, WireDevice)->minor, 3);
	assert_string_equal(wire_str(w, WIRE_ITEMS(w, links, WirePair)->value), "/proc/self/fd");
	assert_string_equal(wire_str(w, *WIRE_ITEMS(w, masked, WireStr)), "/proc/kcore");
	assert_string_equal(wire_str(w, *WIRE_ITEMS(w, readonly, WireStr)), "/proc/sys");
	assert_string_equal(wire_str(w, WIRE_ITEMS(w, sysctls, WirePair)->value), "");
	assert_true(WIRE_ITEMS(w, rlimits, WireRlimit)->hard == UINT64_MAX);
	assert_true(*WIRE_ITEMS(w, groups, uint32_t) == 4294967294u);
	assert_string_equal(wire_str(w, *WIRE_ITEMS(w, envp, WireStr)), "A=b c\nd");
	assert_int_equal(WIRE_ITEMS(w, filter, WireFilter)->k, 0x7fff0000);
	assert_int_equal(*WIRE_ITEMS(w, join_fds, int32_t), 9);
	assert_true(walk(w) > 0);
	arena_done(&i.arena);
}

/* An empty argument is a string, not "none". */
static void empty_and_long_arguments_come_back(void **state)
{
	(void)state;
	Arena arena = ARENA_EMPTY;
	WireBuild b;
	const size_t longest = 128 * 1024 - 1;
	wire_build_init(&b, &arena);
	fill(&b);
	char *text = arena_alloc(&arena, longest + 1);
	memset(text, 'x', longest);
	for (int n = 0; n < 8; n++) /* 1 MiB in all */
		ADD(&b, argv, WireStr, (wire_add_str(&b, text)));
	Image i = finish(&b, arena);
	const WireStr *argv = WIRE_ITEMS(i.plan, argv, WireStr);
	assert_int_equal(wire_check(i.data, i.size, NULL), 0);
	assert_int_equal(i.plan->argv.count, 10);
	assert_true(argv[1] != 0);
	assert_string_equal(wire_str(i.plan, argv[1]), "");
	for (int n = 2; n < 10; n++)
		assert_string_equal(wire_str(i.plan, argv[n]), text);
	arena_done(&i.arena);
}

static void too_long_plans_are_refused(void **state)
{
	(void)state;
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	WireBuild b;
	Err e = { 0 };
	void *data;
	size_t size;
	wire_build_init(&b, &arena);
	fill(&b);
	char *text = arena_alloc(&arena, LIMIT_WIRE_BYTES);
	memset(text, 'x', LIMIT_WIRE_BYTES - 1);
	wire_add_str(&b, text);
	assert_int_equal(wire_finish(&b, &data, &size, &e), -E2BIG);
	assert_int_equal(e.kind, ERR_SPEC);
}

/* ---- every kind of damage ---- */

static void refuse(const Image *i, const char *part)
{
	Err e = { 0 };
	assert_true(wire_check(i->data, i->size, &e) < 0);
	assert_int_equal(e.kind, ERR_BUG);
	if (!strstr(e.msg, part))
		fail_msg("'%s' is not in '%s'", part, e.msg);
}

/* Puts a value into a sound image, which must then be refused with a message that holds `part`. */
#define DAMAGE(lvalue, value, part)   \
	do {                          \
		Image i = make();     \
		WirePlan *w = i.plan; \
		(void)w;              \
		(lvalue) = (value);   \
		refuse(&i, part);     \
		arena_done(&i.arena); \
	} while (0)

#define ITEM(list, type, n) (((type *)(void *)(i.data + w->list.offset))[n])

static void damaged_headers_are_refused(void **state)
{
	(void)state;
	DAMAGE(w->magic[0], 'm', "magic");
	DAMAGE(w->magic[7], 2, "magic");
	DAMAGE(w->build_id[0], (char)(w->build_id[0] + 1), "different builds");
	DAMAGE(w->build_id[0], '\0', "different builds");
	DAMAGE(w->size, w->size + 1, "size");
	DAMAGE(w->size, w->size - 1, "size");
	DAMAGE(w->size, 0, "size");
	DAMAGE(i.size, sizeof(WirePlan) - 1, "size");
	DAMAGE(i.size, 0, "size");
	DAMAGE(w->strings_offset, 0, "strings lie outside");
	DAMAGE(w->strings_offset, sizeof(WirePlan) - 1, "strings lie outside");
	DAMAGE(w->strings_offset, w->size + 1, "strings lie outside");
	DAMAGE(w->strings_offset, UINT32_MAX, "strings lie outside");
	DAMAGE(w->strings_size, w->strings_size + 1, "strings lie outside");
	DAMAGE(w->strings_size, w->strings_size - 1, "strings lie outside");
	DAMAGE(w->strings_size, 0, "strings lie outside");
	DAMAGE(i.data[i.size - 1], 'x', "strings do not end");
	DAMAGE(i.data[w->strings_offset], 'x', "strings do not end");
}

/* Also with a size that the header agrees to. */
static void sizes_beyond_the_limit_are_refused(void **state)
{
	(void)state;
	Image i = make();
	char *big = calloc(1, LIMIT_WIRE_BYTES + 8);
	assert_non_null(big);
	memcpy(big, i.data, i.size);
	WirePlan *w = (WirePlan *)(void *)big;
	w->size = LIMIT_WIRE_BYTES + 8;
	w->strings_size = w->size - w->strings_offset;
	Image bigger = { .data = big, .size = w->size };
	refuse(&bigger, "size");
	w->size = LIMIT_WIRE_BYTES;
	w->strings_size = w->size - w->strings_offset;
	assert_int_equal(wire_check(big, w->size, NULL), 0);
	free(big);
	arena_done(&i.arena);
}

static void lists_that_lie_outside_are_refused(void **state)
{
	(void)state;
#define LIST_DAMAGE(name, type)                                          \
	DAMAGE(w->name.offset, 0, "list " #name " ");                    \
	DAMAGE(w->name.offset, sizeof(WirePlan) - 8, "list " #name " "); \
	DAMAGE(w->name.offset, w->name.offset + 4, "list " #name " ");   \
	DAMAGE(w->name.offset, w->strings_offset, "list " #name " ");    \
	DAMAGE(w->name.offset, UINT32_MAX - 7, "list " #name " ");       \
	DAMAGE(w->name.count, w->strings_offset, "list " #name " ");     \
	DAMAGE(w->name.count, UINT32_MAX, "list " #name " ");
	WIRE_LISTS(LIST_DAMAGE)
#undef LIST_DAMAGE
}

#define OUTSIDE(lvalue)                                  \
	DAMAGE(lvalue, w->strings_size, "lies outside"); \
	DAMAGE(lvalue, UINT32_MAX, "lies outside")

/* Each source belongs to a mount. */
static void sources_without_a_mount_are_refused(void **state)
{
	(void)state;
	DAMAGE(w->mounts.count, w->source_fds.count - 1, "more sources than mounts");
}

static void strings_that_lie_outside_are_refused(void **state)
{
	(void)state;
	OUTSIDE(w->container_id);
	OUTSIDE(w->hostname);
	OUTSIDE(w->root);
	OUTSIDE(w->overlay_upper);
	OUTSIDE(w->overlay_work);
	OUTSIDE(w->overlay_lower);
	OUTSIDE(w->scratch_dir);
	OUTSIDE(w->mount_context);
	OUTSIDE(w->overlay_context);
	OUTSIDE(w->cwd);
	OUTSIDE(ITEM(mounts, WireMount, 2).target);
	OUTSIDE(ITEM(mounts, WireMount, 0).type);
	OUTSIDE(ITEM(mounts, WireMount, 1).source);
}

static void list_strings_that_lie_outside_are_refused(void **state)
{
	(void)state;
	OUTSIDE(ITEM(mount_options, WireStr, 1));
	OUTSIDE(ITEM(devices, WireDevice, 0).path);
	OUTSIDE(ITEM(links, WirePair, 0).name);
	OUTSIDE(ITEM(links, WirePair, 0).value);
	OUTSIDE(ITEM(root_links, WirePair, 0).name);
	OUTSIDE(ITEM(root_links, WirePair, 0).value);
	OUTSIDE(ITEM(sysctls, WirePair, 0).name);
	OUTSIDE(ITEM(sysctls, WirePair, 0).value);
	OUTSIDE(ITEM(labels, WirePair, 0).name);
	OUTSIDE(ITEM(labels, WirePair, 0).value);
	OUTSIDE(ITEM(masked, WireStr, 0));
	OUTSIDE(ITEM(readonly, WireStr, 0));
	OUTSIDE(ITEM(argv, WireStr, 1));
	OUTSIDE(ITEM(envp, WireStr, 0));
	OUTSIDE(ITEM(hook_words, WireStr, 1));
	OUTSIDE(ITEM(hooks, WireHook, 0).path);
	OUTSIDE(ITEM(hooks, WireHook, 0).state);
	OUTSIDE(w->time_offsets);
	DAMAGE(ITEM(hooks, WireHook, 0).path, 0, "words of a hook");
	DAMAGE(ITEM(hooks, WireHook, 0).state, 0, "words of a hook");
	DAMAGE(ITEM(hooks, WireHook, 0).words_first, 1, "words of a hook");
	DAMAGE(ITEM(hooks, WireHook, 0).env, UINT32_MAX, "words of a hook");
}

static void missing_strings_are_refused(void **state)
{
	(void)state;
	DAMAGE(w->root, 0, "no root, cwd or command");
	DAMAGE(w->cwd, 0, "no root, cwd or command");
	DAMAGE(w->argv.count, 0, "no root, cwd or command");
	DAMAGE(ITEM(mount_options, WireStr, 0), 0, "empty slot in mount_options");
	DAMAGE(ITEM(links, WirePair, 0).name, 0, "empty slot in links");
	DAMAGE(ITEM(links, WirePair, 0).value, 0, "empty slot in links");
	DAMAGE(ITEM(root_links, WirePair, 0).name, 0, "empty slot in root_links");
	DAMAGE(ITEM(root_links, WirePair, 0).value, 0, "empty slot in root_links");
	DAMAGE(w->flags, WIRE_ROOT_EMPTY, "an empty root needs scratch");
	DAMAGE(ITEM(sysctls, WirePair, 0).name, 0, "empty slot in sysctls");
	DAMAGE(ITEM(sysctls, WirePair, 0).value, 0, "empty slot in sysctls");
	DAMAGE(ITEM(labels, WirePair, 0).name, 0, "empty slot in labels");
	DAMAGE(ITEM(labels, WirePair, 0).value, 0, "empty slot in labels");
	DAMAGE(ITEM(masked, WireStr, 0), 0, "empty slot in masked");
	DAMAGE(ITEM(readonly, WireStr, 0), 0, "empty slot in readonly");
	DAMAGE(ITEM(argv, WireStr, 1), 0, "empty slot in argv");
	DAMAGE(ITEM(envp, WireStr, 0), 0, "empty slot in envp");
	DAMAGE(ITEM(devices, WireDevice, 0).path, 0, "device without a path");
}

/* Who only builds a root needs no command. */
static void a_root_alone_needs_no_command(void **state)
{
	(void)state;
	Image i = make();
	i.plan->flags |= WIRE_ROOT_ONLY;
	i.plan->cwd = 0;
	i.plan->argv.count = 0;
	assert_int_equal(wire_check(i.data, i.size, NULL), 0);
	i.plan->root = 0;
	refuse(&i, "no root");
	arena_done(&i.arena);
}

static void damaged_mounts_are_refused(void **state)
{
	(void)state;
	DAMAGE(ITEM(mounts, WireMount, 0).target, 0, "lacks");
	DAMAGE(ITEM(mounts, WireMount, 0).type, 0, "lacks");
	DAMAGE(ITEM(mounts, WireMount, 1).source, 0, "lacks");
	DAMAGE(ITEM(mounts, WireMount, 2).source, 0, "lacks");
	DAMAGE(ITEM(mounts, WireMount, 0).kind, WIRE_MOUNT_DETACH, "lacks");
	DAMAGE(ITEM(mounts, WireMount, 0).kind, WIRE_MOUNT_DETACH + 1, "lacks");
	DAMAGE(ITEM(mounts, WireMount, 0).kind, UINT16_MAX, "lacks");
	DAMAGE(ITEM(mounts, WireMount, 0).options_count, 3, "options of a mount");
	DAMAGE(ITEM(mounts, WireMount, 0).options_first, 1, "options of a mount");
	DAMAGE(ITEM(mounts, WireMount, 1).options_first, 3, "options of a mount");
	DAMAGE(ITEM(mounts, WireMount, 0).options_count, UINT32_MAX, "options of a mount");
	DAMAGE(ITEM(mounts, WireMount, 0).options_first, UINT32_MAX, "options of a mount"); /* and 2 wrap to 1 */
}

static Image make_with_mounts(unsigned more)
{
	Arena arena = ARENA_EMPTY;
	WireBuild b;
	wire_build_init(&b, &arena);
	fill(&b);
	WireStr type = wire_add_str(&b, "tmpfs"), target = wire_add_str(&b, "/x");
	for (unsigned n = 0; n < more; n++)
		ADD(&b, mounts, WireMount, { .kind = WIRE_MOUNT_FS, .type = type, .target = target });
	return finish(&b, arena);
}

static void too_many_mounts_are_refused(void **state)
{
	(void)state;
	Image most = make_with_mounts(LIMIT_MOUNTS - 3), more = make_with_mounts(LIMIT_MOUNTS - 2);
	assert_int_equal(wire_check(most.data, most.size, NULL), 0);
	refuse(&more, "too many mounts");
	arena_done(&most.arena);
	arena_done(&more.arena);
}

/* ---- random damage ---- */

/* Memory with an inaccessible page right behind its last byte: a read beyond the image is a fault, with a sanitizer and without. */
typedef struct Cage {
	char *map, *end;
	size_t size;
} Cage;

static Cage cage_make(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
	char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
	return (Cage){ .map = map, .end = map + room, .size = room + page };
}

static uint64_t random_next(uint64_t *seed) /* xorshift64 */
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Checks the image in the cage and walks it if it passes; 1 then. */
static unsigned check_and_walk(const char *data, size_t size)
{
	Err e = { 0 };
	int r = wire_check(data, size, &e);
	if (r < 0) {
		assert_int_equal(e.kind, ERR_BUG);
		return 0;
	}
	walk_sum += walk((const WirePlan *)(const void *)data);
	return 1;
}

/* An image whose size is a multiple of 8, so that it can end at the cage's end and still be aligned. */
static Image make_aligned(void)
{
	Arena arena = ARENA_EMPTY;
	WireBuild b;
	wire_build_init(&b, &arena);
	fill(&b);
	while (b.strings_len % 8 != 0)
		wire_add_str(&b, "");
	return finish(&b, arena);
}

static void no_damaged_byte_leads_outside(void **state)
{
	(void)state;
	Image i = make_aligned();
	Cage cage = cage_make(i.size);
	char *at = cage.end - i.size;
	uint64_t seed = 20;
	unsigned passed = 0, tried = 0;
	memcpy(at, i.data, i.size);
	assert_int_equal(check_and_walk(at, i.size), 1);
	for (size_t n = 0; n < i.size; n++)
		for (unsigned k = 0; k < 12; k++, tried++) {
			at[n] = k == 0   ? '\0'
				: k == 1 ? '\xff'
				: k < 10 ? (char)(i.data[n] ^ 1 << (k - 2))
					 : (char)random_next(&seed);
			passed += check_and_walk(at, i.size);
			at[n] = i.data[n];
		}
	assert_true(passed > 0);
	assert_true(passed < tried);
	(void)munmap(cage.map, cage.size);
	arena_done(&i.arena);
}

/* Whole words, with the values that are near a limit of something; several at once. */
static void no_damaged_word_leads_outside(void **state)
{
	(void)state;
	Image i = make_aligned();
	Cage cage = cage_make(i.size);
	char *at = cage.end - i.size;
	uint64_t seed = 4711;
	unsigned passed = 0;
	const uint32_t near[] = { 0,
				  1,
				  7,
				  8,
				  sizeof(WirePlan),
				  i.plan->strings_offset,
				  i.plan->strings_size,
				  i.plan->strings_size - 1,
				  i.plan->size,
				  i.plan->size - 8,
				  INT32_MAX,
				  UINT32_MAX,
				  UINT32_MAX - 7 };
	for (unsigned n = 0; n < 200000; n++) {
		memcpy(at, i.data, i.size);
		for (unsigned k = 0; k <= n % 4; k++) {
			size_t word = random_next(&seed) % (i.plan->strings_offset / 4) * 4;
			uint32_t value = near[random_next(&seed) % ARRAY_LEN(near)] +
					 (random_next(&seed) % 4 == 0);
			memcpy(at + word, &value, sizeof value);
		}
		passed += check_and_walk(at, i.size);
	}
	assert_true(passed > 0);
	(void)munmap(cage.map, cage.size);
	arena_done(&i.arena);
}

/* Cut at every length, with and without a header that agrees. */
static void no_cut_image_leads_outside(void **state)
{
	(void)state;
	Image i = make_aligned();
	for (size_t size = 0; size < i.size; size++) {
		char *copy = malloc(size ? size : 1);
		assert_non_null(copy);
		memcpy(copy, i.data, size);
		assert_int_equal(check_and_walk(copy, size), 0);
		if (size >= sizeof(WirePlan)) {
			WirePlan *w = (WirePlan *)(void *)copy;
			w->size = (uint32_t)size;
			check_and_walk(copy, size);
			w->strings_size = size > w->strings_offset ? (uint32_t)size - w->strings_offset
								   : 0;
			check_and_walk(copy, size);
		}
		free(copy);
	}
	arena_done(&i.arena);
}

/* ---- the memfd ---- */

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int memfd_with(const void *data, size_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, data, size, "test", NULL), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void sealed_plans_are_opened_and_cannot_change(void **state)
{
	(void)state;
	Image i = make();
	Err e = { 0 };
	const WirePlan *w;
	int fd;
	assert_int_equal(wire_seal(i.data, i.size, &fd, &e), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GET_SEALS) & ALL_SEALS, ALL_SEALS);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_true(mmap(NULL, i.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	if (wire_open(fd, &w, &e) < 0)
		fail_msg("%s", e.msg);
	fd_close(fd);
	assert_memory_equal(w, i.data, i.size);
	assert_true(walk(w) == walk(i.plan));
	arena_done(&i.arena);
}

static void refuse_fd(int fd, const char *part)
{
	const WirePlan *w = NULL;
	Err e = { 0 };
	assert_true(wire_open(fd, &w, &e) < 0);
	assert_int_equal(e.kind, ERR_BUG);
	assert_null(w);
	if (!strstr(e.msg, part))
		fail_msg("'%s' is not in '%s'", part, e.msg);
	if (fd >= 0)
		fd_close(fd);
}

static void unsealed_plans_are_refused(void **state)
{
	(void)state;
	Image i = make();
	const int each[] = { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };
	refuse_fd(memfd_with(i.data, i.size, 0), "not a sealed wire plan");
	for (size_t k = 0; k < ARRAY_LEN(each); k++)
		refuse_fd(memfd_with(i.data, i.size, ALL_SEALS & ~each[k]), "not a sealed wire plan");
	refuse_fd(open("/dev/null", O_RDONLY | O_CLOEXEC), "not a sealed wire plan");
	refuse_fd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "not a sealed wire plan");
	refuse_fd(FD_NONE, "not a sealed wire plan");
	arena_done(&i.arena);
}

static void sealed_but_damaged_plans_are_refused(void **state)
{
	(void)state;
	Image i = make();
	refuse_fd(memfd_with(i.data, 0, ALL_SEALS), "wrong size");
	refuse_fd(memfd_with(i.data, sizeof(WirePlan) - 1, ALL_SEALS), "wrong size");
	refuse_fd(memfd_with(i.data, i.size - 1, ALL_SEALS), "wrong size");
	i.data[0] = 'X';
	refuse_fd(memfd_with(i.data, i.size, ALL_SEALS), "magic");
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, LIMIT_WIRE_BYTES + 1), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	refuse_fd(fd, "wrong size");
	arena_done(&i.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_come_back),
		cmocka_unit_test(lists_come_back),
		cmocka_unit_test(empty_and_long_arguments_come_back),
		cmocka_unit_test(too_long_plans_are_refused),
		cmocka_unit_test(damaged_headers_are_refused),
		cmocka_unit_test(sizes_beyond_the_limit_are_refused),
		cmocka_unit_test(lists_that_lie_outside_are_refused),
		cmocka_unit_test(sources_without_a_mount_are_refused),
		cmocka_unit_test(strings_that_lie_outside_are_refused),
		cmocka_unit_test(list_strings_that_lie_outside_are_refused),
		cmocka_unit_test(missing_strings_are_refused),
		cmocka_unit_test(a_root_alone_needs_no_command),
		cmocka_unit_test(damaged_mounts_are_refused),
		cmocka_unit_test(too_many_mounts_are_refused),
		cmocka_unit_test(no_damaged_byte_leads_outside),
		cmocka_unit_test(no_damaged_word_leads_outside),
		cmocka_unit_test(no_cut_image_leads_outside),
		cmocka_unit_test(sealed_plans_are_opened_and_cannot_change),
		cmocka_unit_test(unsealed_plans_are_refused),
		cmocka_unit_test(sealed_but_damaged_plans_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
