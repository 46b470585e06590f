/* points.c - fail points: makes any call of the product fail, or the process die before or after it.
 *
 * Theory of operation: the linker puts the functions below in front of the C library's (-Wl,--wrap), in a copy of each of the two
 * programs that is made of the very objects that ship. So every call of calls.h is a point, without a word in the sources, and a new
 * call is one by itself. A point is known by the process, the place that called (an offset into the program, which addr2line can
 * read), the call, and how often this process has made it there before: that stays the same when another loop turns once more.
 *
 * FAIL_POINTS=FD[:HOW:PROCESS:PLACE:CALL:TIMES] says what happens. FD is a log, open for appending, to which each point is one line
 * before its call is made. HOW is one of `actions`. Processes are called "parent", and "child1", "init1", "init1-child1" ... by the number
 * of the clone: init has no environment of its own, and gets this one with another name in it.
 *
 * Nothing here allocates, and nothing calls a function that is wrapped.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"

#define PLACES_MAX 2048
#define TEXT_MAX   100

typedef long (*Call)(long a, long b, long c, long d, long e, long f, long g);
typedef enum Kind { OUT, WAIT, OWN, OPEN } Kind;

/* What is to be done at the point. */
typedef enum Action { NONE, FAIL, FAIL_ON, DIE, DIE_AFTER } Action;
static const char *const actions[] = { "none", "fail", "fail-on", "die", "die-after" };

typedef struct Point {
	Kind kind;
	const char *call;
	unsigned long place;
	const char *text; /* a path or name among the arguments; of a write: what was opened last; or NULL */
} Point;

static struct {
	int log; /* -1: this program behaves like the product */
	char process[32];
	bool is_init;
	Action action;
	bool failing; /* FAIL_ON has been reached: from now on all calls that would leave something outside fail */
	unsigned clones;
	char opened[256];
	const volatile char *beyond_the_end; /* of an empty file: to look there is SIGBUS */
	bool inside;      /* of a real call: what libc calls in turn is no point of its own */
	bool is_born;     /* clone3 has just returned, in the child */
	char target[128]; /* HOW:PROCESS:PLACE:CALL:TIMES as it came, for init */
	char target_process[32], target_call[32];
	unsigned long target_place;
	unsigned target_times;
	struct {
		unsigned long place;
		const char *call;
		unsigned times;
	} seen[PLACES_MAX];
	unsigned seen_count;
} points = { .log = -1 };

extern const Elf64_Ehdr __ehdr_start;

#define PROTOTYPE(name, ...) \
	__VA_ARGS__ long name(long a, long b, long c, long d, long e, long f, long g);
