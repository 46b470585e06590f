/* `mydocker images`, `tag` and `rmi`. */
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cli/ago.h"
#include "cli/cmd.h"
#include "cli/format.h"
#include "cli/out.h"
#include "engine/images.h"
#include "fmt/reference.h"

/* ---- images ---- */

typedef struct ImagesOpts {
	FormatOpts format;
	bool all, quiet, no_trunc, digests;
} ImagesOpts;

static const Opt images_opts[] = {
	OPT_FLAG('a', "all", ImagesOpts, all, "Show all images; none is hidden"),
	OPT_FLAG(0, "digests", ImagesOpts, digests, "Show the digests of the manifests, too"),
	OPT_LATER('f', "filter", "Show only those that match"),
	OPT_FLAG(0, "no-trunc", ImagesOpts, no_trunc, "Show ids as a whole"),
	OPT_FLAG('q', "quiet", ImagesOpts, quiet, "Show ids alone"),
	OPT_END,
};

typedef struct Row {
	const char *cells[6];
} Row;

static const char *id_text(Arena *a, const Digest *id, bool whole)
{
	return whole ? id->text : arena_strndup(a, digest_digits(id), 12);
}

/* docker's: powers of 1000, three digits. */
static const char *size_text(Arena *a, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t scale = 1;
	size_t unit = 0;
	while (unit + 1 < ARRAY_LEN(units) && bytes / scale >= 1000) {
		scale *= 1000;
		unit++;
	}
	uint64_t whole = bytes / scale, rest = bytes % scale;
	if (unit == 0 || whole >= 100)
		return arena_printf(a, "%llu%s", (unsigned long long)whole, units[unit]);
	unsigned places = whole >= 10 ? 1 : 2;
	uint64_t part = rest / (scale / (places == 1 ? 10 : 100));
	while (places > 0 && part % 10 == 0) {
		part /= 10;
		places--;
	}
	return places == 0 ? arena_printf(a, "%llu%s", (unsigned long long)whole, units[unit])
			   : arena_printf(a, "%llu.%0*llu%s", (unsigned long long)whole,
					  (int)places, (unsigned long long)part, units[unit]);
}

typedef struct Named {
	const char *repository, *tag;
} Named;

static Named name_of(Arena *a, const ImageSummary *s)
{
	Reference r;
	if (reference_parse(s->record.reference, a, &r, NULL) < 0)
		return (Named){ "<none>", "<none>" };
	return (Named){ reference_familiar_name(&r, a), r.tag ? r.tag : "<none>" };
}

static Row row_of(Arena *a, const ImageSummary *s, const ImagesOpts *o, int64_t now)
{
	Named n = name_of(a, s);
	Row r = { { n.repository, n.tag } };
	size_t i = 2;
	if (o->digests)
		r.cells[i++] = s->record.manifest.text;
	r.cells[i++] = id_text(a, &s->record.config, o->no_trunc);
	r.cells[i++] = ago_text(a, s->created, now);
	r.cells[i] = size_text(a, s->size);
	return r;
}

static void row_print(Out *out, const Row *r, const size_t *widths, size_t columns)
{
	for (size_t i = 0; i < columns; i++) {
		out_text(out, r->cells[i]);
		if (i + 1 < columns)
			out_spaces(out, widths[i] + 3 - strlen(r->cells[i]));
	}
	out_text(out, "\n");
}

static int table_print(const CliContext *c, const ImagesOpts *o, const ImageList *l, Err *e)
{
	size_t columns = o->digests ? 6 : 5, widths[6] = { 0 };
	Row *rows = arena_new_array(c->arena, l->count + 1, Row);
	int64_t now = (int64_t)time(NULL);
	Out out;
	rows[0] = o->digests ? (Row){ { "REPOSITORY", "TAG", "DIGEST", "IMAGE ID", "CREATED", "SIZE" } }
			     : (Row){ { "REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE" } };
	for (size_t i = 0; i < l->count; i++)
		rows[i + 1] = row_of(c->arena, &l->items[i], o, now);
	for (size_t i = 0; i <= l->count; i++)
		for (size_t n = 0; n < columns; n++)
			widths[n] = strlen(rows[i].cells[n]) > widths[n] ? strlen(rows[i].cells[n])
									 : widths[n];
	out_init(&out);
	for (size_t i = 0; i <= l->count; i++)
		row_print(&out, &rows[i], widths, columns);
	return out_flush(&out, e);
}

/* One object a line, with docker's names. */
static int json_print(const CliContext *c, const ImagesOpts *o, const ImageList *l, Err *e)
{
	int64_t now = (int64_t)time(NULL);
	for (size_t i = 0; i < l->count; i++) {
		const ImageSummary *s = &l->items[i];
		Named n = name_of(c->arena, s);
		JsonWriter w = json_writer(c->arena, false);
		json_write_object(&w, NULL);
		json_write_string(&w, "Containers", "N/A");
		json_write_string(&w, "CreatedAt", s->created);
		json_write_string(&w, "CreatedSince", ago_text(c->arena, s->created, now));
		json_write_string(&w, "Digest", s->record.manifest.text);
		json_write_string(&w, "ID", id_text(c->arena, &s->record.config, o->no_trunc));
		json_write_string(&w, "Repository", n.repository);
		json_write_string(&w, "SharedSize", "N/A");
		json_write_string(&w, "Size", size_text(c->arena, s->size));
		json_write_string(&w, "Tag", n.tag);
		json_write_string(&w, "UniqueSize", "N/A");
		json_write_end(&w);
		TRY(format_print_json(&w, e));
	}
	return 0;
}

