/* mydocker-runtime: runs OCI bundles. */
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "kern/populate.h"
#include "oci/help.h"
#include "oci/log.h"
#include "oci/oci.h"

#define STACK_USED ((size_t)48 << 10) /* by a start */

static const OciCmd *const cmds[] = { &oci_checkpoint, &oci_create,  &oci_delete,   &oci_events,
				      &oci_exec,       &oci_explain, &oci_features, &oci_kill,
				      &oci_list,       &oci_mounts,  &oci_pause,    &oci_ps,
				      &oci_restore,    &oci_resume,  &oci_run,      &oci_spec,
				      &oci_start,      &oci_state,   &oci_update };

static const Opt global_opts[] = {
	OPT_STR(0, "cgroup-manager", OciGlobal, cgroup_manager, "MANAGER",
		"cgroupfs (default), systemd, or disabled: without control groups"),
	OPT_STR(0, "criu", OciGlobal, criu, "FILE",
		"The program criu (default: the one in PATH), for checkpoint and restore"),
	OPT_FLAG(0, "debug", OciGlobal, debug,
		 "Say what is being done, on standard error or in the file of --log"),
	OPT_STR(0, "log", OciGlobal, log, "FILE",
		"Add errors to this file, too, and write warnings and debug lines there alone"),
	OPT_STR(0, "log-format", OciGlobal, log_format, "FORMAT", "text (default) or json, for that file"),
	OPT_STR(0, "root", OciGlobal, root, "DIR",
		"Where containers are recorded (default /run/mydocker-runtime, for ordinary users $XDG_RUNTIME_DIR/mydocker-runtime)"),
	OPT_STR(0, "rootless", OciGlobal, rootless, "BOOL",
		"true, false or auto (default): taken as it is, for what may be done is found out"),
	OPT_FLAG(0, "systemd-cgroup", OciGlobal, systemd_cgroup,
		 "Have systemd make the groups, as --cgroup-manager systemd does: cgroupsPath is then \"slice:prefix:name\""),
	OPT_FLAG('v', "version", OciGlobal, version, "Print the version"),
	OPT_END,
};
static const Opt *const global_tables[OPT_TABLES] = { global_opts };

static int cmd_execute(const OciCmd *cmd, const OciGlobal *g, int argc, char **argv, Arena *a,
		       int *ret_fail_code, Err *e)
{
	const OptSet set = { .tables = cmd->opts,
			     .one_dash = true,
			     .stop_at_first_arg = cmd->stop_at_first_arg };
	void *opts = arena_alloc(a, cmd->opts_size);
	OptRest rest;
	TRY(opt_parse(&set, argc, argv, a, opts, &rest, e));
	if (rest.help)
		return oci_help_command(g, cmd, e);
	if (rest.args.count < cmd->min_args)
		return err_make(e, ERR_USAGE, 0, "'%s' needs at least %zu argument%s", cmd->name,
				cmd->min_args, cmd->min_args > 1 ? "s" : "");
	if (rest.args.count > cmd->max_args)
		return err_make(e, ERR_USAGE, 0, "'%s' does not take the argument '%s'", cmd->name,
				rest.args.items[cmd->max_args]);
	int r = cmd->run(g, opts, &rest.args, a, e);
	if (r < 0 && cmd->fail_code)
		*ret_fail_code = cmd->fail_code;
	return r;
}

static bool is_word(const char *text, const char *words)
{
	size_t len = text ? strlen(text) : 0;
	for (const char *at = words; len > 0 && (at = strstr(at, text)); at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	return !text;
}

static int global_check(OciGlobal *g, Err *e)
{
	if (!is_word(g->log_format, "text json"))
		return err_make(e, ERR_USAGE, 0, "invalid log-format: %s", g->log_format);
	if (!is_word(g->rootless, "true false auto"))
		return err_make(e, ERR_USAGE, 0, "--rootless '%s': not true, false or auto",
				g->rootless);
	if (!is_word(g->cgroup_manager, "cgroupfs systemd disabled"))
		return err_make(e, ERR_USAGE, 0,
				"--cgroup-manager '%s': not cgroupfs, systemd or disabled",
				g->cgroup_manager);
	g->by_systemd = g->systemd_cgroup || str_eq(g->cgroup_manager, "systemd");
	g->no_cgroups = g->cgroup_manager && strcmp(g->cgroup_manager, "disabled") == 0;
	return 0;
}

static const OciCmd *cmd_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		if (strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	return NULL;
}

/* runc's words and code. */
static int cmd_missing(const char *name, int *ret_fail_code, Err *e)
{
	*ret_fail_code = 3;
	return err_make(e, ERR_NOT_FOUND, 0, "No help topic for '%s'", name);
}

static int help_main(const OciGlobal *g, const StrList *args, int *ret_fail_code, Err *e)
{
	if (args->count < 2)
		return oci_help(g, cmds, ARRAY_LEN(cmds), global_tables, e);
	const OciCmd *cmd = cmd_find(args->items[1]);
	return cmd ? oci_help_command(g, cmd, e) : cmd_missing(args->items[1], ret_fail_code, e);
}

static int oci_main(int argc, char **argv, OciGlobal *g, Arena *a, int *ret_fail_code, Err *e)
{
	const OptSet set = { .tables = global_tables, .stop_at_first_arg = true };
	OptRest rest;
	TRY(fd_open_missing_stdio(e));
	TRY(opt_parse(&set, argc, argv, a, g, &rest, e));
	TRY(global_check(g, e));
	log_set_debug(g->debug);
	oci_log_begin(g);
	if (g->version)
		return oci_version_print(g, e);
	if (rest.help || rest.args.count == 0)
		return oci_help(g, cmds, ARRAY_LEN(cmds), global_tables, e);
	const char *name = rest.args.items[0];
	if (strcmp(name, "help") == 0 || strcmp(name, "h") == 0)
		return help_main(g, &rest.args, ret_fail_code, e);
	int words = argc - (int)rest.args.count + 1;
	const OciCmd *cmd = cmd_find(name);
	return cmd ? cmd_execute(cmd, g, argc - words, argv + words, a, ret_fail_code, e)
		   : cmd_missing(name, ret_fail_code, e);
}

static void fail(const OciGlobal *g, const Err *why, Arena *a)
{
	Err e = { 0 };
	char text[sizeof why->msg + 128], more[sizeof why->msg + 128];
	log_note("%s", err_text(why, text, sizeof text));
	if (g->log && *g->log && oci_log_append(g, "error", text, a, &e) < 0)
		log_warn("%s", err_text(&e, more, sizeof more));
}

int main(int argc, char **argv)
{
	populate_program(STACK_USED);
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	OciGlobal global = { .program = slash ? slash + 1 : argc > 0 ? argv[0] : OCI_PROGRAM };
	Err err = { 0 };
	log_set_program(OCI_PROGRAM);
	int fail_code = 1;
	int code = oci_main(argc > 0 ? argc - 1 : 0, argv + 1, &global, &arena, &fail_code, &err);
	if (code >= 0)
		return code;
	fail(&global, &err, &arena);
	return fail_code;
}
