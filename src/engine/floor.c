#include "engine/floor.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/process.h"
#include "wire/timeline.h"

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static int once(uint64_t clone_flags, uint64_t *ret_ns, Err *e)
{
	AUTO(fd_close) int pidfd = FD_NONE;
	ProcessEnd end;
	uint64_t began = timeline_now();
	pid_t pid = process_clone(clone_flags, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0)
		_exit(0);
	TRY(process_wait(pidfd, &end, e));
	*ret_ns = timeline_now() - began;
	return 0;
}

int floor_measure(uint64_t clone_flags, uint64_t *ret_ns, Err *e)
{
	uint64_t took[FLOOR_ROUNDS];
	for (size_t i = 0; i < FLOOR_ROUNDS; i++) {
		int r = once(clone_flags, &took[i], e);
		if (r < 0)
			return err_wrap(e, r, "measure the kernel's floor");
	}
	qsort(took, FLOOR_ROUNDS, sizeof took[0], by_number);
	*ret_ns = took[FLOOR_ROUNDS / 2];
	return 0;
}
