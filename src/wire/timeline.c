#include "wire/timeline.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The bare call: libc's way through the vdso is more code than init has room for, and nobody who is not timed comes here. */
uint64_t timeline_now(void)
{
	struct timespec t = { 0 };
	(void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t); /* which every Linux has */
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int timeline_mark(Timeline *t, Stage s, int r)
{
	if (t && r >= 0)
		t->done[s] = timeline_now();
	return r;
}

int timeline_open(int fd, Timeline **ret, Err *e)
{
	void *page = mmap(NULL, sizeof **ret, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return err_sys(e, "map the page for the times of the start");
	*ret = page;
	return 0;
}

int timeline_make(TimelineShared *ret, Err *e)
{
	AUTO(fd_close) int fd = memfd_create("mydocker-times", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, sizeof(Timeline)) < 0)
		return err_sys(e, "make a page for the times of the start");
	TRY(timeline_open(fd, &ret->page, e));
	ret->fd = TAKE_FD(fd);
	return 0;
}

void timeline_close(TimelineShared *t)
{
	if (t->page)
		(void)munmap(t->page, sizeof *t->page); /* its own address: cannot fail */
	fd_close_auto(&t->fd);
	*t = TIMELINE_NONE;
}
