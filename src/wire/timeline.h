/* timeline.h - when each stage of a start was done, seen by parent and init alike.             (wire/, may include base and kern)
 *
 * Runs in:   parent and init, on one shared page that only a timed start has; everybody else has none, and a mark costs a branch.
 * Ownership: the parent owns mapping and descriptor; init's mapping ends with its execve(2), and the command gets no descriptor.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/fd.h"
#include "wire/stages.h"

typedef struct Timeline {
	uint64_t done[STAGE_COUNT]; /* nanoseconds of the monotonic clock; 0: did not happen */
} Timeline;

typedef struct TimelineShared {
	Timeline *page; /* NULL: this start is not timed */
	int fd;
} TimelineShared;
#define TIMELINE_NONE ((TimelineShared){ .fd = FD_NONE })

int timeline_make(TimelineShared *ret, Err *e);
void timeline_close(TimelineShared *t);
static inline void timeline_close_auto(TimelineShared *t)
{
	timeline_close(t);
}

/* Maps the parent's page. */
int timeline_open(int fd, Timeline **ret, Err *e);

uint64_t timeline_now(void);

/* The stage is done, if r says so. Returns r: TRY(timeline_mark(t, STAGE_PIVOT, rootfs_pivot(in, e))). */
int timeline_mark(Timeline *t, Stage s, int r);
