/* runtime.md, "State": as runc prints it. */
#include "cli/cmd_version.h"
#include "cli/format.h"
#include "oci/container.h"

static int state_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	(void)opts;
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	JsonWriter w = json_writer(a, true);
	json_write_object(&w, NULL);
	json_write_string(&w, "ociVersion", VERSION_OCI_SPEC);
	json_write_string(&w, "id", c.id);
	json_write_u64(&w, "pid", (uint64_t)c.pid);
	json_write_string(&w, "status", oci_status_name(c.status));
	json_write_string(&w, "bundle", c.bundle);
	json_write_string(&w, "rootfs", c.rootfs);
	json_write_string(&w, "created", c.created);
	json_write_object(&w, "annotations");
	for (size_t i = 0; i < c.record.annotations_count; i++)
		json_write_string(&w, c.record.annotations[i].key, c.record.annotations[i].value);
	json_write_end(&w);
	json_write_string(&w, "owner", c.owner);
	json_write_end(&w);
	return format_print_json(&w, e);
}

const OciCmd oci_state = {
	.name = "state",
	.args = "ID",
	.summary = "Print what there is to know of a container, as JSON",
	.min_args = 1,
	.max_args = 1,
	.run = state_main,
};
