#include "cli/explain_print.h"
#include "cli/format.h"
#include "oci/oci.h"

typedef struct ExplainOpts {
	FormatOpts format;
	OciBundle bundle;
} ExplainOpts;
static const Opt opts_table[] = {
	OPT_STR('b', "bundle", ExplainOpts, bundle.dir, "DIR",
		"The bundle, the directory that holds config.json (default: the working directory)"),
	OPT_STR('f', "config", ExplainOpts, bundle.config, "FILE",
		"The description in the bundle (default: config.json)"),
	OPT_END,
};

static void explain_files(const OciPlan *p, Explain *x)
{
	const char *dir = arena_printf(x->arena, "%s/containers/%s", p->state_dir, p->id);
	explain_add(x, STAGE_LOOK, "the description of the container", "openat(\"%s\"), read()",
		    p->bundle.file);
	explain_add(x, STAGE_LOOK, "the root: nothing of it is read before it is the container's own",
		    "readlink(\"%s\")", p->bundle.spec.root.path);
	explain_add(x, STAGE_LOOK,
		    "what this kernel has and what we may do: asked, not derived from a version",
		    "capget(), /proc/self/ns, /proc/self/cgroup, /proc/self/mountinfo");
	explain_add(x, STAGE_RECORD, "a folder for this container", "mkdirat(\"%s\")", dir);
	explain_add(x, STAGE_RECORD,
		    "held as long as we live: when the kernel lets go of it, we are gone, and the next command cleans up",
		    "flock(\"%s\", EX)", dir);
	explain_add(x, STAGE_RECORD, "the names of groups and container",
		    "openat(\"record.json.new\"), write(), renameat(\"record.json\")");
	explain_add(x, STAGE_WAIT, "the command's end, signals to be passed on, the terminal",
		    "poll(pidfd, signalfd%s)", p->bundle.spec.process.terminal ? ", terminal" : "");
	explain_add(x, STAGE_WAIT, "the exit code", "waitid(P_PIDFD)");
}

static int explain_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const ExplainOpts *o = opts;
	AUTO(oci_plan_close) OciPlan p = OCI_PLAN_NONE;
	bool json;
	TRY(format_is_json(&o->format, &json, e));
	TRY(oci_plan(g, &o->bundle, args->count > 0 ? args->items[0] : NULL, 0, a, &p, e));
	RunExplain r = { .story = { .arena = a }, .container_id = p.id, .id_is_given = true };
	explain_files(&p, &r.story);
	runtime_explain(&p.plan, &p.facts, &r.story);
	explain_add(&r.story, STAGE_CLEAN,
		    "last of all the record: until here the next command would have found it",
		    "unlinkat(\"%s/containers/%s\"), and all in it", p.state_dir, p.id);
	return explain_print_story(&r, json, a, e);
}

const OciCmd oci_explain = {
	.name = "explain",
	.args = "[ID]",
	.summary = "Tell every kernel step of a bundle's start, in order, with its reason, and do none",
	.opts = { opts_table, format_opts },
	.opts_size = sizeof(ExplainOpts),
	.max_args = 1,
	.run = explain_main,
};
