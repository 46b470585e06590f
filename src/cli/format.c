#include "cli/format.h"

#include <string.h>

#include "cli/out.h"

#define HELP "Print for programs: json"

const Opt format_opts[] = {
	OPT_STR('f', "format", FormatOpts, format, "FORMAT", HELP),
	OPT_END,
};

const Opt format_long_opts[] = {
	OPT_STR(0, "format", FormatOpts, format, "FORMAT", HELP),
	OPT_END,
};

int format_is_json(const FormatOpts *o, bool *ret, Err *e)
{
	*ret = o->format && strcmp(o->format, "json") == 0;
	if (*ret || !o->format || *o->format == '\0')
		return 0;
	if (strstr(o->format, "{{"))
		return err_make(e, ERR_USAGE, 0,
				"--format with a template is not there yet, there is json");
	return err_make(e, ERR_USAGE, 0, "unknown --format '%s', there is json", o->format);
}

static int print(Out *out, JsonWriter *w, Err *e)
{
	size_t len;
	const char *text = json_write_done(w, &len);
	out_bytes(out, text, len);
	if (!w->indent)
		out_text(out, "\n");
	return out_flush(out, e);
}

int format_print_json(JsonWriter *w, Err *e)
{
	Out out;
	out_init(&out);
	return print(&out, w, e);
}

int format_print_json_error(JsonWriter *w, Err *e)
{
	Out out;
	out_init_error(&out);
	return print(&out, w, e);
}
