/* run.h - the verb `run`: one container in the foreground, from request to exit code.   (engine/, may include all but cli)
 *
 * Runs in:   the command's process, which becomes the container's parent; it may be root or an ordinary user.
 * Ownership: a RunRequest borrows all it points to from its maker. Raw strings (volumes, maps ...) are read here, not by the caller.
 * Left over: nothing, whether it succeeds or fails; what a killed engine leaves is found and removed by the next one.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Members not given are NULL, false, empty or SPEC_UNSET (run_request_init()). */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): members stand as the options do, and there is one of it */
typedef struct RunRequest {
	const char *state_dir, *root_dir; /* NULL: the user's defaults (engine/dirs.h) */

	/* the container */
	const char *name, *hostname, *domainname;
	bool interactive, tty, rm;
	StrList attach;              /* "stdin", "stdout", "stderr"; none: the last two */
	StrList labels, annotations; /* "KEY[=VALUE]"; later ones win */
	const char *cidfile, *pidfile;
	bool init;             /* a reaper of ours is pid 1 */
	const char *init_path; /* a program of the host in its stead */
	bool sig_proxy;        /* signals go to the command; true by default */
	const char *stop_signal;
	int64_t stop_timeout, timeout; /* seconds; -1 of the first: wait for ever */
	int64_t oom_score_adj;
	void (*started)(const char *id); /* called when the command runs and none of its output is attached; may be NULL */

	/* its command */
	StrList argv;
	const char *entrypoint; /* "" clears it */
	const char *workdir, *user;
	StrList env;       /* "NAME=VALUE"; later ones win */
	StrList unsetenv;  /* names of variables that would be there by default */
	bool unsetenv_all; /* all of those */
	StrList group_add; /* supplementary groups, names or ids */
	const char *umask; /* octal; NULL: 0022 */
	StrList ulimits;   /* "name=soft[:hard]" */
	const char *personality;
	int64_t preserve_fds; /* as many descriptors from 3 on go to the command */
	StrList preserve_fd;  /* or these: "FD,FD" */

	/* files and devices */
	const char *rootfs; /* "DIR", "DIR:O", "DIR:idmap" ... */
	bool read_only;
	bool read_only_tmpfs;  /* with read_only: writable /run, /tmp and /var/tmp */
	StrList volumes;       /* "SRC:DST[:OPTIONS]" */
	StrList mounts;        /* "type=bind,src=SRC,dst=DST,..." */
	StrList tmpfs;         /* "/path[:options]" */
	int64_t shm_size;      /* bytes */
	StrList devices;       /* "HOST[:CONTAINER][:rwm]" */
	StrList device_rules;  /* "c 42:* rwm" */
	const char *time_zone; /* "Europe/Berlin" or "local" */

	/* network */
	const char *network; /* NULL: none */
	StrList dns, dns_search, dns_options;
	StrList add_hosts; /* "NAME:ADDRESS" */
	bool no_hosts;     /* the root's own /etc/hosts, if it has one */

	/* resources */
	int64_t memory, memory_swap, memory_reservation; /* bytes; swap -1: no limit */
	int64_t cpu_shares, cpu_period, cpu_quota;       /* relative; microseconds */
	int64_t nano_cpus;                               /* --cpus: 10^-9 of a CPU */
	const char *cpuset_cpus, *cpuset_mems;
	int64_t pids_limit; /* -1 or 0: none */
	const char *cgroup_parent;
	int64_t memory_swappiness;             /* 0 to 100; -1: the host's */
	int64_t cpu_rt_period, cpu_rt_runtime; /* microseconds */
	int64_t blkio_weight;                  /* 10 to 1000 */
	StrList blkio_weight_devices;          /* "DEVICE:WEIGHT" */
	StrList device_read_bps, device_write_bps, device_read_iops, device_write_iops; /* "DEVICE:RATE" */
	StrList cgroup_conf; /* "KEY=VALUE", KEY a file of cgroup v2 */
	const char *cgroups; /* enabled (NULL), disabled, no-conmon */
	bool oom_kill_disable, writable_cgroups;

	/* namespaces: NULL is a new one */
	const char *pid, *ipc, *uts, *cgroupns;

	/* user namespace */
	const char *userns;       /* "host", "private", "keep-id", "auto", "nomap", with options */
	StrList uidmaps, gidmaps; /* "CONTAINER:HOST:SIZE" */
	const char *subuid_name, *subgid_name; /* whose ranges in /etc/subuid and /etc/subgid */

	/* privileges */
	StrList cap_add, cap_drop; /* names with or without CAP_, or ALL */
	StrList sysctls;           /* "KEY=VALUE" */
	bool privileged, no_new_privs;
	const char *seccomp; /* a profile's file, "builtin" or "unconfined"; NULL: builtin, but with privileged none */
	const char *apparmor; /* a profile's name, or "unconfined"; NULL: none is set */
	StrList selinux;      /* "user:U", "role:R", "type:T", "level:L", "filetype:T" */
	bool label_disable,
		label_nested; /* no label whatever `selinux` says; the command may use SELinux itself */
	bool systempaths_unconfined; /* no masked and no read-only paths */
	StrList mask;                /* further paths to mask, absolute */
	StrList unmask; /* patterns of paths that are not to be masked or read-only, absolute, or ALL */
	StrList proc_opts; /* mount options of /proc */
} RunRequest;

void run_request_init(RunRequest *r);

/* Runs the container and waits for it. Returns 0 with the command's exit code (128+n for signal n) in *ret_exit_code, or a
 * negative errno: ERR_USAGE and ERR_SPEC for a request that makes no sense or is not supported, ERR_CMD_MISSING and ERR_CMD_INVOKE
 * when the command could not be executed, ERR_EXISTS for a name in use, ERR_SYS for what the kernel refused. */
int engine_run(const RunRequest *r, int *ret_exit_code, Err *e);

/* Cleans up after engines that were killed, if there is a state directory at all. What cannot be cleaned is a warning. */
int engine_sweep(const char *state_dir, Err *e);
