#include <string.h>
#include <sys/utsname.h>

#include "base/str.h"
#include "engine/dirs.h"
#include "engine/image_take.h"
#include "engine/images.h"
#include "engine/layout_source.h"
#include "engine/registry_source.h"

#define LAYOUT "oci:"

typedef struct Pull {
	const ImagePullRequest *request;
	const Store *store;
	Arena *arena;
	ImageTake take;
	ImagePulled *pulled;
} Pull;

static int platform_find(const char *asked, Arena *a, Platform *ret, Err *e)
{
	struct utsname machine;
	if (uname(&machine) < 0)
		return err_sys(e, "ask for this machine's architecture");
	Platform host = platform_normal(platform_of_machine(arena_strdup(a, machine.machine)), a);
	if (!asked) {
		*ret = host;
		return 0;
	}
	TRY(platform_parse(asked, &host, a, ret, e));
	*ret = platform_normal(*ret, a);
	return 0;
}

static int take(const Pull *p, const ImageSource *source, Err *e)
{
	ImageRecord before;
	bool had = image_record_get(p->store, p->take.reference, p->arena, &before, NULL) == 0;
	TRY(image_take(p->store, source, &p->take, p->arena, &p->pulled->record, e));
	p->pulled->was_there = had && digest_equal(&before.manifest, &p->pulled->record.manifest);
	return 0;
}

/* In a layout a name often is a tag alone, as skopeo writes it: then the image is called like the directory. */
static int layout_name(const LayoutSource *l, Arena *a, Reference *ret, Err *e)
{
	const char *dir = err_basename(l->path), *text = l->name ? l->name : dir;
	if (l->name && !strpbrk(l->name, "/:"))
		text = arena_printf(a, "%s:%s", dir, l->name);
	int r = reference_parse(text, a, ret, e);
	if (r < 0)
		return err_wrap(e, r, "a name for the image in %s", l->path);
	reference_add_tag(ret);
	return 0;
}

static int pull_layout(Pull *p, const char *place, Err *e)
{
	AUTO(layout_source_close) LayoutSource l = LAYOUT_SOURCE_NONE;
	Reference name;
	TRY(layout_source_open(place, p->arena, &l, e));
	TRY(layout_name(&l, p->arena, &name, e));
	p->take.reference = reference_text(&name, p->arena);
	const ImageSource source = layout_source(&l);
	return take(p, &source, e);
}

static int pull_registry(Pull *p, const Reference *name, Err *e)
{
	AUTO(fetch_close) Fetch fetch = FETCH_NONE;
	RegistryConfig config;
	TRY(registry_config(&p->request->registry, name->domain, name->path, p->arena, &config, e));
	TRY(fetch_open(&config, 1, 0, p->arena, &fetch, e));
	RegistrySource from = { .fetch = &fetch, .reference = name, .arena = p->arena };
	const ImageSource source = registry_source(&from);
	return take(p, &source, e);
}

static int pull_named(Pull *p, Err *e)
{
	Reference name;
	TRY(reference_parse(p->request->image, p->arena, &name, e));
	reference_add_tag(&name);
	p->take.reference = reference_text(&name, p->arena);
	if (p->request->when == IMAGE_PULL_MISSING &&
	    image_record_get(p->store, p->take.reference, p->arena, &p->pulled->record, NULL) == 0) {
		p->pulled->was_there = true;
		return 0;
	}
	return pull_registry(p, &name, e);
}

int image_pull(const ImagePullRequest *r, Arena *a, ImagePulled *ret, Err *e)
{
	AUTO(store_close) Store store = STORE_NONE;
	const char *root, *place = str_after(r->image, LAYOUT);
	Pull p = { .request = r, .arena = a, .store = &store, .pulled = ret };
	*ret = (ImagePulled){ 0 };
	TRY(platform_find(r->platform, a, &p.take.platform, e));
	TRY(dirs_root(r->root_dir, a, &root, e));
	TRY(store_open(root, a, &store, e));
	p.take.keep_blobs = true;
	p.take.on_layer = r->on_layer;
	p.take.context = r->context;
	return place ? pull_layout(&p, place, e) : pull_named(&p, e);
}
