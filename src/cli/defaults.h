/* defaults.h - defaults of options, from configuration files.                                 (cli/)
 *
 * Files:     /etc/mydocker/config.json, then the user's own (engine/dirs.h); or the one that --config names, in place of both. What they look
 *            like and who may own them: docs/configuration.md.
 * Input:     the user's file may be anything (a FIFO must not block us, nothing may be endless). Each file is read and checked whole, also
 *            what it says about other commands than the one that runs.
 * Order:     a scalar of a later file wins, and the command line over all; lists collect in this order. null in the user's file and
 *            --no-default on the command line take a value away again.
 * Cost:      without files, one failed openat(2) for each.
 * Ownership: all but what argv and the tables hold is the arena's.
 */
#pragma once
#include "cli/cmd.h"
#include "fmt/json.h"

typedef struct DefaultsFile {
	const char *path;
	const JsonValue *root; /* an object */
} DefaultsFile;

/* An option that has its value from a file. */
typedef struct DefaultsUsed {
	const Opt *opt;
	bool global;       /* one of those before the command */
	const char *value; /* as it was written; one item of a list */
	const char *path;  /* of the file */
	uint32_t line;
} DefaultsUsed;

/* What the command line itself says, before and after the command. */
typedef struct DefaultsGiven {
	OptGiven global, own;
} DefaultsGiven;

struct Defaults {
	DefaultsFile files[2]; /* in the order in which they count */
	size_t count;
	DefaultsUsed *used;
	size_t used_count;
};

/* Reads the files that there are: the one asked for, none when asked is "", the usual ones when it is NULL. */
int defaults_read(const char *asked, Arena *a, Defaults *ret, Err *e);

/* Checks --no-default: ERR_USAGE for what is no key. */
int defaults_check_keys(const StrList *keys, Err *e);

/* Puts what the files say into the structures of the global options and of this command's, which hold the built-in defaults.
 * without: keys that do not count ("state", "run.memory", "run"). */
int defaults_apply(Defaults *d, const StrList *without, const Cmd *cmd, CliGlobal *global,
		   void *opts, Arena *a, Err *e);

/* When the error is about an option that has its value from a file and not from the command line, puts that file in front of the
 * message. Returns r. */
int defaults_explain(const Defaults *d, const DefaultsGiven *given, int r, Err *e);
