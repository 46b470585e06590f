/* show.c - what the process is: ids, sets, namespaces, descriptors. Each topic prints "topic.name=value" lines. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include "probe.h"

extern char **environ;

/* All lines of an id map in one. */
static void print_map(const char *key, const char *path)
{
	char text[4096];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	if (f)
		fclose(f);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	for (char *p = text; (p = strchr(p, '\n')); p++)
		*p = ' ';
	printf("%s=%s\n", key, text);
}

static void show_ids(void)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;
	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
		return;
	printf("ids.uid=%u,%u,%u\nids.gid=%u,%u,%u\nids.pid=%d\nids.ppid=%d\n", r, e, s, rg, eg, sg,
	       getpid(), getppid());
	print_map("ids.uid_map", "/proc/self/uid_map");
	print_map("ids.gid_map", "/proc/self/gid_map");
	printf("ids.setgroups=");
	probe_print_file("/proc/self/setgroups", NULL);
}

static void show_groups(void)
{
	gid_t list[1024];
	int n = getgroups(1024, list);
	printf("groups=");
	for (int i = 0; i < n; i++)
		printf("%s%u", i ? "," : "", list[i]);
	printf("\n");
}

static void show_status_line(const char *key, const char *name)
{
	printf("%s=", key);
	if (!probe_print_file("/proc/self/status", name))
		printf("?\n");
}

static void show_caps(void)
{
	show_status_line("caps.inh", "CapInh");
	show_status_line("caps.prm", "CapPrm");
	show_status_line("caps.eff", "CapEff");
	show_status_line("caps.bnd", "CapBnd");
	show_status_line("caps.amb", "CapAmb");
}

static void show_security(void)
{
	printf("security.nnp=%d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	show_status_line("security.seccomp", "Seccomp:");
	printf("security.securebits=%d\n", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	printf("security.dumpable=%d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	int deathsig = -1;
	prctl(PR_GET_PDEATHSIG, &deathsig);
	printf("security.pdeathsig=%d\n", deathsig);
}

static void show_ns(void)
{
	static const char *const names[] = { "cgroup", "ipc",  "mnt",  "net",
					     "pid",    "time", "user", "uts" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64], target[64] = "?";
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		printf("ns.%s=%.*s\n", names[i], n > 0 ? (int)n : 1, target);
	}
}

static void show_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	for (struct dirent *e; d && (e = readdir(d));) {
		char target[512] = "?", path[64];
		if (e->d_name[0] == '.' || (int)probe_number(e->d_name) == dirfd(d))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%.20s", e->d_name);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		printf("fds.%s=%.*s\n", e->d_name, n > 0 ? (int)n : 1, target);
	}
	if (d)
		closedir(d);
}

static void show_host(void)
{
	struct utsname u;
	char cwd[4096];
	long n = syscall(SYS_getcwd, cwd, sizeof(cwd)); /* raw: an unreachable cwd shall show */
	mode_t mask = umask(0);
	umask(mask);
	uname(&u);
	printf("host.name=%s\nhost.domain=%s\n", u.nodename, u.domainname);
	printf("host.cwd=%s\nhost.umask=%04o\n", n < 0 ? "?" : cwd, mask);
}

static void show_rlimits(void)
{
	static const char *const names[] = { "cpu",      "fsize", "data",   "stack",
					     "core",     "rss",   "nproc",  "nofile",
					     "memlock",  "as",    "locks",  "sigpending",
					     "msgqueue", "nice",  "rtprio", "rttime" };
	for (int i = 0; i < 16; i++) {
		struct rlimit l;
		if (getrlimit(i, &l) < 0)
			continue;
		printf("rlimit.%s=%lld:%lld\n", names[i], (long long)l.rlim_cur, (long long)l.rlim_max);
	}
}

static void show_session(void)
{
	printf("session.pid=%d\nsession.sid=%d\nsession.pgid=%d\n", getpid(), getsid(0), getpgrp());
	for (int fd = 0; fd < 3; fd++) {
		char name[64] = "";
		if (isatty(fd) && ttyname_r(fd, name, sizeof(name)) != 0)
			snprintf(name, sizeof(name), "?");
		printf("session.tty%d=%s\n", fd, name);
	}
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	printf("session.ctty=%d\nsession.foreground=%d\n", fd >= 0, fd >= 0 ? tcgetpgrp(fd) : -1);
	struct winsize w = { 0 };
	if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &w) == 0)
		printf("session.size=%ux%u\n", w.ws_row, w.ws_col);
	if (fd >= 0)
		close(fd);
}

static void show_net(void)
{
	struct if_nameindex *list = if_nameindex();
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (struct if_nameindex *i = list; i && i->if_name; i++) {
		struct ifreq r = { 0 };
		memcpy(r.ifr_name, i->if_name, strnlen(i->if_name, IFNAMSIZ - 1));
		bool up = s >= 0 && ioctl(s, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_UP);
		printf("net.%s=%s\n", i->if_name, up ? "up" : "down");
	}
	if (list)
		if_freenameindex(list);
	if (s >= 0)
		close(s);
}

static void show_signals(void)
{
	show_status_line("signals.blocked", "SigBlk");
	show_status_line("signals.ignored", "SigIgn");
	show_status_line("signals.caught", "SigCgt");
}

static void show_keyring(void)
{
	/* KEYCTL_GET_KEYRING_ID of the session keyring; the filter forbids it by default, /proc/keys is masked */
	long r = syscall(SYS_keyctl, 0, -3, 0, 0, 0);
	if (r < 0)
		printf("keyring.id=-1 errno=%d\n", errno);
	else
		printf("keyring.id=%ld\n", r);
	char label[256]; /* KEYCTL_GET_SECURITY: empty but with SELinux */
	long n = r < 0 ? 0 : syscall(SYS_keyctl, 17, -3, label, sizeof label, 0);
	if (n > 1 && n <= (long)sizeof label)
		printf("keyring.label=%.*s\n", (int)n - 1, label);
}

static const struct Topic {
	const char *name;
	void (*show)(void);
} topics[] = {
	{ "ids", show_ids },           { "groups", show_groups },   { "caps", show_caps },
	{ "security", show_security }, { "ns", show_ns },           { "fds", show_fds },
	{ "host", show_host },         { "rlimits", show_rlimits }, { "session", show_session },
	{ "net", show_net },           { "signals", show_signals }, { "keyring", show_keyring },
};

static int run_show(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		bool found = false;
		for (size_t t = 0; t < sizeof(topics) / sizeof(topics[0]); t++)
			if (strcmp(argv[i], "all") == 0 || strcmp(argv[i], topics[t].name) == 0) {
				fflush(stdout);
				topics[t].show();
				found = true;
			}
		if (!found)
			return 2;
	}
	return 0;
}

/* Each string as "LENGTH:bytes,": exact whatever it holds. */
static void print_netstring(const char *s)
{
	printf("%zu:", strlen(s));
	fwrite(s, 1, strlen(s), stdout);
	putchar(',');
}

static int run_args(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		print_netstring(argv[i]);
	return 0;
}

static int run_env(int argc, char **argv)
{
	for (char **e = environ; *e; e++)
		if (argc == 0 || strncmp(*e, argv[0], strlen(argv[0])) == 0)
			print_netstring(*e);
	return 0;
}

const Verb show_verbs[] = {
	{ "show", "TOPIC...: ids groups caps security ns fds host rlimits session net signals keyring all",
	  1, run_show },
	{ "args", "[ARG...]: each as a netstring", 0, run_args },
	{ "env", "[PREFIX]: each variable as a netstring", 0, run_env },
	{ 0 },
};
