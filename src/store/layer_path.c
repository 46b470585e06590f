#include "store/layer_path.h"

#include <string.h>

#include "base/str.h"

#define WHITEOUT ".wh."
#define AUFS     ".wh..wh."
#define OPAQUE   ".wh..wh..opq"

static int refuse(const char *path, const char *why, Err *e)
{
	return err_make(e, ERR_SPEC, 0, "the entry '%.200s' %s", path, why);
}

/* The last part, as long as `size`, becomes the name; what stood there goes to the parent. */
static int part_add(LayerPath *p, const char *path, const char *part, size_t size, Err *e)
{
	size_t used = strlen(p->parent), name = strlen(p->name);
	if (size > NAME_MAX)
		return refuse(path, "has a name that is too long", e);
	if (used + 1 + name >= sizeof p->parent)
		return refuse(path, "has a path that is too long", e);
	if (name > 0) {
		if (used > 0)
			p->parent[used++] = '/';
		memcpy(p->parent + used, p->name, name + 1);
	}
	memcpy(p->name, part, size);
	p->name[size] = '\0';
	return 0;
}

static int name_classify(const char *path, LayerPath *p, Err *e)
{
	const char *hidden = str_after(p->name, WHITEOUT);
	p->kind = p->name[0] ? LAYER_NAME_FILE : LAYER_NAME_ROOT;
	if (!hidden)
		return 0;
	if (str_eq(p->name, OPAQUE)) {
		p->kind = LAYER_NAME_OPAQUE;
		return 0;
	}
	if (str_starts(p->name, AUFS)) {
		p->kind = LAYER_NAME_IGNORED;
		return 0;
	}
	if (!*hidden || str_eq(hidden, ".") || str_eq(hidden, ".."))
		return refuse(path, "is a whiteout of nothing in its folder", e);
	p->kind = LAYER_NAME_WHITEOUT;
	memmove(p->name, hidden, strlen(hidden) + 1);
	return 0;
}

int layer_path_parse(const char *path, LayerPath *ret, Err *e)
{
	ret->parent[0] = ret->name[0] = '\0';
	if (path[0] == '/')
		return refuse(path, "has an absolute path", e);
	for (const char *at = path; *at;) {
		size_t size = strcspn(at, "/");
		if (size == 2 && at[0] == '.' && at[1] == '.')
			return refuse(path, "leads out of its folder by '..'", e);
		if (size > 0 && !(size == 1 && at[0] == '.'))
			TRY(part_add(ret, path, at, size, e));
		at += size;
		at += strspn(at, "/");
	}
	return name_classify(path, ret, e);
}
