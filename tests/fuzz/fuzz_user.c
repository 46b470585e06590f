/* --user and --group-add over hostile /etc/passwd and /etc/group. Input: three texts, each ended by a NUL: the option's, passwd, group. */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "engine/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A root of our own, made at the first input, that goes with us. */
static int root_open(void)
{
	static int root = FD_NONE;
	char path[] = "/dev/shm/mydocker-fuzz-XXXXXX";
	if (root >= 0)
		return root;
	assert(mkdtemp(path));
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert(root >= 0 && mkdirat(root, "etc", 0700) == 0);
	return root;
}

static void file_put(int root, const char *path, const uint8_t *text, size_t size)
{
	AUTO(fd_close) int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert(fd >= 0 && write(fd, text, size) == (ssize_t)size);
}

/* Cuts the next text off. */
static const uint8_t *take(const uint8_t **data, size_t *size, size_t *ret_len)
{
	const uint8_t *text = *data, *end = memchr(text, 0, *size);
	*ret_len = end ? (size_t)(end - text) : *size;
	size_t used = *ret_len + (end != NULL);
	*data += used;
	*size -= used;
	return text;
}

static void check_error(const Err *e)
{
	assert(e->msg[0] && e->kind != ERR_BUG && e->kind != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena a = ARENA_EMPTY;
	User user;
	StrList groups = { 0 };
	const uint32_t *gids;
	size_t len, count;
	Err e = { 0 };
	int root = root_open();
	if (size == 0)
		return 0;
	const uint8_t *text = take(&data, &size, &len);
	const char *option = arena_strndup(&a, (const char *)text, len);
	text = take(&data, &size, &len);
	file_put(root, "etc/passwd", text, len);
	text = take(&data, &size, &len);
	file_put(root, "etc/group", text, len);

	if (user_lookup(root, option, &a, &user, &e) < 0) {
		check_error(&e);
	} else {
		assert(user.uid != UINT32_MAX && user.gid != UINT32_MAX && user.home && *user.home);
		assert(user.groups_count <= LIMIT_GROUPS);
	}
	e = (Err){ 0 };
	strlist_add(&a, &groups, option);
	if (user_find_groups(root, &groups, &a, &gids, &count, &e) < 0)
		check_error(&e);
	else
		assert(count == 1 && gids[0] != UINT32_MAX);
	arena_done(&a);
	return 0;
}

__attribute__((destructor)) static void root_remove(void)
{
	char path[64], real[256];
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", root_open());
	ssize_t n = readlink(path, real, sizeof real - 1);
	if (n <= 0)
		return;
	real[n] = '\0';
	(void)unlinkat(root_open(), "etc/passwd", 0); /* what is left is seen there */
	(void)unlinkat(root_open(), "etc/group", 0);
	(void)unlinkat(root_open(), "etc", AT_REMOVEDIR);
	(void)rmdir(real);
}
