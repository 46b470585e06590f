/* opt.h - option tables and their parser.                                                   (cli/, may include all)
 *
 * Runs in:   the command line, before anything else happens.
 * Input:     the caller's own arguments; nothing is copied, values point into argv.
 * Ownership: the parser fills a plain structure by the rows' offsets; lists grow in the arena given.
 * Syntax:    that of Go's pflag, which docker and podman use: --name=value, --name value, --flag=false, -ti, -m100m, -m=100m, -m 100m,
 *            "--" ends the options, "-" alone is an argument. No abbreviations. The last of several scalars wins, lists collect all.
 * One table per command feeds this parser, --help (help.h) and the dump for completion and man pages (cmd_dump.c).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef enum OptKind {
	OPT_KIND_END,
	OPT_KIND_FLAG, /* bool */
	OPT_KIND_STR,  /* const char *: NULL until given, "" when given empty */
	OPT_KIND_WORD, /* the same, but its value may be left out and must stand behind '=': --explain, --explain=timed */
	OPT_KIND_LIST,    /* StrList: one item for each time it is given */
	OPT_KIND_int64_t, /* OPT_PARSE: named after the member's type, which the macro pastes */
	OPT_KIND_GROUP,   /* no option: the first row of a table, its heading in --help */
	OPT_KIND_LATER,   /* known to docker or podman, but not there yet: refused by name */
	OPT_KIND_REFUSED, /* known to docker or podman, and not for us: refused, with the reason */
} OptKind;

/* Reads text into *ret; on failure raises ERR_USAGE with what is wrong with it ("not a size"): the parser adds option and text. */
typedef int OptParseFn(const char *text, int64_t *ret, Err *e);

typedef struct Opt {
	uint8_t kind; /* an OptKind */
	char letter;  /* 0: none */
	uint16_t offset;
	const char *name; /* without the dashes; "" in OPT_GROUP, NULL in OPT_END */
	const char *arg;  /* what --help calls the value; NULL: takes none */
	const char *help; /* one sentence without a period; OPT_REFUSED: why, to be read after the option ("is for Windows") */
	union {
		OptParseFn *of_int64_t;
		const char *word; /* OPT_WORD: what it is without a value */
	} parse;
} Opt;

/* The member's offset; a wrong member type does not compile. */
#define FIELD_(T, f, type) (offsetof(T, f) + 0 * sizeof(_Generic(((T *)0)->f, type : 0)))

#define OPT_FLAG(c, l, T, f, h)                                                                  \
	{                                                                                        \
		.kind = OPT_KIND_FLAG, .letter = (c), .name = (l), .offset = FIELD_(T, f, bool), \
		.help = (h)                                                                      \
	}
#define OPT_STR(c, l, T, f, a, h)                                             \
	{                                                                     \
		.kind = OPT_KIND_STR, .letter = (c), .name = (l),             \
		.offset = FIELD_(T, f, const char *), .arg = (a), .help = (h) \
	}
#define OPT_WORD(c, l, T, f, a, w, h)                                                            \
	{                                                                                        \
		.kind = OPT_KIND_WORD, .letter = (c), .name = (l),                               \
		.offset = FIELD_(T, f, const char *), .arg = (a), .help = (h), .parse.word = (w) \
	}
#define OPT_LIST(c, l, T, f, a, h)                                       \
	{                                                                \
		.kind = OPT_KIND_LIST, .letter = (c), .name = (l),       \
		.offset = FIELD_(T, f, StrList), .arg = (a), .help = (h) \
	}
#define OPT_PARSE(c, l, T, f, type, a, fn, h)                                                      \
	{                                                                                          \
		.kind = OPT_KIND_##type, .letter = (c), .name = (l), .offset = FIELD_(T, f, type), \
		.arg = (a), .help = (h), .parse.of_##type = (fn)                                   \
	}
#define OPT_GROUP(h)                                            \
	{                                                       \
		.kind = OPT_KIND_GROUP, .name = "", .help = (h) \
	}
#define OPT_LATER(c, l, h)                                                      \
	{                                                                       \
		.kind = OPT_KIND_LATER, .letter = (c), .name = (l), .help = (h) \
	}
#define OPT_REFUSED(c, l, why)                                                      \
	{                                                                           \
		.kind = OPT_KIND_REFUSED, .letter = (c), .name = (l), .help = (why) \
	}
#define OPT_END                      \
	{                            \
		.kind = OPT_KIND_END \
	}

#define OPT_TABLES 8 /* a command's own table and shared ones */

/* The rows that a command line named, each once for every time. */
typedef struct OptGiven {
	const Opt **rows;
	size_t count;
} OptGiven;

/* What one call of the parser needs to know. Unused table places are NULL. */
typedef struct OptSet {
	const Opt *const *tables; /* OPT_TABLES of them */
	OptGiven *given;          /* filled when somebody asks; grows in the arena */
	bool one_dash;            /* -name is --name, too, as with runc, where that is an option */
	bool stop_at_first_arg; /* what follows the first argument is the container command's, byte for byte */
} OptSet;

/* What the options left over. */
typedef struct OptRest {
	StrList args; /* with stop_at_first_arg, a part of argv itself */
	bool help; /* --help (or -h where no row has that letter) came before any error: nothing else counts */
} OptRest;

/* Parses argv[0..argc), which begins after the command's name, into the structure `opts`, which holds the defaults. Errors are
 * ERR_USAGE and name the option as it was written. */
int opt_parse(const OptSet *set, int argc, char **argv, Arena *a, void *opts, OptRest *ret, Err *e);

/* Puts one value into the member of the row: what the parser does with each option. `given` is the option as it was written, for
 * messages; value is NULL only for a flag or word without one. */
int opt_set(const Opt *o, const char *given, const char *value, Arena *a, void *opts, Err *e);

/* ERR_USAGE for a row that is only there to be refused, named as it was written; 0 for others. */
int opt_check_there(const Opt *o, const char *given, Err *e);

/* The row with this name (len bytes long) or letter, or NULL. */
const Opt *opt_find_name(const Opt *const *tables, const char *name, size_t len);
const Opt *opt_find_letter(const Opt *const *tables, char letter);
