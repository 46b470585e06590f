#include "kern/kmsg.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"

#define RECORD_BYTES 8192 /* CONSOLE_EXT_LOG_MAX: no record is longer */

uint64_t kmsg_now(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail; the log's clock stands still in suspend, too */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int kmsg_parse(char *record, uint64_t *ret_us, const char **ret_text)
{
	char *text = strchr(record, ';'), *field = record;
	if (!text)
		return -EINVAL;
	*text++ = '\0';
	for (int i = 0; i < 2; i++) {
		field = strchr(field, ',');
		if (!field)
			return -EINVAL;
		field++;
	}
	field[strcspn(field, ",")] = '\0';
	if (num_parse_u64(field, UINT64_MAX, ret_us) < 0)
		return -EINVAL;
	text[strcspn(text, "\n")] = '\0';
	*ret_text = text;
	return 0;
}

int kmsg_each(uint64_t since_us, bool (*see)(const char *text, void *arg), void *arg)
{
	char record[RECORD_BYTES + 1];
	const char *text;
	uint64_t us;
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, "/dev/kmsg", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, record, RECORD_BYTES);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* EPIPE: records were overwritten before we came to them */
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return 0;
		record[n] = '\0';
		if (kmsg_parse(record, &us, &text) == 0 && us >= since_us && !see(text, arg))
			return 0;
	}
}
