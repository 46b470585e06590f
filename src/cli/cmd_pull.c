/* `mydocker pull`: an image from a registry, or from a layout on disk. */
#include "cli/cmd.h"
#include "cli/out.h"
#include "cli/registry_opts.h"
#include "engine/images.h"
#include "fmt/reference.h"

typedef struct PullOpts {
	RegistryOpts registry;
	bool quiet;
	const char *platform;
} PullOpts;

static const Opt pull_opts[] = {
	OPT_LATER('a', "all-tags", "Pull all tags of the repository"),
	OPT_STR(0, "platform", PullOpts, platform, "OS/ARCH[/VARIANT]",
		"Pull the image for this platform"),
	OPT_FLAG('q', "quiet", PullOpts, quiet, "Print nothing but the image's name"),
	OPT_END,
};

typedef struct Progress {
	Out *out;
	Arena *arena;
} Progress;

static void layer_print(void *context, size_t layer, const Descriptor *d, const char *what)
{
	const Progress *p = context;
	Err e = { 0 };
	(void)layer;
	out_format(p->out, "%.12s: %s\n", digest_digits(&d->digest), what);
	(void)out_flush(p->out, &e); /* the last flush tells of it */
}

static void end_print(Out *out, Arena *a, const ImagePulled *p)
{
	Reference name;
	const char *familiar = p->record.reference;
	if (reference_parse(p->record.reference, a, &name, NULL) == 0)
		familiar = reference_familiar(&name, a);
	out_format(out, "Digest: %s\n", p->record.manifest.text);
	out_format(out, "Status: %s for %s\n",
		   p->was_there ? "Image is up to date" : "Downloaded newer image", familiar);
}

static int pull_main(const CliContext *c, void *opts, Err *e)
{
	const PullOpts *o = opts;
	Out out;
	ImagePulled pulled;
	Progress progress = { .out = &out, .arena = c->arena };
	ImagePullRequest r = {
		.root_dir = c->global->root_dir,
		.image = c->args.items[0],
		.platform = o->platform,
		.on_layer = o->quiet ? NULL : layer_print,
		.context = &progress,
	};
	out_init(&out);
	TRY(registry_opts_read(&o->registry, &r.registry, e));
	TRY(image_pull(&r, c->arena, &pulled, e));
	if (!o->quiet)
		end_print(&out, c->arena, &pulled);
	out_format(&out, "%s\n", pulled.record.reference);
	return out_flush(&out, e);
}

const Cmd cmd_pull = {
	.name = "pull",
	.aliases = "image pull",
	.args = "IMAGE",
	.summary = "Fetch an image, and unpack its layers",
	.group = CMD_IMAGE,
	.opts = { pull_opts, registry_opts },
	.opts_size = sizeof(PullOpts),
	.min_args = 1,
	.max_args = 1,
	.failure_code = 1,
	.run = pull_main,
};
