#include "criu/streams.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/num.h"
#include "fmt/json.h"
#include "fmt/json_write.h"
#include "kern/mountinfo.h"

#define FILE_NAME "descriptors.json"
#define STREAMS   3

/* The id of the mount that a descriptor is on, from /proc/PID/fdinfo, as mountinfo has it. */
static int mount_of(int pid, int fd, Arena *a, int *ret)
{
	char *text;
	uint32_t id;
	TRY(mountinfo_read(arena_printf(a, "/proc/%d/fdinfo/%d", pid, fd), a, &text, NULL));
	char *at = strstr(text, "mnt_id:");
	if (!at)
		return -ENOENT;
	at += strlen("mnt_id:");
	at += strspn(at, " \t");
	at[strcspn(at, "\n")] = '\0';
	TRY(num_parse_u32(at, INT_MAX, &id));
	*ret = (int)id;
	return 0;
}

static int is_inside(int pid, int mount, Arena *a, bool *ret, Err *e)
{
	char *text;
	MountInfo m;
	TRY(mountinfo_read(arena_printf(a, "/proc/%d/mountinfo", pid), a, &text, e));
	*ret = false;
	while (mountinfo_next(&text, &m))
		if (m.id == mount)
			*ret = true;
	return 0;
}

/* A file, or a device but a terminal, of a mount that the container does not have. */
static int describe(int pid, int fd, Arena *a, const char **ret, bool *ret_external, Err *e)
{
	char target[PATH_MAX];
	struct stat st;
	int mount;
	bool inside;
	const char *link = arena_printf(a, "/proc/%d/fd/%d", pid, fd);
	ssize_t n = readlink(link, target, sizeof target - 1);
	*ret_external = false;
	*ret = "";
	if (n < 0 && errno == ENOENT)
		return 0; /* it has closed this one */
	if (n < 0)
		return err_sys(e, "read the link %s", link);
	target[n] = '\0';
	*ret = arena_strdup(a, target);
	if (stat(link, &st) < 0)
		return err_sys(e, "look at %s", link);
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return 0;
	int r = mount_of(pid, fd, a, &mount);
	if (r < 0)
		return err_make(e, ERR_STATE, -r, "%s: which mount it is on", link);
	TRY(is_inside(pid, mount, a, &inside, e));
	if (inside || strncmp(target, "/dev/pts/", 9) == 0)
		return 0;
	*ret = arena_printf(a, "file[%x:%llx]", (unsigned)mount, (unsigned long long)st.st_ino);
	*ret_external = true;
	return 0;
}

int criu_streams_save(int pid, int images_fd, Arena *a, StrList *external, Err *e)
{
	size_t len;
	JsonWriter w = json_writer(a, false);
	json_write_array(&w, NULL);
	for (int fd = 0; fd < STREAMS; fd++) {
		const char *what;
		bool is_external;
		TRY(describe(pid, fd, a, &what, &is_external, e));
		json_write_string(&w, NULL, what);
		if (is_external && !strlist_has(external, what))
			strlist_add(a, external, what);
	}
	json_write_end(&w);
	const char *text = json_write_done(&w, &len);
	AUTO(fd_close)
	int file = openat(images_fd, FILE_NAME,
			  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		return err_sys(e, "make %s among the images", FILE_NAME);
	return fd_write_all(file, text, len, FILE_NAME, e);
}

int criu_streams_load(int images_fd, Arena *a, CriuFds *ret, Err *e)
{
	const JsonValue *v;
	const char *what;
	char *text = arena_alloc(a, LIMIT_RECORD_BYTES);
	ssize_t n = fd_read_text_at(images_fd, FILE_NAME, text, LIMIT_RECORD_BYTES);
	if (n < 0)
		return err_make(e, ERR_STATE, (int)-n, "read %s of the images", FILE_NAME);
	int r = json_parse(text, (size_t)n, a, &v, e);
	if (r == 0)
		r = json_expect_array(v, e);
	if (r < 0)
		return err_wrap(e, r, FILE_NAME " of the images");
	v = v->as.list.first;
	for (int fd = 0; fd < STREAMS && v; fd++, v = v->next) {
		r = json_get_string(v, &what, e);
		if (r < 0)
			return err_wrap(e, r, FILE_NAME " of the images");
		if (strstr(what, "pipe:") || str_starts(what, "file["))
			*arena_push(a, &ret->items, &ret->count, CriuFd) = (CriuFd){ .key = what,
										     .fd = fd };
	}
	return 0;
}
