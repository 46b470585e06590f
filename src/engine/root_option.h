/* root_option.h - the string of --rootfs: DIR, DIR:O, DIR:idmap, DIR:idmap=uids=...;gids=..., DIR:O,idmap   (engine/) */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

typedef struct RootOption {
	SpecRootKind kind;
	const char *path;  /* absolute, resolved */
	const char *idmap; /* the word of an id-mapped mount, or NULL */
	int fd;            /* the directory, O_PATH and close-on-exec: the caller's */
} RootOption;

/* Opens the directory and finds its real path. "O" asks for a throw-away overlay over it; the host's own root is always seen that way
 * (ROOT_HOST). What follows the last colon and is no such word belongs to the directory's name. Errors name the directory (ERR_SPEC or
 * ERR_SYS). */
int root_option_open(const char *text, Arena *a, RootOption *ret, Err *e);
