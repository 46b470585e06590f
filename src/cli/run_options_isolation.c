#include "cli/run_options.h"

const Opt run_isolation_opts[] = {
	OPT_GROUP("Isolation"),
	OPT_LIST(0, "cap-add", RunOpts, request.cap_add, "CAP",
		 "Give a capability to the command (ALL: all of them)"),
	OPT_LIST(0, "cap-drop", RunOpts, request.cap_drop, "CAP",
		 "Take a capability from the command (ALL: all of them)"),
	OPT_STR(0, "cgroupns", RunOpts, request.cgroupns, "MODE", "Cgroup namespace: private or host"),
	OPT_LIST(0, "gidmap", RunOpts, request.gidmaps, "C:H:N",
		 "Map N group ids from C inside to H outside, in a new user namespace"),
	OPT_STR(0, "ipc", RunOpts, request.ipc, "MODE", "IPC namespace: private or host"),
	OPT_STR(0, "pid", RunOpts, request.pid, "MODE", "PID namespace: private or host"),
	OPT_FLAG(0, "privileged", RunOpts, request.privileged,
		 "All capabilities and devices, no filter, no masked paths: no protection from what runs in it"),
	OPT_LIST(0, "security-opt", RunOpts, security, "OPTION",
		 "Change the protection: seccomp=, apparmor=, label=, mask=, unmask=, proc-opts=, systempaths=, no-new-privileges, writable-cgroups"),
	OPT_LIST(0, "sysctl", RunOpts, request.sysctls, "KEY=VALUE",
		 "Set a kernel parameter of the container's namespaces"),
	OPT_LIST(0, "uidmap", RunOpts, request.uidmaps, "C:H:N",
		 "Map N user ids from C inside to H outside, in a new user namespace"),
	OPT_STR(0, "uts", RunOpts, request.uts, "MODE", "UTS namespace (host name): private or host"),
	OPT_END,
};
