#include "cli/run_options.h"

const Opt run_container_opts[] = {
	OPT_GROUP("Container"),
	OPT_WORD(0, "explain", RunOpts, explain, "timed", "plan",
		 "Tell every kernel step and do none; with =timed run, and tell how long each took"),
	OPT_STR(0, "format", RunOpts, format.format, "FORMAT", "Print --explain for programs: json"),
	OPT_STR('h', "hostname", RunOpts, request.hostname, "NAME",
		"Host name inside (default: the short id)"),
	OPT_FLAG('i', "interactive", RunOpts, request.interactive, "Connect standard input"),
	OPT_STR(0, "name", RunOpts, request.name, "NAME", "Name of the container"),
	OPT_FLAG(0, "rm", RunOpts, request.rm, "Remove the container when it has ended"),
	OPT_FLAG('t', "tty", RunOpts, request.tty, "Give the command a terminal"),
	OPT_END,
};
