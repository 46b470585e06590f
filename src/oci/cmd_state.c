/* runtime.md, "State": as runc prints it. */
#include "cli/format.h"
#include "oci/container.h"

static int state_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	(void)opts;
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	JsonWriter w = json_writer(a, true);
	oci_container_write(&c, &w);
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
