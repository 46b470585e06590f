/* A damaged wire plan: refused, or every string and every item that init would look at lies inside.
 *
 * A plan in which every list has items is built, so that the layout may change without a new corpus; the input says what to damage: nine bytes
 * each, where (4), with what (4), and how many bytes of it (1: 1 to 4; 0: cut the plan off there). Magic, build id and size are then put
 * right, which no input would guess; their checks have unit tests. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "build_id.h"
#include "wire/layout.h"
#include "wire/wire_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As a sanitizer sees it: every byte is read. */
static size_t read_text(const char *s)
{
	return s ? strlen(s) : 0;
}

static size_t read_pairs(const WirePlan *w, const WirePair *p, uint32_t count)
{
	size_t sum = 0;
	for (uint32_t i = 0; i < count; i++)
		sum += read_text(wire_text(w, p[i].name)) + read_text(wire_text(w, p[i].value));
	return sum;
}

static size_t read_strings(const WirePlan *w, const WireStr *s, uint32_t count)
{
	size_t sum = 0;
	for (uint32_t i = 0; i < count; i++)
		sum += read_text(wire_text(w, s[i]));
	return sum;
}

/* As init/hooks.c does. */
static size_t read_hooks(const WirePlan *w)
{
	size_t sum = 0;
	for (uint32_t i = 0; i < w->hooks.count; i++) {
		const WireHook *h = &WIRE_ITEMS(w, hooks, WireHook)[i];
		sum += read_text(wire_text(w, h->path)) + read_text(wire_text(w, h->state));
		sum += read_strings(w, WIRE_ITEMS(w, hook_words, WireStr) + h->words_first,
				    h->args + h->env);
	}
	return sum;
}

static size_t read_mounts(const WirePlan *w)
{
	size_t sum = 0;
	for (uint32_t i = 0; i < w->mounts.count; i++) {
		const WireMount *m = &WIRE_ITEMS(w, mounts, WireMount)[i];
		sum += read_text(wire_text(w, m->target)) + read_text(wire_str(w, m->type)) +
		       read_text(wire_str(w, m->source));
		sum += read_strings(w, WIRE_ITEMS(w, mount_options, WireStr) + m->options_first,
				    m->options_count);
	}
	return sum;
}

static size_t read_bytes(const void *at, size_t size)
{
	size_t sum = 0;
	for (const uint8_t *p = at; size > 0; p++, size--)
		sum += *p;
	return sum;
}

static size_t read_all(const WirePlan *w)
{
	size_t sum = read_text(wire_str(w, w->container_id)) + read_text(wire_str(w, w->hostname)) +
		     read_text(wire_text(w, w->root)) + read_text(wire_str(w, w->overlay_upper)) +
		     read_text(wire_str(w, w->overlay_work)) +
		     read_text(wire_str(w, w->overlay_lower)) + read_text(wire_str(w, w->scratch_dir)) +
		     read_text(wire_str(w, w->cwd)) + read_text(wire_str(w, w->mount_context)) +
		     read_text(wire_str(w, w->overlay_context)) +
		     read_text(wire_str(w, w->time_offsets));
	sum += read_mounts(w);
	for (uint32_t i = 0; i < w->devices.count; i++)
		sum += read_text(wire_text(w, WIRE_ITEMS(w, devices, WireDevice)[i].path));
	sum += read_pairs(w, WIRE_ITEMS(w, links, WirePair), w->links.count);
	sum += read_pairs(w, WIRE_ITEMS(w, root_links, WirePair), w->root_links.count);
	sum += read_pairs(w, WIRE_ITEMS(w, sysctls, WirePair), w->sysctls.count);
	sum += read_pairs(w, WIRE_ITEMS(w, labels, WirePair), w->labels.count);
	sum += read_strings(w, WIRE_ITEMS(w, masked, WireStr), w->masked.count);
	sum += read_strings(w, WIRE_ITEMS(w, readonly, WireStr), w->readonly.count);
	sum += read_strings(w, WIRE_ITEMS(w, argv, WireStr), w->argv.count);
	sum += read_strings(w, WIRE_ITEMS(w, envp, WireStr), w->envp.count);
	sum += read_hooks(w);
#define READ_LIST(name, type) \
	sum += read_bytes(WIRE_ITEMS(w, name, type), w->name.count * sizeof(type));
	WIRE_LISTS(READ_LIST)
#undef READ_LIST
	return sum;
}

static void fill_lists(WireBuild *b)
{
	WireStr text = wire_add_str(b, "/some/text");
#define ADD_ITEMS(name, type)       \
	for (int i = 0; i < 3; i++) \
		memset(wire_add(b, name, type), 0, sizeof(type));
	WIRE_LISTS(ADD_ITEMS)
#undef ADD_ITEMS
	for (int i = 0; i < 3; i++) {
		b->mounts[i] = (WireMount){ .target = text,
					    .type = text,
					    .source = text,
					    .kind = (uint16_t)i,
					    .options_count = 1 };
		b->mount_options[i] = b->masked[i] = b->readonly[i] = b->argv[i] = b->envp[i] = text;
		b->devices[i].path = b->hook_words[i] = text;
		b->hooks[i] = (WireHook){
			.path = text, .state = text, .words_first = (uint32_t)i, .env = 1
		};
		b->links[i] = b->root_links[i] = b->sysctls[i] = b->labels[i] = (WirePair){ text, text };
	}
}

/* The plan that is damaged; made once. */
static const uint8_t *whole_plan(size_t *ret_size)
{
	static Arena a = ARENA_EMPTY;
	static void *image;
	static size_t size;
	WireBuild b;
	Err e = { 0 };
	if (!image) {
		wire_build_init(&b, &a);
		b.head.root = b.head.cwd = b.head.scratch_dir = b.head.container_id = b.head.hostname = wire_add_str(
			&b, "/a/b");
		b.head.overlay_lower = b.head.overlay_upper = b.head.overlay_work = b.head.root;
		b.head.mount_context = b.head.overlay_context = b.head.root;
		fill_lists(&b);
		assert(wire_finish(&b, &image, &size, &e) == 0 && wire_check(image, size, &e) == 0);
	}
	*ret_size = size;
	return image;
}

static uint32_t number(const uint8_t *data)
{
	uint32_t n;
	memcpy(&n, data, sizeof n);
	return n;
}

/* Returns the plan's new size. */
static size_t damage(uint8_t *plan, size_t size, const uint8_t *patch)
{
	size_t at = number(patch) % size, width = patch[8] % 5;
	uint32_t value = number(patch + 4);
	if (width == 0)
		return at > sizeof(WirePlan) ? at : size;
	memcpy(plan + at, &value, at + width <= size ? width : size - at);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t plan_size;
	Err e = { 0 };
	const uint8_t *whole = whole_plan(&plan_size);
	uint8_t *plan = malloc(plan_size);
	memcpy(plan, whole, plan_size);
	for (; size >= 9; data += 9, size -= 9)
		plan_size = damage(plan, plan_size, data);
	WirePlan *w = malloc(plan_size); /* of exactly this size: a byte too far is found */
	memcpy(w, plan, plan_size);
	free(plan);
	memcpy(w->magic, WIRE_MAGIC, sizeof w->magic);
	memset(w->build_id, 0, sizeof w->build_id);
	memcpy(w->build_id, BUILD_ID, sizeof(BUILD_ID));
	w->size = (uint32_t)plan_size;
	if (wire_check(w, plan_size, &e) < 0)
		assert(e.kind == ERR_BUG && e.msg[0]);
	else
		assert(read_all(w) < SIZE_MAX); /* so that reading is not left out */
	free(w);
	return 0;
}
