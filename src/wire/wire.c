#include "wire/wire.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "build_id.h"
#include "wire/layout.h"

_Static_assert(sizeof(BUILD_ID) <= sizeof(((WirePlan *)0)->build_id), "the build id fits with its NUL");
_Static_assert(sizeof(WirePlan) % 8 == 0, "lists after the header are aligned");

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int str_check(const WirePlan *w, WireStr s, const char *what, Err *e)
{
	if (s >= w->strings_size)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: a string of %s lies outside", what);
	return 0;
}

static int header_check(const WirePlan *w, size_t size, Err *e)
{
	if (size < sizeof *w || size > LIMIT_WIRE_BYTES || w->size != size)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: wrong size");
	if (memcmp(w->magic, WIRE_MAGIC, sizeof w->magic) != 0)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: wrong magic");
	if (strncmp(w->build_id, BUILD_ID, sizeof w->build_id) != 0)
		return err_make(e, ERR_BUG, EINVAL,
				"init and mydocker come from different builds; install both together");
	if (w->strings_offset < sizeof *w || w->strings_offset > size ||
	    w->strings_size != size - w->strings_offset || w->strings_size == 0)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: the strings lie outside");
	const char *strings = (const char *)w + w->strings_offset;
	if (strings[0] != '\0' || strings[w->strings_size - 1] != '\0')
		return err_make(e, ERR_BUG, EINVAL, "wire plan: the strings do not end");
	return 0;
}

static int list_check(const WirePlan *w, WireList l, size_t item, const char *name, Err *e)
{
	uint64_t end = (uint64_t)l.offset + (uint64_t)l.count * item;
	if (l.offset < sizeof *w || l.offset % 8 != 0 || end > w->strings_offset)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: list %s lies outside", name);
	return 0;
}

static int scalars_check(const WirePlan *w, Err *e)
{
	const WireStr strings[] = { w->container_id,  w->hostname,        w->domainname,
				    w->root,          w->overlay_upper,   w->overlay_work,
				    w->overlay_lower, w->scratch_dir,     w->cwd,
				    w->mount_context, w->overlay_context, w->time_offsets };
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		TRY(str_check(w, strings[i], "the header", e));
	if ((!w->root && !(w->flags & (WIRE_EXEC | WIRE_MOUNTS_ONLY))) ||
	    (!(w->flags & (WIRE_ROOT_ONLY | WIRE_MOUNTS_ONLY)) && (!w->cwd || w->argv.count == 0)))
		return err_make(e, ERR_BUG, EINVAL, "wire plan: no root, cwd or command");
	if (w->overlay_upper && (!w->overlay_work || !w->overlay_lower))
		return err_make(e, ERR_BUG, EINVAL, "wire plan: an overlay lacks a layer");
	if ((w->flags & WIRE_ROOT_EMPTY) && !(w->flags & WIRE_SCRATCH))
		return err_make(e, ERR_BUG, EINVAL, "wire plan: an empty root needs scratch");
	if (((w->flags & WIRE_SCRATCH) || (w->root_fd >= 0 && !(w->flags & WIRE_EXEC))) && !w->scratch_dir)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: no scratch directory");
	return 0;
}

static int mounts_check(const WirePlan *w, Err *e)
{
	const WireMount *m = WIRE_ITEMS(w, mounts, WireMount);
	for (uint32_t i = 0; i < w->mounts.count; i++, m++) {
		TRY(str_check(w, m->target, "a mount", e));
		TRY(str_check(w, m->type, "a mount", e));
		TRY(str_check(w, m->source, "a mount", e));
		if ((uint64_t)m->options_first + m->options_count > w->mount_options.count)
			return err_make(e, ERR_BUG, EINVAL, "wire plan: options of a mount lie outside");
		if (!m->target || m->kind > WIRE_MOUNT_DETACH ||
		    (m->kind == WIRE_MOUNT_FS       ? !m->type
		     : m->kind == WIRE_MOUNT_DETACH ? !(w->flags & WIRE_MOUNTS_ONLY)
						    : !m->source))
			return err_make(e, ERR_BUG, EINVAL,
					"wire plan: a mount lacks its type or source");
	}
	if (w->mounts.count > LIMIT_MOUNTS)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: too many mounts");
	if (w->source_fds.count > w->mounts.count)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: more sources than mounts");
	return 0;
}

