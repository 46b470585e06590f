#include "cli/opt_value.h"
#include "cli/run_options.h"

const Opt run_resources_opts[] = {
	OPT_GROUP("Resources"),
	OPT_STR(0, "cgroup-parent", RunOpts, request.cgroup_parent, "GROUP",
		"Make the container's group below this one (default /mydocker)"),
	OPT_PARSE(0, "cpu-period", RunOpts, request.cpu_period, int64_t, "USEC", opt_parse_number,
		  "Period of --cpu-quota in microseconds (default 100000)"),
	OPT_PARSE(0, "cpu-quota", RunOpts, request.cpu_quota, int64_t, "USEC", opt_parse_number,
		  "CPU time in each period, in microseconds (-1: no limit)"),
	OPT_PARSE('c', "cpu-shares", RunOpts, request.cpu_shares, int64_t, "N", opt_parse_number,
		  "Weight against other containers when CPUs are busy (default 1024)"),
	OPT_PARSE(0, "cpus", RunOpts, request.nano_cpus, int64_t, "N", opt_parse_cpus,
		  "How many CPUs' time it may use, such as 1.5"),
	OPT_STR(0, "cpuset-cpus", RunOpts, request.cpuset_cpus, "LIST", "CPUs it may run on (0-3 or 0,1)"),
	OPT_STR(0, "cpuset-mems", RunOpts, request.cpuset_mems, "LIST",
		"Memory nodes it may use (0-3 or 0,1)"),
	OPT_PARSE('m', "memory", RunOpts, request.memory, int64_t, "SIZE", opt_parse_size,
		  "Memory limit, such as 512m"),
	OPT_PARSE(0, "memory-reservation", RunOpts, request.memory_reservation, int64_t, "SIZE",
		  opt_parse_size, "Memory it keeps when the host runs short"),
	OPT_PARSE(0, "memory-swap", RunOpts, request.memory_swap, int64_t, "SIZE", opt_parse_swap,
		  "Limit of memory and swap together (-1: no limit; default: twice --memory)"),
	OPT_PARSE(0, "pids-limit", RunOpts, request.pids_limit, int64_t, "N", opt_parse_number,
		  "Most processes and threads at once (default 2048, -1: no limit)"),
	OPT_END,
};
