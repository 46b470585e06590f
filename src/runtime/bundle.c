#include "runtime/bundle.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "kern/regular_file.h"

bool bundle_is_bind(const SpecMount *m)
{
	return !m->type || strcmp(m->type, "bind") == 0 || strlist_has(&m->options, "bind") ||
	       strlist_has(&m->options, "rbind");
}

/* config.md, "mounts": a source is an absolute path or relative to the bundle. */
void bundle_sources_resolve(const char *dir, Spec *s, Arena *a)
{
	for (size_t i = 0; i < s->mounts_count; i++) {
		SpecMount *m = &s->mounts[i];
		if (bundle_is_bind(m) && m->source && *m->source != '/')
			m->source = path_clean(a, arena_printf(a, "%s/%s", dir, m->source));
	}
}

/* config.md, "root": the same. */
static int root_resolve(Bundle *b, Arena *a, Err *e)
{
	SpecRoot *root = &b->spec.root;
	char path[PATH_MAX];
	if (!root->path)
		return err_make(e, ERR_SPEC, 0, "root: the container has none");
	const char *named = *root->path == '/' ? root->path
					       : arena_printf(a, "%s/%s", b->dir, root->path);
	if (!realpath(named, path))
		return err_sys(e, "root.path: '%s'", root->path);
	root->path = arena_strdup(a, path);
	return 0;
}

int bundle_read(const char *dir, const char *config, Arena *a, Bundle *ret, Err *e)
{
	char path[PATH_MAX];
	Bundle b = { 0 };
	if (!realpath(dir, path))
		return err_sys(e, "bundle '%s'", dir);
	b.dir = arena_strdup(a, path);
	b.file = config && *config == '/'
			 ? config
			 : arena_printf(a, "%s/%s", b.dir, config ? config : "config.json");
	TRY(regular_file_read(b.file, b.file, LIMIT_CONFIG_BYTES, ERR_SPEC, a, &b.text, &b.text_len, e));
	int r = spec_decode(b.text, b.text_len, a, &b.spec, e);
	if (r == 0)
		r = root_resolve(&b, a, e);
	if (r < 0)
		return err_wrap(e, r, "%s", b.file);
	bundle_sources_resolve(b.dir, &b.spec, a);
	*ret = b;
	return 0;
}
