/* own.h - ownership: scope-bound release, transfer, early return.                          (base/, used by all)
 *
 * AUTO may only release (free, close). What has an outside effect (kill, rmdir, unlink) goes on an Undo stack (undo.h), so
 * that no destructor changes the world by surprise after a fork.
 */
#pragma once

#define AUTO(fn) __attribute__((cleanup(fn##_auto)))
#define DEFINE_AUTO(type, fn, none)           \
	static inline void fn##_auto(type *p) \
	{                                     \
		if (*p != (none))             \
			fn(*p);               \
	}

/* Moves a value out of its variable, so that the variable's AUTO has nothing left to release. */
#define TAKE(var, none)                    \
	({                                 \
		__auto_type take_ = (var); \
		(var) = (none);            \
		take_;                     \
	})
#define TAKE_FD(fd) TAKE(fd, FD_NONE)
#define TAKE_PTR(p) TAKE(p, NULL)

/* Evaluates to the call's result, or returns it from the enclosing function when it is negative. The only macro that hides a return. */
#define TRY(call)                            \
	({                                   \
		__auto_type try_r_ = (call); \
		if (try_r_ < 0)              \
			return (int)try_r_;  \
		try_r_;                      \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
