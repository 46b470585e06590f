#include "kern/memfd.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <time.h>

#ifndef MFD_EXEC /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC        0x0010U
#endif
#define SEALS        (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define BUSY_TRIES   100
#define BUSY_WAIT_NS 10000000

int memfd_open(const char *name, bool executable, int *ret_fd, Err *e)
{
	unsigned kind = executable ? MFD_EXEC : MFD_NOEXEC_SEAL;
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kind);
	if (fd < 0 && errno == EINVAL) /* FIXME(kernel 6.3): these two are unknown before */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 && errno == EACCES)
		return err_make(e, ERR_STATE, EACCES,
				"memory cannot be executed here; set the sysctl vm.memfd_noexec below 2");
	if (fd < 0)
		return err_sys(e, "create the memfd %s", name);
	*ret_fd = fd;
	return 0;
}

int memfd_seal(int fd, const char *name, Err *e)
{
	const struct timespec wait = { .tv_nsec = BUSY_WAIT_NS };
	for (int i = 0; fcntl(fd, F_ADD_SEALS, SEALS) < 0; i++) {
		if (errno != EBUSY || i == BUSY_TRIES)
			return err_sys(e, "seal the memfd %s", name);
		(void)nanosleep(&wait, NULL); /* a signal makes it shorter */
	}
	return 0;
}
