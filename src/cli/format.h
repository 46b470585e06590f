/* format.h - --format, the option that commands with output for programs share.             (cli/) */
#pragma once
#include "cli/opt.h"
#include "fmt/json_write.h"

/* First member of the option structure of a command that refers to one of these. */
typedef struct FormatOpts {
	const char *format; /* NULL: for people */
} FormatOpts;
extern const Opt format_opts[];
extern const Opt format_long_opts[]; /* where -f is something else */

/* Whether JSON is wanted. ERR_USAGE for anything but "json"; templates are not there yet. */
int format_is_json(const FormatOpts *o, bool *ret, Err *e);

/* Prints what the writer holds. */
int format_print_json(JsonWriter *w, Err *e);
int format_print_json_error(JsonWriter *w, Err *e); /* on standard error */
