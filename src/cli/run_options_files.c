#include "cli/opt_value.h"
#include "cli/run_options.h"

const Opt run_files_opts[] = {
	OPT_GROUP("Files and devices"),
	OPT_FLAG(0, "read-only", RunOpts, request.read_only, "Mount the root file system read-only"),
	OPT_STR(0, "rootfs", RunOpts, request.rootfs, "DIR[:O]",
		"Use a directory as root; with :O (and always for /) nothing written reaches it"),
	OPT_PARSE(0, "shm-size", RunOpts, request.shm_size, int64_t, "SIZE", opt_parse_size,
		  "Size of /dev/shm (default 64m)"),
	OPT_LIST(0, "tmpfs", RunOpts, request.tmpfs, "PATH[:OPTIONS]",
		 "Mount an empty file system in memory"),
	OPT_LIST('v', "volume", RunOpts, request.volumes, "SRC:DST[:OPTIONS]",
		 "Mount a file or directory of the host (options: ro, rw)"),
	OPT_END,
};
