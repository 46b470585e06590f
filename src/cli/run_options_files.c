#include "cli/opt_value.h"
#include "cli/run_options.h"

const Opt run_files_opts[] = {
	OPT_GROUP("Files and devices"),
	OPT_LIST(0, "device", RunOpts, request.devices, "HOST[:CONTAINER][:rwm]",
		 "Give a device of the host, or a directory of devices"),
	OPT_LIST(0, "device-cgroup-rule", RunOpts, request.device_rules, "RULE",
		 "Allow access to devices by number, such as 'c 42:* rwm'"),
	OPT_LIST(0, "mount", RunOpts, request.mounts, "KEY=VALUE,...",
		 "Mount something: type=bind, tmpfs, ramfs or devpts, src=, dst= and more"),
	OPT_FLAG(0, "read-only", RunOpts, request.read_only, "Mount the root file system read-only"),
	OPT_FLAG(0, "read-only-tmpfs", RunOpts, request.read_only_tmpfs,
		 "With --read-only: writable /run, /tmp and /var/tmp in memory"),
	OPT_STR(0, "rootfs", RunOpts, request.rootfs, "DIR[:O][,idmap]",
		"Use a directory as root; with :O (and always for /) nothing written reaches it"),
	OPT_PARSE(0, "shm-size", RunOpts, request.shm_size, int64_t, "SIZE", opt_parse_size,
		  "Size of /dev/shm (default 64m)"),
	OPT_LIST(0, "tmpfs", RunOpts, request.tmpfs, "PATH[:OPTIONS]",
		 "Mount an empty file system in memory"),
	OPT_LIST('v', "volume", RunOpts, request.volumes, "SRC:DST[:OPTIONS]",
		 "Mount a file or directory of the host"),
	OPT_END,
};
