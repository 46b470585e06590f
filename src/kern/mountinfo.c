#include "kern/mountinfo.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/stat.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

int mountinfo_read(const char *path, Arena *a, char **ret, Err *e)
{
	AUTO(fd_close) int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	size_t size = 32768, len = 0;
	char *text = arena_alloc(a, size);
	for (;;) {
		ssize_t n = fd_read_up_to(fd, text + len, size - len - 1);
		if (n < 0)
			return err_make(e, ERR_SYS, (int)-n, "read %s", path);
		len += (size_t)n;
		if (len < size - 1)
			break;
		char *bigger = arena_alloc(a, size * 2);
		memcpy(bigger, text, len);
		text = bigger;
		size *= 2;
	}
	text[len] = '\0';
	*ret = text;
	return 0;
}

/* "\040" to " " and so on, in place: the kernel escapes space, tab, newline and backslash. */
static char *decode(char *s)
{
	char *out = s;
	for (const char *in = s; *in;) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			*out++ = (char)(((in[1] - '0') << 6) | ((in[2] - '0') << 3) | (in[3] - '0'));
			in += 4;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
	return s;
}

/* The next space-separated field of a line, or NULL. */
static char *field(char **line)
{
	char *start = *line;
	if (!start || !*start)
		return NULL;
	char *end = strchrnul(start, ' ');
	*line = *end ? end + 1 : end;
	*end = '\0';
	return start;
}

/* "36 35 98:0 /root /mnt rw,noatime master:1 shared:2 - ext3 /dev/root rw": any number of fields before the "-". */
static bool parse_line(char *line, MountInfo *ret)
{
	uint32_t id, parent;
	char *id_text = field(&line), *parent_text = field(&line);
	if (!id_text || !parent_text || num_parse_u32(id_text, INT32_MAX, &id) < 0 ||
	    num_parse_u32(parent_text, INT32_MAX, &parent) < 0)
		return false;
	(void)field(&line); /* major:minor is not what stat(2) says for some file systems (btrfs): of no use */
	char *root = field(&line), *mountpoint = field(&line), *options = field(&line);
	if (!options)
		return false;
	char *optional;
	bool shared = false, slave = false;
	while ((optional = field(&line)) && strcmp(optional, "-") != 0) {
		shared |= str_starts(optional, "shared:");
		slave |= str_starts(optional, "master:");
	}
	char *fstype = field(&line), *source = field(&line), *super_options = field(&line);
	if (!super_options)
		return false;
	*ret = (MountInfo){
		.id = (int)id,
		.parent = (int)parent,
		.root = decode(root),
		.mountpoint = decode(mountpoint),
		.options = options,
		.fstype = decode(fstype),
		.source = decode(source),
		.super_options = super_options,
		.shared = shared,
		.slave = slave,
	};
	return true;
}

bool mountinfo_next(char **text, MountInfo *ret)
{
	while (**text) {
		char *line = *text, *end = strchrnul(line, '\n');
		*text = *end ? end + 1 : end;
		*end = '\0';
		if (parse_line(line, ret))
			return true;
	}
	return false;
}

/* proc(5), /proc/PID/fdinfo: "mnt_id:" is there since Linux 3.15. */
static int mount_id(int fd, uint32_t *ret, Err *e)
{
	char path[40], text[1024];
	TRY(str_format(path, sizeof path, "/proc/self/fdinfo/%d", fd));
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, sizeof text);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", path);
	char *id = strstr(text, "mnt_id:");
	if (!id)
		return err_make(e, ERR_SYS, EINVAL, "%s does not tell the mount", path);
	id += strlen("mnt_id:");
	id += strspn(id, " \t");
	id[strcspn(id, "\n")] = '\0';
	if (num_parse_u32(id, INT32_MAX, ret) < 0)
		return err_make(e, ERR_SYS, EINVAL, "%s does not tell the mount", path);
	return 0;
}

int mountinfo_of(int fd, Arena *a, MountInfo *ret, Err *e)
{
	uint32_t id;
	char *text;
	MountInfo m;
	TRY(mount_id(fd, &id, e));
	TRY(mountinfo_read("/proc/self/mountinfo", a, &text, e));
	while (mountinfo_next(&text, &m))
		if (m.id == (int)id) {
			*ret = m;
			return 0;
		}
	return err_make(e, ERR_SYS, ENOENT, "find its mount");
}

bool mountinfo_has_option(const char *options, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = options; *p;) {
		const char *end = strchrnul(p, ',');
		if ((size_t)(end - p) == len && memcmp(p, word, len) == 0)
			return true;
		p = *end ? end + 1 : end;
	}
	return false;
}

bool mountinfo_is_visible(const MountInfo *m, bool *ret_is_dir)
{
	/* The bare system call: musl 1.2.3 has no statx().
	 * Nothing is asked of a network file system that may not answer. */
	struct statx st = { 0 };
	int flags = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW;
	if (syscall(SYS_statx, AT_FDCWD, m->mountpoint, flags, STATX_TYPE | STATX_MNT_ID, &st) < 0)
		return false;
	if (ret_is_dir)
		*ret_is_dir = S_ISDIR(st.stx_mode);
	return !(st.stx_mask & STATX_MNT_ID) || st.stx_mnt_id == (uint64_t)m->id;
}
