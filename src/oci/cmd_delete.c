#include <regex.h>
#include <signal.h>

#include "kern/cgroup_members.h"
#include "kern/process.h"
#include "oci/container.h"
#include "oci/remove.h"
#include "oci/rescue.h"

#define KILL_MS 10000 /* that a killed process has to end */

typedef struct DeleteOpts {
	bool force, regex;
} DeleteOpts;

static const Opt opts_table[] = {
	OPT_FLAG('f', "force", DeleteOpts, force,
		 "Kill it if it runs; one that does not exist is as good as deleted"),
	OPT_FLAG(0, "regex", DeleteOpts, regex,
		 "ID is an extended regular expression: every container whose ID it matches"),
	OPT_END,
};

/* A created container has begun nothing: it goes as a stopped one does. */
static int process_end(const OciContainer *c, const DeleteOpts *o, Err *e)
{
	if (c->status != OCI_CREATED && c->status != OCI_STOPPED && !o->force)
		return err_make(e, ERR_STATE, 0, "cannot delete container %s that is not stopped: %s",
				c->id, oci_status_name(c->status));
	if (!c->pid)
		return 0;
	(void)process_signal(c->pidfd, SIGKILL); /* ended already is as good */
	const char *freezer = c->status == OCI_PAUSED ? oci_container_freezer(c) : NULL;
	if (freezer)
		TRY(cgroup_freeze(freezer, false, e)); /* the frozen do not die on v1 */
	if (!process_has_ended(c->pidfd, KILL_MS))
		return err_make(e, ERR_STATE, 0,
				"process %d of container %s is killed but hangs in the kernel",
				(int)c->pid, c->id);
	return 0;
}

static int delete_one(const OciGlobal *g, const DeleteOpts *o, const char *id, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	int r = oci_container_open(g, id, a, &c, e);
	if (r == -ENOENT && o->force)
		return 0;
	if (r < 0 && o->force) {
		TRY(oci_rescue(g, id, a, e));
		r = oci_container_open(g, id, a, &c, e);
	}
	TRY(r);
	TRY(process_end(&c, o, e));
	return oci_container_remove(&c, a, e);
}

/* Goes on after a failure, and returns the first. */
static int delete_matching(const OciGlobal *g, const DeleteOpts *o, const regex_t *of, Arena *a, Err *e)
{
	StrList ids = { 0 };
	int first = 0;
	TRY(oci_container_ids(g, a, &ids, e));
	for (size_t i = 0; i < ids.count; i++) {
		int r = regexec(of, ids.items[i], 0, NULL, 0) == 0
				? delete_one(g, o, ids.items[i], a, first < 0 ? NULL : e)
				: 0;
		first = first < 0 ? first : r;
	}
	return first;
}

static int delete_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const DeleteOpts *o = opts;
	regex_t of;
	if (!o->regex)
		return delete_one(g, o, args->items[0], a, e);
	if (regcomp(&of, args->items[0], REG_EXTENDED | REG_NOSUB) != 0)
		return err_make(e, ERR_USAGE, 0, "--regex '%s': not a regular expression",
				args->items[0]);
	int r = delete_matching(g, o, &of, a, e);
	regfree(&of);
	return r;
}

const OciCmd oci_delete = {
	.name = "delete",
	.args = "ID",
	.summary = "Remove a container and all that it has left",
	.opts = { opts_table },
	.opts_size = sizeof(DeleteOpts),
	.min_args = 1,
	.max_args = 1,
	.run = delete_main,
};