static int str_list_check(const WirePlan *w, WireList l, const char *name, Err *e)
{
	const WireStr *s = (const WireStr *)(const void *)((const char *)w + l.offset);
	for (uint32_t i = 0; i < l.count; i++) {
		TRY(str_check(w, s[i], name, e));
		if (!s[i])
			return err_make(e, ERR_BUG, EINVAL, "wire plan: an empty slot in %s", name);
	}
	return 0;
}

static int pair_list_check(const WirePlan *w, WireList l, const char *name, Err *e)
{
	const WirePair *p = (const WirePair *)(const void *)((const char *)w + l.offset);
	for (uint32_t i = 0; i < l.count; i++) {
		TRY(str_check(w, p[i].name, name, e));
		TRY(str_check(w, p[i].value, name, e));
		if (!p[i].name || !p[i].value)
			return err_make(e, ERR_BUG, EINVAL, "wire plan: an empty slot in %s", name);
	}
	return 0;
}

static int devices_check(const WirePlan *w, Err *e)
{
	const WireDevice *d = WIRE_ITEMS(w, devices, WireDevice);
	for (uint32_t i = 0; i < w->devices.count; i++) {
		TRY(str_check(w, d[i].path, "a device", e));
		if (!d[i].path)
			return err_make(e, ERR_BUG, EINVAL, "wire plan: a device without a path");
	}
	return 0;
}

static int hooks_check(const WirePlan *w, Err *e)
{
	const WireHook *h = WIRE_ITEMS(w, hooks, WireHook);
	for (uint32_t i = 0; i < w->hooks.count; i++, h++) {
		TRY(str_check(w, h->path, "a hook", e));
		TRY(str_check(w, h->state, "a hook", e));
		if (!h->path || !h->state ||
		    (uint64_t)h->words_first + h->args + h->env > w->hook_words.count)
			return err_make(e, ERR_BUG, EINVAL, "wire plan: words of a hook lie outside");
	}
	return 0;
}

int wire_check(const void *data, size_t size, Err *e)
{
	const WirePlan *w = data;
	TRY(header_check(w, size, e));
#define LIST_CHECK(name, type) TRY(list_check(w, w->name, sizeof(type), #name, e));
	WIRE_LISTS(LIST_CHECK)
#undef LIST_CHECK
	TRY(scalars_check(w, e));
	TRY(str_list_check(w, w->mount_options, "mount_options", e));
	TRY(mounts_check(w, e));
	TRY(devices_check(w, e));
	TRY(pair_list_check(w, w->links, "links", e));
	TRY(pair_list_check(w, w->root_links, "root_links", e));
	TRY(pair_list_check(w, w->sysctls, "sysctls", e));
	TRY(pair_list_check(w, w->labels, "labels", e));
	TRY(str_list_check(w, w->masked, "masked", e));
	TRY(str_list_check(w, w->readonly, "readonly", e));
	TRY(str_list_check(w, w->argv, "argv", e));
	TRY(str_list_check(w, w->envp, "envp", e));
	TRY(str_list_check(w, w->hook_words, "hook_words", e));
	TRY(hooks_check(w, e));
	return 0;
}

int wire_open(int fd, const WirePlan **ret, Err *e)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS)
		return err_make(e, ERR_BUG, EINVAL, "descriptor %d is not a sealed wire plan", fd);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat the wire plan");
	if (st.st_size < (off_t)sizeof(WirePlan) || st.st_size > (off_t)LIMIT_WIRE_BYTES)
		return err_make(e, ERR_BUG, EINVAL, "wire plan: wrong size");
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, "map the wire plan");
	int r = wire_check(map, (size_t)st.st_size, e);
	if (r < 0) {
		(void)munmap(map, (size_t)st.st_size); /* the plan is refused; its mapping is of no use */
		return r;
	}
	*ret = map;
	return 0;
}
