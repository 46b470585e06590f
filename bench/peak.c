/*
 * peak: the peak memory (VmHWM) of every program that a command consists of.
 *
 *   peak COMMAND [ARG...]
 *
 * Follows all processes by ptrace(2) and reads /proc/PID/status at the last moment at which a program still has its memory: when it
 * calls execve(2) and when it exits. One line for each: peak in kB, shared with the parent until its first exec or not, name.
 * ru_maxrss would not do: it is inherited over exec, and a child starts with its parent's.
 * Build: gcc -O2 -static.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT | \
	 PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD)

struct syscall_info { /* linux/ptrace.h, whose other names clash with sys/ptrace.h */
	unsigned char op, pad[3];
	unsigned arch;
	unsigned long long ip, sp, nr, args[6];
};

static void report(pid_t pid, const char *when)
{
	char path[64], line[256], name[64] = "?";
	long kb = -1;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f)) {
		if (!strncmp(line, "Name:", 5))
			sscanf(line + 5, "%63s", name);
		if (!strncmp(line, "VmHWM:", 6))
			kb = strtol(line + 6, NULL, 10);
	}
	if (f)
		fclose(f);
	if (kb >= 0)
		fprintf(stderr, "peak %ld kB %s %s\n", kb, when, name);
}

/* Returns the signal to pass on. */
static int stopped(pid_t pid, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);
	if (event == PTRACE_EVENT_EXIT)
		report(pid, "exit");
	if (event)
		return 0;
	if (sig == (SIGTRAP | 0x80)) {
		struct syscall_info i;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof i, &i) > 0 &&
		    i.op == PTRACE_SYSCALL_INFO_ENTRY && (i.nr == SYS_execve || i.nr == SYS_execveat))
			report(pid, "exec");
		return 0;
	}
	return sig == SIGSTOP ? 0 : sig;
}

int main(int c, char **v)
{
	if (c < 2)
		return fprintf(stderr, "usage: peak COMMAND [ARG...]\n"), 2;
	pid_t first = fork(), pid;
	int st, code = 1;
	if (first == 0) {
		raise(SIGSTOP);
		execvp(v[1], v + 1);
		_exit(127);
	}
	waitpid(first, &st, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, first, 0, OPTIONS) < 0)
		return perror("peak: ptrace"), 1;
	kill(first, SIGCONT);
	while ((pid = waitpid(-1, &st, __WALL)) > 0 || errno == EINTR) {
		if (WIFSTOPPED(st))
			ptrace(PTRACE_SYSCALL, pid, 0, stopped(pid, st));
		else if (pid == first)
			code = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	}
	return code;
}
