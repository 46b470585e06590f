/* process.c - verbs about processes, signals, credentials, memory and raw system calls. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

static int run_exit(int argc, char **argv)
{
	(void)argc;
	fflush(stdout);
	_exit((int)probe_number(argv[0]));
}

static int run_sleep(int argc, char **argv)
{
	(void)argc;
	uint64_t ms = probe_number(argv[0]);
	fflush(stdout);
	struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
	return 0;
}

static int run_say(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("%s%s", i ? " " : "", argv[i]);
	printf("\n");
	return fflush(stdout) == 0 ? 0 : 3;
}

/* Pid 1 of a namespace is not killed by what it does not handle: then it lives on and returns 0. */
static int run_die(int argc, char **argv)
{
	(void)argc;
	fflush(stdout);
	return kill(getpid(), (int)probe_number(argv[0])) < 0 ? 1 : 0;
}

/* Faults for real: the kernel's own SIGSEGV reaches even pid 1. */
static int run_segv(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	volatile uintptr_t nowhere = 8;
	*(volatile int *)nowhere = 1;
	return 0;
}

/* MB [CHUNKS_KEPT_MS]: touches every page; tells the high mark. */
static int run_alloc(int argc, char **argv)
{
	uint64_t size = probe_number(argv[0]) << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return probe_result("alloc", -1), 1;
	for (uint64_t i = 0; i < size; i += 4096)
		p[i] = 1;
	probe_result("alloc", 0);
	return argc > 1 ? run_sleep(1, argv + 1) : 0;
}

/* VERB...: runs it in a child; says how the child ended. */
static int run_child(int argc, char **argv)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		return probe_result("child", -1);
	if (pid == 0) {
		int code = probe_run(argc, argv);
		fflush(stdout);
		_exit(code);
	}
	int st = 0;
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	printf("child=%s %d\n", WIFSIGNALED(st) ? "signal" : "exit",
	       WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st));
	return 0;
}

/* N: as many sleeping children as may be; prints how many. */
static int run_spawn(int argc, char **argv)
{
	(void)argc;
	uint64_t want = probe_number(argv[0]), n = 0;
	pid_t last = -1;
	for (; n < want; n++) {
		last = fork();
		if (last == 0) {
			pause();
			_exit(0);
		}
		if (last < 0)
			break;
	}
	int why = last < 0 ? errno : 0;
	printf("spawn=%llu errno=%d\n", (unsigned long long)n, why);
	fflush(stdout);
	return 0;
}

/* MS: runs for so much time on the clock, then tells the processor time it got. */
static int run_spin(int argc, char **argv)
{
	(void)argc;
	struct timespec t, c;
	clock_gettime(CLOCK_MONOTONIC, &t);
	uint64_t end = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 +
		       probe_number(argv[0]);
	do
		clock_gettime(CLOCK_MONOTONIC, &t);
	while ((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 < end);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c);
	printf("spin.cpu_ms=%llu\n",
	       (unsigned long long)c.tv_sec * 1000 + (unsigned long long)c.tv_nsec / 1000000);
	return 0;
}

/* SIGNAL...: says "ready", takes the signals as they come, one line each, until SIGTERM or the last one of the list; exits 40 + signal. */
static int run_trap(int argc, char **argv)
{
	sigset_t set;
	sigemptyset(&set);
	for (int i = 0; i < argc; i++)
		sigaddset(&set, (int)probe_number(argv[i]));
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int sig = 0;
		if (sigwait(&set, &sig) != 0)
			return 3;
		printf("signal=%d\n", sig);
		fflush(stdout);
		if (sig == (int)probe_number(argv[argc - 1]))
			return 40 + sig;
	}
}

/* UID GID VERB...: drops to these ids and no groups, then runs the verb. */
static int run_as(int argc, char **argv)
{
	gid_t gid = (gid_t)probe_number(argv[1]);
	uid_t uid = (uid_t)probe_number(argv[0]);
	long r = setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0
			 ? -1
			 : 0;
	probe_result("as", r);
	return r < 0 ? 1 : probe_run(argc - 2, argv + 2);
}

static int run_exec(int argc, char **argv)
{
	(void)argc;
	fflush(stdout);
	execv(argv[0], argv);
	return probe_result("exec", -1), 1;
}

/* NUMBER [ARG...]: an argument "@text" passes a pointer to text, anything else is a number. */
static int run_sys(int argc, char **argv)
{
	long a[7] = { 0 };
	for (int i = 0; i < argc && i < 7; i++)
		a[i] = argv[i][0] == '@' ? (long)(argv[i] + 1) : (long)probe_number(argv[i]);
	fflush(stdout);
	long r = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	return probe_result("sys", r);
}

/* NUMBER [ARG...]: the same through the 32-bit entry. */
static int run_sys32(int argc, char **argv)
{
#ifdef __x86_64__
	long a[4] = { 0 };
	for (int i = 0; i < argc && i < 4; i++)
		a[i] = (long)probe_number(argv[i]);
	fflush(stdout);
	int r;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"((int)a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]), "S"(0L), "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	if (r < 0 && r > -4096) {
		errno = -r;
		r = -1;
	}
	return probe_result("sys32", r);
#else
	(void)argc;
	(void)argv;
	errno = ENOSYS;
	return probe_result("sys32", -1);
#endif
}

const Verb process_verbs[] = {
	{ "exit", "N", 1, run_exit },
	{ "sleep", "MS", 1, run_sleep },
	{ "say", "WORD...", 1, run_say },
	{ "die", "SIGNAL: sends it to itself", 1, run_die },
	{ "segv", "", 0, run_segv },
	{ "alloc", "MB [KEEP_MS]", 1, run_alloc },
	{ "child", "VERB...: in a child", 1, run_child },
	{ "spawn", "N: sleeping children", 1, run_spawn },
	{ "spin", "MS", 1, run_spin },
	{ "trap", "SIGNAL...: until the last of them; exits 40 + signal", 1, run_trap },
	{ "as", "UID GID VERB...", 3, run_as },
	{ "exec", "PATH [ARG...]", 1, run_exec },
	{ "sys", "NUMBER [ARG...]: a raw system call", 1, run_sys },
	{ "sys32", "NUMBER [ARG...]: through the 32-bit entry", 1, run_sys32 },
	{ 0 },
};
