#include "engine/network_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

#define FILE_MOST \
	((size_t)1 << 20) /* bytes of a host's file that is copied; a longer one is left out */

static int file_write(int dir_fd, const char *name, const char *text, uint32_t uid, uint32_t gid, Err *e)
{
	AUTO(fd_close)
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "make the container's %s", name);
	TRY(fd_write_all(fd, text, strlen(text), name, e));
	if ((uid != geteuid() || gid != getegid()) && fchown(fd, uid, gid) < 0)
		return err_sys(e, "give the container's %s to user %u", name, uid);
	return 0;
}

/* The host's file; "" when there is none, or none that can be read. */
static const char *host_file_read(const char *path, Arena *a)
{
	struct stat st;
	char *text = arena_alloc(a, FILE_MOST + 1); /* pages that stay untouched cost nothing */
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return text;
	ssize_t n = fd_read_up_to(fd, text, FILE_MOST + 1);
	if (n < 0 || (size_t)n > FILE_MOST) {
		log_warn("%s is left out: it cannot be read, or is longer than %zu bytes", path,
			 FILE_MOST);
		n = 0;
	}
	text[n] = '\0';
	return text;
}

/* The full name comes first, which makes it the canonical one, hosts(5). */
static const char *hosts_text(const char *hostname, const char *domainname, Arena *a)
{
	const char *names = domainname ? arena_printf(a, "%s.%s %s", hostname, domainname, hostname)
				       : hostname;
	return arena_printf(a,
			    "127.0.0.1\tlocalhost\n"
			    "::1\tlocalhost ip6-localhost ip6-loopback\n"
			    "fe00::\tip6-localnet\n"
			    "ff00::\tip6-mcastprefix\n"
			    "ff02::1\tip6-allnodes\n"
			    "ff02::2\tip6-allrouters\n"
			    "127.0.0.1\t%s\n",
			    names);
}

int network_files_make(const NetworkFiles *f, Arena *a, NetworkTexts *ret, Err *e)
{
	const char *added;
	NetworkTexts t = { .hostname = arena_printf(a, "%s\n", f->hostname) };
	if (f->no_hosts && f->add_hosts.count > 0)
		return err_make(e, ERR_USAGE, 0, "--no-hosts and --add-host exclude each other");
	TRY(network_hosts_lines(&f->add_hosts, a, &added, e));
	if (!f->no_hosts) {
		const char *base = f->host_network ? host_file_read("/etc/hosts", a)
						   : hosts_text(f->hostname, f->domainname, a);
		t.hosts = f->add_hosts.count > 0 ? arena_printf(a, "%s%s", base, added) : base;
	}
	TRY(network_resolver_text(host_file_read("/etc/resolv.conf", a), &f->resolver, a,
				  &t.resolver, e));
	*ret = t;
	return 0;
}

int network_files_write(int dir_fd, const NetworkTexts *t, uint32_t uid, uint32_t gid, Err *e)
{
	if (t->hosts)
		TRY(file_write(dir_fd, "hosts", t->hosts, uid, gid, e));
	TRY(file_write(dir_fd, "hostname", t->hostname, uid, gid, e));
	return file_write(dir_fd, "resolv.conf", t->resolver, uid, gid, e);
}
