#include "engine/network_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define FILE_MOST 16384 /* bytes of a host's file that are copied; resolvers read less */

static int file_write(int dir_fd, const char *name, const char *text, size_t len, uint32_t uid, uint32_t gid, Err *e)
{
	AUTO(fd_close) int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "make the container's %s", name);
	TRY(fd_write_all(fd, text, len, name, e));
	if (fchmod(fd, 0644) < 0) /* whatever the umask is */
		return err_sys(e, "set the mode of the container's %s", name);
	if ((uid != geteuid() || gid != getegid()) && fchown(fd, uid, gid) < 0)
		return err_sys(e, "give the container's %s to user %u", name, uid);
	return 0;
}

/* The host's file, up to `size` bytes; 0 when there is none or it cannot be read. */
static size_t host_file_read(const char *path, char *buf, size_t size)
{
	struct stat st;
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	ssize_t n = fd_read_up_to(fd, buf, size);
	return n < 0 ? 0 : (size_t)n;
}

static int hosts_text(const char *hostname, char *buf, size_t size)
{
	return str_format(buf, size,
			  "127.0.0.1\tlocalhost\n"
			  "::1\tlocalhost ip6-localhost ip6-loopback\n"
			  "fe00::\tip6-localnet\n"
			  "ff00::\tip6-mcastprefix\n"
			  "ff02::1\tip6-allnodes\n"
			  "ff02::2\tip6-allrouters\n"
			  "127.0.0.1\t%s\n",
			  hostname);
}

int network_files_write(int dir_fd, const char *hostname, bool host_network, uint32_t uid, uint32_t gid, Err *e)
{
	char text[FILE_MOST];
	size_t len = host_network ? host_file_read("/etc/hosts", text, sizeof text)
				  : (size_t)TRY(hosts_text(hostname, text, sizeof text));
	TRY(file_write(dir_fd, "hosts", text, len, uid, gid, e));
	len = (size_t)TRY(str_format(text, sizeof text, "%s\n", hostname));
	TRY(file_write(dir_fd, "hostname", text, len, uid, gid, e));
	len = host_file_read("/etc/resolv.conf", text, sizeof text);
	return file_write(dir_fd, "resolv.conf", text, len, uid, gid, e);
}
