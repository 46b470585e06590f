#include "engine/explain.h"

/* Before the files of /etc, in the order of volume_prepare.c. */
static void explain_volumes(const Spec *s, Explain *x)
{
	for (size_t i = 0; i < s->mounts_count; i++) {
		const SpecMount *m = &s->mounts[i];
		if (m->create_source)
			explain_add(x, STAGE_RECORD, "made if it is missing, and stays",
				    "mkdir(\"%s\")", m->source);
		if (m->chown_source)
			explain_add(x, STAGE_RECORD,
				    "what is in the volume becomes the command's user's, and stays so",
				    "fchownat(\"%s\"), and all in it", m->source);
	}
}

/* --userns auto chooses among what others leave free, and lets nobody else choose until it is on record. */
static void explain_ids(const RunContext *c, Explain *x)
{
	if (userns_needs_files(&c->userns, c->facts) & SUBID_FILES_RANGES)
		explain_add(x, STAGE_LOOK, "which ids may be given away, and which there are at all",
			    "openat(\"/etc/passwd\"), openat(\"/etc/subuid\"), openat(\"/etc/subgid\"), openat(\"/proc/self/uid_map\")");
	if (userns_is_auto(&c->userns))
		explain_add(x, STAGE_LOOK,
			    "what others leave free of them; who else wants to choose waits",
			    "flock(\"containers\", EX)");
}

static void explain_record(const RunContext *c, const Spec *s, Explain *x)
{
	static const char *const files[] = { "hosts", "hostname", "resolv.conf" };
	explain_add(x, STAGE_RECORD, "a folder for this container", "mkdirat(\"%s\")", c->container_dir);
	explain_add(x, STAGE_RECORD,
		    "held as long as we live: when the kernel lets go of it, we are gone, and the next command cleans up",
		    "flock(\"%s\", EX)", c->container_dir);
	explain_add(x, STAGE_RECORD, "the names of groups, layer and container",
		    "openat(\"record.json.new\"), write(), renameat(\"record.json\")");
	if (userns_is_auto(&c->userns))
		explain_add(x, STAGE_RECORD, "the ids are on record", "flock(\"containers\", UN)");
	if (c->request->name)
		explain_add(x, STAGE_RECORD, "the name is taken: only one can make the link",
			    "flock(\"names\", EX), symlinkat(\"names/%s\" -> \"%s\"), flock(\"names\", UN)",
			    c->request->name, c->id);
	if (c->request->cidfile)
		explain_add(x, STAGE_RECORD, "the id, for who waits for it",
			    "openat(\"%s\", CREAT|EXCL), write()", c->request->cidfile);
	if (c->request->pidfile)
		explain_add(x, STAGE_RECORD, "for the process's number, once there is one",
			    "openat(\"%s\", CREAT)", c->request->pidfile);
	if (c->overlay_dir)
		explain_add(x, STAGE_RECORD, "where what is written to the root goes",
			    "mkdir(\"%s\"), mkdirat(\"upper\"), mkdirat(\"work\")", c->overlay_dir);
	explain_volumes(s, x);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		explain_add(x, STAGE_RECORD,
			    i ? NULL : "files of /etc that are the container's own, to be mounted over the root's",
			    "openat(\"%s/%s\", CREAT), write()", c->container_dir, files[i]);
}

void engine_explain_story(const RunContext *c, const Spec *s, Explain *x)
{
	explain_add(x, STAGE_LOOK, "the root: everything else in it is looked up from this descriptor",
		    "openat(\"%s\", PATH|DIRECTORY)", c->root_path);
	explain_add(x, STAGE_LOOK,
		    "what this kernel has and what we may do: asked, not derived from a version",
		    "capget(), /proc/self/ns, /proc/self/cgroup, /proc/self/mountinfo");
	explain_add(x, STAGE_LOOK, "who the command runs as: names are the root's, not the host's",
		    "openat2(\"/etc/passwd\", IN_ROOT)");
	explain_ids(c, x);
	explain_record(c, s, x);
	explain_add(x, STAGE_WAIT, "the command's end, signals to be passed on, the terminal",
		    "poll(pidfd, signalfd%s)", c->request->tty ? ", terminal" : "");
	explain_add(x, STAGE_WAIT, "the exit code", "waitid(P_PIDFD)");
	if (c->overlay_dir)
		explain_add(x, STAGE_CLEAN, "what was written to the root",
			    "unlinkat(\"%s\"), and all in it", c->overlay_dir);
	if (c->request->name)
		explain_add(x, STAGE_CLEAN, "the name is free again",
			    "flock(\"names\", EX), unlinkat(\"names/%s\"), flock(\"names\", UN)",
			    c->request->name);
	explain_add(x, STAGE_CLEAN,
		    "last of all the record: until here the next command would have found it",
		    "unlinkat(\"%s\"), and all in it", c->container_dir);
}
