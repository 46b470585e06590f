/* err.h - one error: a fixed-size value that needs no memory and crosses processes as it is.  (base/, used by all)
 *
 * Runs in:   every process, also after clone: nothing here allocates.
 * Ownership: an Err is a plain value, zero-initialised by its one owner (main, a child's main, a test) and passed down as the
 *            last argument. Functions return a negative errno on failure, zero or more on success, and describe the failure in it.
 * Rules:     raise where the fact is known; wrap only where a noun is added. The message names the object and the action, has no
 *            trailing period and no strerror(): err_print() adds that from .sys.
 */
#pragma once
#include <errno.h>
#include <stdint.h>

#include "base/own.h"

/* What went wrong, as far as the caller must tell it apart; the command line maps kinds to exit codes in one table. */
typedef enum ErrKind {
	ERR_OK,
	ERR_SYS,        /* a system call failed: .sys says how */
	ERR_USAGE,      /* the command line is wrong: exit 125 with a hint at --help */
	ERR_SPEC,       /* the container's description is wrong or asks for what is not supported */
	ERR_NOT_FOUND,  /* a named object does not exist */
	ERR_EXISTS,     /* a named object exists already */
	ERR_STATE,      /* the object is in the wrong state for this */
	ERR_CMD_INVOKE, /* the container's command exists but cannot be run: exit 126 */
	ERR_CMD_MISSING, /* the container's command does not exist: exit 127 */
	ERR_BUG,         /* an internal contract was broken */
	ERR_KIND_COUNT
} ErrKind;

typedef struct Err {
	uint16_t kind; /* an ErrKind */
	uint16_t sys;  /* a positive errno, or 0 */
	char where[28];
	char msg[480];
} Err;
_Static_assert(sizeof(Err) == 512, "Err is also a wire format");

#define ERR_STR_(x) #x
#define ERR_STR(x)  ERR_STR_(x)
#define ERR_HERE    __FILE_NAME__ ":" ERR_STR(__LINE__)

#define err_sys(e, ...)            err_raise((e), ERR_SYS, errno, ERR_HERE, __VA_ARGS__)
#define err_make(e, kind, no, ...) err_raise((e), (kind), (no), ERR_HERE, __VA_ARGS__)

/* Fills *e (which may be NULL: "only the code, please") and returns -sys, or -EIO when sys is 0. Messages that do not fit keep
 * their tail and lose their middle. An Err that already holds an error is overwritten. */
#define err_raise(e, kind, sys, where, ...) \
	err_negative(err_raise_((e), (kind), (sys), (where), __VA_ARGS__))
int err_raise_(Err *e, ErrKind kind, int sys, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Puts "text: " in front of the message in *e, whose kind and errno stay. Returns r, which is negative. */
#define err_wrap(e, r, ...) err_negative(err_wrap_((e), (r), __VA_ARGS__))
int err_wrap_(Err *e, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Tells compiler and analyzers, which see one file at a time, what the two promise: outputs are set wherever a call has not failed. */
static inline int err_negative(int r)
{
	if (r >= 0)
		__builtin_trap();
	return r;
}

/* Writes the whole error, with the errno's text if it has one, into buf: one line, no newline; control characters are replaced
 * by '?'. Returns buf. */
const char *err_text(const Err *e, char *buf, unsigned long size);

/* The part of a path after its last slash; for ERR_HERE. */
const char *err_basename(const char *path);
