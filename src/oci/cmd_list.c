#include <string.h>

#include "cli/format.h"
#include "cli/out.h"
#include "oci/container.h"

typedef struct ListOpts {
	const char *format;
	bool quiet;
} ListOpts;

static const Opt opts_table[] = {
	OPT_STR('f', "format", ListOpts, format, "FORMAT", "table (default) or json"),
	OPT_FLAG('q', "quiet", ListOpts, quiet, "Print ids alone"),
	OPT_END,
};

/* For one that is gone meanwhile there is no row. */
static int rows_make(const OciGlobal *g, const StrList *ids, Out *out, JsonWriter *w, Arena *a, Err *e)
{
	for (size_t i = 0; i < ids->count; i++) {
		AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
		int r = oci_container_open(g, ids->items[i], a, &c, e);
		if (r == -ENOENT)
			continue;
		TRY(r);
		if (w)
			oci_container_write(&c, w);
		else
			out_format(out, "%-11s %-11d %-11s %-11s %-31s %s\n", c.id, (int)c.pid,
				   oci_status_name(c.status), c.bundle, c.created, c.owner);
	}
	return 0;
}

static int list_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const ListOpts *o = opts;
	StrList ids = { 0 };
	Out out;
	(void)args;
	bool json = o->format && strcmp(o->format, "json") == 0;
	if (o->format && !json && strcmp(o->format, "table") != 0)
		return err_make(e, ERR_USAGE, 0, "invalid format option");
	TRY(oci_container_ids(g, a, &ids, e));
	if (json) {
		JsonWriter w = json_writer(a, false);
		json_write_array(&w, NULL);
		TRY(rows_make(g, &ids, NULL, &w, a, e));
		json_write_end(&w);
		return format_print_json(&w, e);
	}
	out_init(&out);
	if (o->quiet) {
		for (size_t i = 0; i < ids.count; i++)
			out_format(&out, "%s\n", ids.items[i]);
		return out_flush(&out, e);
	}
	out_format(&out, "%-11s %-11s %-11s %-11s %-31s %s\n", "ID", "PID", "STATUS", "BUNDLE",
		   "CREATED", "OWNER");
	TRY(rows_make(g, &ids, &out, NULL, a, e));
	return out_flush(&out, e);
}

const OciCmd oci_list = {
	.name = "list",
	.args = "",
	.summary = "List the containers on record",
	.opts = { opts_table },
	.opts_size = sizeof(ListOpts),
	.run = list_main,
};
