/* mydocker-runtime: runs OCI bundles. */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/out.h"
#include "fmt/json_write.h"
#include "oci/oci.h"
#include "version.h"

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
	OPT_FLAG(0, "debug", OciGlobal, debug, "Say on standard error what is being done"),
	OPT_STR(0, "log", OciGlobal, log, "FILE", "Add errors to this file, too"),
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

static int version_print(Err *e)
{
	Out out;
	out_init(&out);
	out_format(&out, OCI_PROGRAM " version %s\nspec: %s\n", MYDOCKER_VERSION, SPEC_OCI_VERSION);
	return out_flush(&out, e);
}

static void options_print(Out *out, const Opt *const *tables)
{
	out_text(out, "\nOptions:\n");
	for (; *tables; tables++)
		for (const Opt *o = *tables; o->kind != OPT_KIND_END; o++) {
			out_text(out, "  ");
			if (o->letter)
				out_format(out, "-%c, ", o->letter);
			out_format(out, "--%s%s%s\n        ", o->name, o->arg ? " " : "",
				   o->arg ? o->arg : "");
			out_wrapped(out, o->help, 8, out->width);
			out_text(out, "\n");
		}
}

static int help_print(Err *e)
{
	Out out;
	out_init(&out);
	out_text(&out, "Usage:\n  " OCI_PROGRAM " [OPTIONS] COMMAND\n\nRuns OCI bundles\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		out_format(&out, "  %-11s%s\n", cmds[i]->name, cmds[i]->summary);
	options_print(&out, global_tables);
	return out_flush(&out, e);
}

static int cmd_help_print(const OciCmd *cmd, Err *e)
{
	Out out;
	out_init(&out);
	out_format(&out, "Usage:\n  " OCI_PROGRAM " %s [OPTIONS] %s\n\n%s\n", cmd->name, cmd->args,
		   cmd->summary);
	options_print(&out, cmd->opts);
	return out_flush(&out, e);
}

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
		return cmd_help_print(cmd, e);
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

static int oci_main(int argc, char **argv, OciGlobal *g, Arena *a, int *ret_fail_code, Err *e)
{
	const OptSet set = { .tables = global_tables, .stop_at_first_arg = true };
	OptRest rest;
	TRY(fd_open_missing_stdio(e));
	TRY(opt_parse(&set, argc, argv, a, g, &rest, e));
	log_set_debug(g->debug);
	TRY(global_check(g, e));
	if (g->version)
		return version_print(e);
	if (rest.help || rest.args.count == 0)
		return help_print(e);
	int words = argc - (int)rest.args.count + 1;
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++)
		if (strcmp(cmds[i]->name, rest.args.items[0]) == 0)
			return cmd_execute(cmds[i], g, argc - words, argv + words, a, ret_fail_code, e);
	return err_make(e, ERR_NOT_FOUND, 0, "No help topic for '%s'", rest.args.items[0]); /* runc's words */
}

/* One line for who reads the file: runc's, which are logrus'. */
static int log_append(const OciGlobal *g, const char *text, Arena *a, Err *e)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;
	(void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_string(&w, "level", "error");
	json_write_string(&w, "msg", text);
	json_write_string(&w, "time", when);
	json_write_end(&w);
	const char *line = json_write_done(&w, NULL);
	if (!g->log_format || strcmp(g->log_format, "json") != 0) {
		w = json_writer(a, false);
		json_write_string(&w, NULL, text); /* in quotes, as logrus has it */
		line = arena_printf(a, "time=\"%s\" level=error msg=%s", when,
				    json_write_done(&w, NULL));
	}
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, g->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "open the log file '%s'", g->log);
	line = arena_printf(a, "%s\n", line);
	return fd_write_all(fd, line, strlen(line), g->log, e);
}

static void fail(const OciGlobal *g, const Err *why, Arena *a)
{
	Err e = { 0 };
	char text[sizeof why->msg + 128], more[sizeof why->msg + 128];
	log_note("%s", err_text(why, text, sizeof text));
	if (g->log && *g->log && log_append(g, text, a, &e) < 0)
		log_warn("%s", err_text(&e, more, sizeof more));
}

int main(int argc, char **argv)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	OciGlobal global = { 0 };
	Err err = { 0 };
	log_set_program(OCI_PROGRAM);
	int fail_code = 1;
	int code = oci_main(argc > 0 ? argc - 1 : 0, argv + 1, &global, &arena, &fail_code, &err);
	if (code >= 0)
		return code;
	fail(&global, &err, &arena);
	return fail_code;
}
