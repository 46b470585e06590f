/* cmd.h - what a command is, and the list of all.                                           (cli/, may include all)
 *
 * A command is one row of data: names, an option table, and a function that turns the filled structure into a request to the engine.
 * Registration is the explicit list in cmds.c.
 * Runs in:   the command line's process.
 * Ownership: commands are static data; what a command gets lives until the program ends.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/opt.h"

/* The options before the command. */
typedef struct CliGlobal {
	const char *state_dir, *root_dir; /* NULL: the user's defaults (engine/dirs.h) */
	const char *config; /* NULL: the usual configuration files; "": none (defaults.h) */
	StrList no_default; /* their keys that do not count */
	bool debug, version;
} CliGlobal;

typedef struct Defaults Defaults;

/* What a command gets besides its options. */
typedef struct CliContext {
	const CliGlobal *global;
	const Defaults *defaults; /* the configuration files */
	Arena *arena;             /* lives until the program ends */
	StrList args;             /* the arguments after the options */
} CliContext;

typedef enum CmdGroup { CMD_CONTAINER, CMD_IMAGE, CMD_SYSTEM, CMD_HIDDEN } CmdGroup;
typedef enum CmdComplete {
	COMPLETE_NONE,
	COMPLETE_COMMAND,
	COMPLETE_VERB
} CmdComplete; /* what the arguments are, for completion: a program, one of ours */
#define CMD_ANY SIZE_MAX

typedef struct Cmd {
	const char *name;    /* "run" */
	const char *aliases; /* "container run", separated by ", "; NULL: none */
	const char *args;    /* for the usage line, "COMMAND [ARG...]"; "" when it takes none */
	const char *summary; /* one sentence without a period */
	CmdGroup group;
	const Opt *opts[OPT_TABLES];
	size_t opts_size;
	void (*opts_init)(void *opts); /* sets the defaults in a zeroed structure; NULL: zero is right */
	size_t min_args, max_args;
	CmdComplete complete;
	bool stop_at_first_arg;
	int failure_code; /* exit code of a failure that is not a usage error: 125 where a container's own code may be any other, else 1 */
	int (*run)(const CliContext *c, void *opts, Err *e); /* the exit code, or a negative errno */
} Cmd;

/* For a command that is another one in other words: reads that one's options and arguments, argv[0..argc) without its name, and runs it.
 * Returns its exit code, or a negative errno. */
int cmd_execute(const CliContext *from, const Cmd *cmd, int argc, char **argv, Err *e);

/* All commands, hidden ones last. */
extern const Cmd *const cmds[];
extern const size_t cmds_count;

/* The options before the command: one table, and a set for opt_parse(). */
extern const Opt *const cli_global_tables[OPT_TABLES];

/* Finds the command that argv begins with, which may be two words ("container run"); argc >= 1. Returns how many words were its
 * name. ERR_NOT_FOUND with a suggestion when there is no such command, or by name when docker or podman has it. */
int cmd_find(int argc, char **argv, const Cmd **ret, Err *e);

extern const Cmd cmd_run, cmd_explain, cmd_why, cmd_pull, cmd_images, cmd_tag, cmd_rmi, cmd_login,
	cmd_logout, cmd_unshare, cmd_version, cmd_info, cmd_help, cmd_dump;
