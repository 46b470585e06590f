/* oci.h - the commands of mydocker-runtime, and what they share.                            (oci/, may include all but init)
 *
 * Runs in:   the command's process. `run` stays as the container's parent; what `create` has made is left to who called it.
 * Errors:    are printed once, by main.c; every failure has the exit code 1, but that of `exec` 255, as runc's have. Texts that callers look for are runc's.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "cli/opt.h"
#include "runtime/bundle.h"
#include "runtime/plan.h"
#include "runtime/systemd.h"

#define OCI_PROGRAM "mydocker-runtime"

/* The options before the command. */
typedef struct OciGlobal {
	const char *program; /* what we were called as, without folders */
	const char *root;    /* NULL: the user's default */
	const char *log, *log_format, *rootless, *cgroup_manager, *criu;
	bool debug, version, systemd_cgroup;
	bool no_cgroups, by_systemd; /* what cgroup_manager and systemd_cgroup say */
} OciGlobal;

typedef struct OciCmd {
	const char *name, *args, *summary;
	const Opt *opts[OPT_TABLES];
	size_t opts_size, min_args, max_args;
	bool stop_at_first_arg; /* what follows the container's id is another program's */
	int fail_code;          /* 0: 1 */
	int (*run)(const OciGlobal *g, void *opts, const StrList *args, Arena *a,
		   Err *e); /* the exit code, or a negative errno */
} OciCmd;
extern const OciCmd oci_checkpoint, oci_create, oci_delete, oci_events, oci_exec, oci_explain,
	oci_features, oci_kill, oci_list, oci_mounts, oci_pause, oci_ps, oci_restore, oci_resume,
	oci_run, oci_spec, oci_start, oci_state, oci_update;

/* Where containers are recorded: beside the directory of mydocker, whose sweep has no say here. */
int oci_state_dir(const OciGlobal *g, Arena *a, const char **ret, Err *e);

/* runc's rule for ids, by which one is also the name of a directory. */
int oci_id_check(const char *id, Err *e);

/* Which descriptors the caller has given, so many from 3 on, can only be told while we have opened none of our own: this comes first. */
int oci_keep_list(unsigned count, Arena *a, const int **ret, Err *e);

/* What of the host has to be asked for this description besides the usual: FACTS_*. */
unsigned oci_facts_wanted(const Spec *s);

/* Which bundle, as the options say it: NULL is the working directory, and in it config.json. */
typedef struct OciBundle {
	const char *dir, *config;
} OciBundle;

/* A bundle, and what is to be done with it here. */
typedef struct OciPlan {
	Bundle bundle;
	HostFacts facts;
	Plan plan;
	Systemd systemd; /* that makes the groups, if one does */
	const char *id, *state_dir, *hook_state;
} OciPlan;

/* Descriptors of socket activation, sd_listen_fds(3): so many from 3 on, before those of --preserve-fds. */
unsigned oci_listen_fds(void);

void oci_plan_close(OciPlan *p);
static inline void oci_plan_close_auto(OciPlan *p)
{
	oci_plan_close(p);
}
#define OCI_PLAN_NONE ((OciPlan){ .systemd = SYSTEMD_NONE })

/* Whose systemd makes the groups: the user's, but for root of the host. */
bool oci_has_user_systemd(const OciGlobal *g, const HostFacts *f);

/* Reads the bundle and makes the plan: everything is decided, nothing is made. id NULL: the bundle's last path component. The plan's
 * warnings are logged. keep_fds: so many descriptors from 3 on go to the command; since they have to be the caller's, this comes
 * before anything of our own is opened. */
int oci_plan(const OciGlobal *g, const OciBundle *from, const char *id, unsigned keep_fds, Arena *a,
	     OciPlan *ret, Err *e);