/* Each image once. */
static int ids_print(const CliContext *c, const ImagesOpts *o, const ImageList *l, Err *e)
{
	Out out;
	out_init(&out);
	for (size_t i = 0; i < l->count; i++) {
		bool again = false;
		for (size_t n = 0; n < i; n++)
			again = again ||
				digest_equal(&l->items[n].record.config, &l->items[i].record.config);
		if (!again)
			out_format(&out, "%s\n",
				   id_text(c->arena, &l->items[i].record.config, o->no_trunc));
	}
	return out_flush(&out, e);
}

/* "alpine": of all tags; "alpine:3": of that one. */
static int list_narrow(const CliContext *c, ImageList *l, Err *e)
{
	Reference asked, r;
	size_t kept = 0;
	if (c->args.count == 0)
		return 0;
	TRY(reference_parse(c->args.items[0], c->arena, &asked, e));
	for (size_t i = 0; i < l->count; i++)
		if (reference_parse(l->items[i].record.reference, c->arena, &r, NULL) == 0 &&
		    str_eq(r.domain, asked.domain) && str_eq(r.path, asked.path) &&
		    (!asked.tag || str_eq(asked.tag, r.tag)))
			l->items[kept++] = l->items[i];
	l->count = kept;
	return 0;
}

static int images_main(const CliContext *c, void *opts, Err *e)
{
	const ImagesOpts *o = opts;
	ImageList l;
	bool json;
	TRY(format_is_json(&o->format, &json, e));
	TRY(image_list(c->global->root_dir, c->arena, &l, e));
	TRY(list_narrow(c, &l, e));
	if (o->quiet)
		return ids_print(c, o, &l, e);
	return json ? json_print(c, o, &l, e) : table_print(c, o, &l, e);
}

const Cmd cmd_images = {
	.name = "images",
	.aliases = "image ls, image list",
	.args = "[REPOSITORY[:TAG]]",
	.summary = "List the images that are there",
	.group = CMD_IMAGE,
	.opts = { images_opts, format_long_opts },
	.opts_size = sizeof(ImagesOpts),
	.max_args = 1,
	.failure_code = 1,
	.run = images_main,
};

/* ---- tag ---- */

static const Opt no_opts[] = { OPT_END };

static int tag_main(const CliContext *c, void *opts, Err *e)
{
	(void)opts;
	return image_tag(c->global->root_dir, c->args.items[0], c->args.items[1], c->arena, e);
}

const Cmd cmd_tag = {
	.name = "tag",
	.aliases = "image tag",
	.args = "IMAGE[:TAG] NAME[:TAG]",
	.summary = "Give an image a further name",
	.group = CMD_IMAGE,
	.opts = { no_opts },
	.opts_size = sizeof(char), /* there are none */
	.min_args = 2,
	.max_args = 2,
	.failure_code = 1,
	.run = tag_main,
};

/* ---- rmi ---- */

typedef struct RmiOpts {
	bool force;
} RmiOpts;

static const Opt rmi_opts[] = {
	OPT_FLAG('f', "force", RmiOpts, force, "Remove an image that has several names by its id"),
	OPT_LATER(0, "no-prune", "Keep layers that no other image needs"),
	OPT_END,
};

static void removed_print(Out *out, Arena *a, const ImageRemoved *r)
{
	for (size_t i = 0; i < r->untagged.count; i++) {
		Reference name;
		const char *text = r->untagged.items[i];
		if (reference_parse(text, a, &name, NULL) == 0)
			text = reference_familiar(&name, a);
		out_format(out, "Untagged: %s\n", text);
	}
	for (size_t i = 0; i < r->deleted.count; i++)
		out_format(out, "Deleted: %s\n", r->deleted.items[i]);
}

/* All are tried; the first failure is the command's. */
static int rmi_main(const CliContext *c, void *opts, Err *e)
{
	const RmiOpts *o = opts;
	int first = 0;
	Out out;
	out_init(&out);
	for (size_t i = 0; i < c->args.count; i++) {
		ImageRemoved removed;
		int r = image_remove(c->global->root_dir, c->args.items[i], o->force, c->arena,
				     &removed, first < 0 ? NULL : e);
		removed_print(&out, c->arena, &removed);
		first = first < 0 ? first : r;
	}
	int n = out_flush(&out, first < 0 ? NULL : e);
	return first < 0 ? first : n;
}

const Cmd cmd_rmi = {
	.name = "rmi",
	.aliases = "image rm, image remove",
	.args = "IMAGE [IMAGE...]",
	.summary = "Remove names of images, and what no image needs any more",
	.group = CMD_IMAGE,
	.opts = { rmi_opts },
	.opts_size = sizeof(RmiOpts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.failure_code = 1,
	.run = rmi_main,
};