/* With glibc functions that know sizes of files have a name of their own for 64 bits, and others have none. */
#define REAL_ROW(name, ...)                                 \
	PROTOTYPE(__real_##name)                            \
	PROTOTYPE(__real_##name##64, __attribute__((weak))) \
	PROTOTYPE(__wrap_##name)                            \
	PROTOTYPE(__wrap_##name##64)
CALLS(REAL_ROW)
PROTOTYPE(__real_syscall)
PROTOTYPE(__wrap_syscall)
long __wrap_vfork_clone3(struct clone_args *args, void (*run)(void *arg), void *arg);

static long raw(long number, long a, long b, long c)
{
	return __real_syscall(number, a, b, c, 0, 0, 0);
}

static void log_line(const char *line)
{
	int saved = errno;
	(void)raw(SYS_write, points.log, (long)line,
		  (long)strlen(line)); /* a log that is gone is not read either */
	errno = saved;
}

/* ---- who and what ---- */

/* The next part of "a:b:c"; *rest moves on. */
static void part(const char **rest, char *out, size_t size)
{
	size_t len = strcspn(*rest, ":");
	(void)snprintf(out, size, "%.*s", (int)len, *rest);
	*rest += len + ((*rest)[len] == ':');
}

static void target_read(const char *text)
{
	char how[16], place[24], times[16];
	(void)snprintf(points.target, sizeof points.target, "%s", text);
	part(&text, how, sizeof how);
	part(&text, points.target_process, sizeof points.target_process);
	part(&text, place, sizeof place);
	part(&text, points.target_call, sizeof points.target_call);
	part(&text, times, sizeof times);
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (strcmp(how, actions[i]) == 0)
			points.action = (Action)i;
	(void)sscanf(place, "%lx", &points.target_place); /* what is no number is no point that there is */
	(void)sscanf(times, "%u", &points.target_times);
}

__attribute__((constructor)) static void points_start(void)
{
	const char *text = getenv("FAIL_POINTS");
	char fd[16];
	if (!text)
		return;
	part(&text, fd, sizeof fd);
	if (sscanf(fd, "%d", &points.log) != 1)
		abort();
	const char *process = getenv("FAIL_PROCESS");
	long empty = raw(SYS_memfd_create, (long)"empty", MFD_CLOEXEC, 0);
	points.beyond_the_end = (const volatile char *)__real_syscall(SYS_mmap, 0, 1, PROT_READ,
								      MAP_SHARED, empty, 0);
	(void)raw(SYS_close, empty, 0, 0);
	points.is_init = process;
	(void)snprintf(points.process, sizeof points.process, "%s", process ? process : "parent");
	if (*text)
		target_read(text);
}

/* In the child of a clone: another process, which begins to count again. */
static void points_child(void)
{
	char above[16];
	(void)snprintf(above, sizeof above, "%.15s", points.process);
	(void)snprintf(points.process, sizeof points.process, "%s%schild%u",
		       points.is_init ? above : "", points.is_init ? "-" : "", points.clones);
	points.seen_count = 0;
	points.failing = false;
	points.is_born = true;
}

/* How often this process has come here before, and counts it. */
static unsigned point_times(const Point *p)
{
	for (unsigned i = 0; i < points.seen_count; i++)
		if (points.seen[i].place == p->place && points.seen[i].call == p->call)
			return ++points.seen[i].times;
	if (points.seen_count == PLACES_MAX)
		abort();
	points.seen[points.seen_count].place = p->place;
	points.seen[points.seen_count].call = p->call;
	return points.seen[points.seen_count++].times = 1;
}

/* ---- what happens ---- */

/* SIGKILL from itself does not reach the first process of a pid namespace; a fault does, and this one is none for the kernel's log. */
static _Noreturn void die(void)
{
	(void)raw(SYS_kill, raw(SYS_getpid, 0, 0, 0), SIGKILL, 0);
	(void)*points.beyond_the_end;
	__builtin_trap();
}

static void point_log(const Point *p, unsigned times, Action action)
{
	static const char *const kinds[] = { "OUT", "WAIT", "OWN" };
	char text[TEXT_MAX + 1] = "", line[TEXT_MAX + 160];
	size_t len = p->text ? strlen(p->text) : 0;
	if (len > 0)
		(void)snprintf(text, sizeof text, "%s",
			       len > TEXT_MAX ? p->text + len - TEXT_MAX : p->text);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c > '~')
			*c = '?';
	(void)snprintf(line, sizeof line, "point %s %lx %s %u %s %s %s\n", points.process, p->place,
		       p->call, times, kinds[p->kind], actions[action], text);
	log_line(line);
}

static bool is_target(const Point *p, unsigned times)
{
	return points.action != NONE && p->place == points.target_place &&
	       times == points.target_times && strcmp(p->call, points.target_call) == 0 &&
	       strcmp(points.process, points.target_process) == 0;
}

/* What is to be done at this point: NONE, FAIL or DIE_AFTER; a DIE is done here. */
static Action point_pass(const Point *p)
{
	int saved = errno;
	unsigned times = point_times(p);
	Action now = is_target(p, times) ? points.action : NONE;
	points.failing |= now == FAIL_ON;
	if (points.failing && p->kind == OUT)
		now = FAIL;
	point_log(p, times, now);
	if (now == DIE)
		die();
	errno = saved;
	return now == FAIL_ON ? FAIL : now;
}

static unsigned long place_of(const void *return_address)
{
	return (uintptr_t)return_address - (uintptr_t)&__ehdr_start;
}

static long point_call(Point *p, long bad, int number, Call real, const long v[7])
{
	if (points.log < 0 || points.inside)
		return real(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
	Action action = point_pass(p);
	if (action == FAIL) {
		errno = number;
		return bad;
	}
	points.inside = true;
	long r = real(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
	points.inside = false;
	if (action == DIE_AFTER && !points.is_born)
		die();
	points.is_born = false;
	return r;
}

/* ---- the functions of libc ---- */

static const char *text_of(const char *call, const char *text)
{
	if (text && strncmp(call, "open", 4) == 0)
		(void)snprintf(points.opened, sizeof points.opened, "%s", text);
	return strcmp(call, "write") == 0 ? points.opened : text;
}

static Kind kind_of(Kind kind, long flags)
{
	return kind != OPEN ? kind : flags & O_CREAT ? OUT : OWN;
}

/* All arguments are whole registers, and one too many does no harm: one form fits every function. */
#define WRAP_AS(symbol, name, kind_, bad, number, text_)                                 \
	long __wrap_##symbol(long a, long b, long c, long d, long e, long f, long g)     \
	{                                                                                \
		const long v[7] = { a, b, c, d, e, f, g };                               \
		Point p = { kind_of(kind_, strcmp(#name, "open") == 0 ? b : c), #name,   \
			    place_of(__builtin_return_address(0)),                       \
			    text_of(#name, text_ ? (const char *)v[text_ - 1] : NULL) }; \
		return point_call(&p, bad, number, __real_##symbol, v);                  \
	}
#define WRAP(name, ...)                  \
	WRAP_AS(name, name, __VA_ARGS__) \
	WRAP_AS(name##64, name, __VA_ARGS__)
CALLS(WRAP)

/* ---- syscall(2) ---- */

static const struct {
	long number;
	const char *name;
	Kind kind;
	int error;
	unsigned text;
} numbers[] = {
#define NUMBER_ROW(name, kind, error, text) { SYS_##name, #name, kind, error, text },
	SYSCALLS(NUMBER_ROW)
};

static size_t number_find(long number)
{
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (numbers[i].number == number)
			return i;
	char line[64];
	(void)snprintf(line, sizeof line, "unknown system call %ld\n", number);
	log_line(line);
	die();
}

/* Init gets the log and the target, under its own name. */
static long init_exec(const long v[7])
{
	char control[200], process[40];
	(void)snprintf(control, sizeof control, "FAIL_POINTS=%d%s%s", points.log,
		       *points.target ? ":" : "", points.target);
	(void)snprintf(process, sizeof process, "FAIL_PROCESS=init%u", points.clones);
	char *const envp[] = { control, process, NULL };
	return __real_syscall(v[0], v[1], v[2], v[3], (long)envp, v[5], v[6]);
}

/* The kernel's two are 32 bits wide, whatever else is in their registers. The log stays. */
static long range_close(unsigned first, unsigned last)
{
	unsigned log = (unsigned)points.log;
	if (log < first || log > last)
		return raw(SYS_close_range, first, last, 0);
	long below = first < log ? raw(SYS_close_range, first, log - 1, 0) : 0;
	long above = log < last ? raw(SYS_close_range, log + 1, last, 0) : 0;
	return below < 0 ? below : above;
}

static long number_call(long a, long b, long c, long d, long e, long f, long g)
{
	const long v[7] = { a, b, c, d, e, f, g };
	if (a == SYS_execveat)
		return init_exec(v);
	if (a == SYS_close_range && d == 0)
		return range_close((unsigned)b, (unsigned)c);
	if (a != SYS_clone3)
		return __real_syscall(a, b, c, d, e, f, g);
	points.clones++;
	long r = __real_syscall(a, b, c, d, e, f, g);
	if (r == 0) {
		points_child();
	} else if (!points.is_init) { /* whose numbers are those of its namespace */
		char line[64];
		(void)snprintf(line, sizeof line, "process %u %ld\n", points.clones, r);
		log_line(line);
	}
	return r;
}

static long point_number(const void *from, const long v[7])
{
	long a = v[0];
	if (points.log < 0 || points.inside)
		return __real_syscall(a, v[1], v[2], v[3], v[4], v[5], v[6]);
	size_t i = number_find(a);
	long flags = a == SYS_openat2 ? (long)((const struct open_how *)v[3])->flags : 0;
	const char *text = numbers[i].text ? (const char *)v[numbers[i].text] : NULL;
	Point p = { kind_of(numbers[i].kind, flags), numbers[i].name, place_of(from),
		    text_of(numbers[i].name, text) };
	return point_call(&p, -1, numbers[i].error, number_call, v);
}

long __wrap_syscall(long a, long b, long c, long d, long e, long f, long g)
{
	const long v[7] = { a, b, c, d, e, f, g };
	return point_number(__builtin_return_address(0), v);
}

/* A child that counts for itself needs a memory of its own. */
long __wrap_vfork_clone3(struct clone_args *args, void (*run)(void *arg), void *arg)
{
	args->flags &= ~(__u64)(CLONE_VM | CLONE_VFORK);
	const long v[7] = { SYS_clone3, (long)args, sizeof *args };
	long r = point_number(__builtin_return_address(0), v);
	if (r == 0)
		run(arg);
	return r;
}
