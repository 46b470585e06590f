/* runc's `pause` and `resume`: the freezer of the container's group. */
#include "kern/cgroup_members.h"
#include "oci/container.h"

static int freeze(const OciContainer *c, bool on, Err *e)
{
	const char *dir = oci_container_freezer(c);
	if (!dir)
		return err_make(e, ERR_STATE, 0, "container %s has no control group with a freezer",
				c->id);
	return cgroup_freeze(dir, on, e);
}

static int pause_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	(void)opts;
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	if (c.status != OCI_RUNNING && c.status != OCI_CREATED)
		return err_make(e, ERR_STATE, 0, "container not running: %s", oci_status_name(c.status));
	return freeze(&c, true, e);
}

static int resume_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	(void)opts;
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	if (c.status != OCI_PAUSED)
		return err_make(e, ERR_STATE, 0, "container not paused");
	return freeze(&c, false, e);
}

const OciCmd oci_pause = {
	.name = "pause",
	.args = "ID",
	.summary = "Stop all processes of a container where they are",
	.min_args = 1,
	.max_args = 1,
	.run = pause_main,
};

const OciCmd oci_resume = {
	.name = "resume",
	.args = "ID",
	.summary = "Let the processes of a paused container go on",
	.min_args = 1,
	.max_args = 1,
	.run = resume_main,
};
