#include "oci/notify.h"

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

#define DIR_NAME    "notify"
#define SOCKET_NAME "notify.sock"
#define INSIDE      "/run/notify"

static const char *host_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	return path && *path ? path : NULL;
}

void oci_notify_plan(Spec *s, const char *dir, Arena *a)
{
	if (!host_socket())
		return;
	SpecMount *all = arena_new_array(a, s->mounts_count + 1, SpecMount);
	for (size_t i = 0; i < s->mounts_count; i++)
		all[i] = s->mounts[i];
	all[s->mounts_count++] = (SpecMount){
		.destination = INSIDE,
		.source = arena_printf(a, "%s/" DIR_NAME, dir),
		.options = str_split(a, "bind,nosuid,noexec,nodev,ro", ','),
	};
	s->mounts = all;
	strlist_add(a, &s->process.env, "NOTIFY_SOCKET=" INSIDE "/" SOCKET_NAME);
}

int oci_notify_dir(int dir_fd, Err *e)
{
	if (host_socket() && mkdirat(dir_fd, DIR_NAME, 0755) < 0)
		return err_sys(e, "make the folder " DIR_NAME " of the container");
	return 0;
}

/* By the descriptor of the directory, whose own path may be longer than the kernel takes. */
int oci_notify_bind(int dir_fd, OciNotify *ret, Err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (!host_socket() || faccessat(dir_fd, DIR_NAME, F_OK, 0) < 0)
		return 0; /* who created it was not asked */
	TRY(str_format(at.sun_path, sizeof at.sun_path,
		       "/proc/self/fd/%d/" DIR_NAME "/" SOCKET_NAME, dir_fd));
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 ||
	    fchmodat(dir_fd, DIR_NAME "/" SOCKET_NAME, 0777, 0) < 0) /* for whatever user the command has */
		return err_sys(e, "make the socket for sd_notify(3)");
	ret->socket = TAKE_FD(fd);
	return 0;
}

/* '@' stands for the first byte of a name that is no path. */
static int send_ready(pid_t main_pid, Err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char text[64];
	const char *path = host_socket();
	if (!path)
		return err_make(e, ERR_BUG, 0, "there is no NOTIFY_SOCKET");
	if (str_format(to.sun_path, sizeof to.sun_path, "%s", path) < 0)
		return err_make(e, ERR_USAGE, ENAMETOOLONG, "NOTIFY_SOCKET '%s'", path);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@')
		to.sun_path[0] = '\0';
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, len) < 0)
		return err_sys(e, "NOTIFY_SOCKET '%s'", path);
	TRY(fd_write_all(fd, "READY=1\n", 8, "NOTIFY_SOCKET", e));
	(void)str_format(text, sizeof text, "MAINPID=%d\n", (int)main_pid); /* it fits */
	return fd_write_all(fd, text, strlen(text), "NOTIFY_SOCKET", e);
}

static bool says_ready(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, "READY=1", 7) == 0 && (line[7] == '\n' || !line[7]))
			return true;
	return false;
}

bool oci_notify_read(OciNotify *n)
{
	Err e = { 0 };
	char text[4096], why[sizeof e.msg + 64];
	for (ssize_t len; (len = read(n->socket, text, sizeof text - 1)) >= 0;) {
		text[len] = '\0';
		if (!says_ready(text))
			continue;
		if (send_ready(n->main_pid, &e) < 0)
			log_warn("%s", err_text(&e, why, sizeof why));
		fd_close(TAKE_FD(n->socket));
		return true;
	}
	return false; /* EAGAIN: no more of it yet */
}

void oci_notify_await(OciNotify *n, int pidfd)
{
	struct pollfd p[] = { { .fd = n->socket, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	while (n->socket >= 0) {
		if (poll(p, ARRAY_LEN(p), -1) < 0)
			continue; /* EINTR */
		if (p[0].revents && oci_notify_read(n))
			return;
		if (p[1].revents)
			return;
	}
}
