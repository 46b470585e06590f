/* runc's `events`: what a container uses, every few seconds, and when it is killed for lack of memory. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/format.h"
#include "kern/cgroup_stats.h"
#include "oci/stats.h"

#define INTERVAL_MS 5000 /* runc's default */

typedef struct EventsOpts {
	bool stats;
	int64_t interval; /* milliseconds; 0: the default */
} EventsOpts;

/* Go's time.ParseDuration, of one number: "100ms", "1.5s", "2m", "1h". */
static int duration_parse(const char *text, int64_t *ret, Err *e)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "us", 0.001 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	size_t whole = strspn(text, "0123456789"), len = whole;
	uint64_t n = 0, part = 0, scale = 1;
	if (text[len] == '.')
		len += 1 + strspn(text + len + 1, "0123456789");
	for (size_t i = 0; i < whole && n < UINT32_MAX; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = whole + 1; i < len && scale < 1000000000; i++) {
		part = part * 10 + (uint64_t)(text[i] - '0');
		scale *= 10;
	}
	for (size_t i = 0; len > 0 && i < ARRAY_LEN(units); i++)
		if (strcmp(text + len, units[i].unit) == 0) {
			*ret = (int64_t)(((double)n + (double)part / (double)scale) * units[i].ms);
			return *ret > 0 ? 0
					: err_make(e, ERR_USAGE, 0,
						   "duration interval must be greater than 0");
		}
	return err_make(e, ERR_USAGE, 0, "is no duration such as 100ms, 1s or 5m");
}

static const Opt opts_table[] = {
	OPT_PARSE(0, "interval", EventsOpts, interval, int64_t, "DURATION", duration_parse,
		  "How often what it uses is told (default 5s)"),
	OPT_FLAG(0, "stats", EventsOpts, stats, "Tell it once, and end"),
	OPT_END,
};

static int stats_print(const OciContainer *c, Err *e)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY; /* there may be many */
	JsonWriter w = json_writer(&a, false);
	json_write_object(&w, NULL);
	json_write_string(&w, "type", "stats");
	json_write_string(&w, "id", c->id);
	oci_stats_write(c, &w, &a);
	json_write_end(&w);
	return format_print_json(&w, e);
}

/* Exactly runc's line. */
static int oom_print(const OciContainer *c, Err *e)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	JsonWriter w = json_writer(&a, false);
	json_write_object(&w, NULL);
	json_write_string(&w, "type", "oom");
	json_write_string(&w, "id", c->id);
	json_write_end(&w);
	return format_print_json(&w, e);
}

/* ---- out of memory ---- */

typedef struct Oom {
	int fd;                 /* something to read: it may have happened */
	const char *dir, *file; /* whose line oom_kill counts; NULL: no memory controller */
	uint64_t kills;
} Oom;

/* memory.rst of cgroup v1, "OOM control": an eventfd is registered for the file. */
static int oom_open_v1(const char *dir, Arena *a, int *ret, Err *e)
{
	AUTO(fd_close) int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	AUTO(fd_close)
	int control = openat(AT_FDCWD, arena_printf(a, "%s/memory.oom_control", dir),
			     O_RDONLY | O_CLOEXEC);
	if (event < 0 || control < 0)
		return err_sys(e, "ask for the events of %s", dir);
	int r = fd_write_text_at(AT_FDCWD, arena_printf(a, "%s/cgroup.event_control", dir),
				 arena_printf(a, "%d %d", event, control));
	if (r < 0)
		return err_make(e, ERR_SYS, -r, "ask for the events of %s", dir);
	*ret = TAKE_FD(event);
	return 0;
}

static int oom_open_v2(const char *dir, Arena *a, int *ret, Err *e)
{
	AUTO(fd_close) int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch < 0 ||
	    inotify_add_watch(watch, arena_printf(a, "%s/memory.events", dir), IN_MODIFY) < 0)
		return err_sys(e, "watch %s/memory.events", dir);
	*ret = TAKE_FD(watch);
	return 0;
}

/* Without a memory controller there are none. */
static int oom_open(const OciContainer *c, Arena *a, Oom *ret, Err *e)
{
	const char *v1 = oci_stats_group(c, "memory.oom_control");
	const char *v2 = v1 ? NULL : oci_stats_group(c, "memory.events");
	*ret = (Oom){ .fd = FD_NONE,
		      .dir = v1 ? v1 : v2,
		      .file = v1 ? "memory.oom_control" : "memory.events" };
	if (!ret->dir)
		return 0;
	(void)cgroup_stat_key(ret->dir, ret->file, "oom_kill", &ret->kills); /* else none so far */
	return v1 ? oom_open_v1(v1, a, &ret->fd, e) : oom_open_v2(v2, a, &ret->fd, e);
}

static bool oom_happened(Oom *o)
{
	uint64_t kills;
	if (!o->dir || cgroup_stat_key(o->dir, o->file, "oom_kill", &kills) < 0 || kills == o->kills)
		return false;
	o->kills = kills;
	return true;
}

/* v1 tells before it kills, and once more when the group is removed: the count says whether it did. */
static bool oom_await(Oom *o)
{
	const struct timespec step = { .tv_nsec = 5000000 };
	char events[4096];
	bool happened = false;
	(void)!read(o->fd, events, sizeof events); /* what it says is that there was something */
	for (int i = 0; i < 40 && !(happened = oom_happened(o)); i++)
		(void)nanosleep(&step, NULL); /* a signal makes it shorter */
	return happened;
}

/* ---- the loop ---- */

static int64_t now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int follow(const OciContainer *c, Oom *oom, int64_t interval, Err *e)
{
	int64_t next = now_ms() + interval;
	for (;;) {
		int64_t left = next - now_ms();
		struct pollfd p[] = { { .fd = c->pidfd, .events = POLLIN },
				      { .fd = oom->fd, .events = POLLIN } };
		int n = poll(p, ARRAY_LEN(p),
			     left < 0           ? 0
			     : left > INT32_MAX ? INT32_MAX
						: (int)left);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "wait for events");
		if (n > 0 && p[1].revents && oom_await(oom))
			TRY(oom_print(c, e));
		if (n > 0 && p[0].revents)
			return oom_happened(oom) ? oom_print(c, e) : 0;
		if (now_ms() < next)
			continue;
		TRY(stats_print(c, e));
		next += interval;
	}
}

static int events_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const EventsOpts *o = opts;
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	Oom oom;
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	if (!c.pid)
		return err_make(e, ERR_STATE, 0, "container with id %s is not running", c.id);
	if (o->stats)
		return stats_print(&c, e);
	TRY(oom_open(&c, a, &oom, e));
	int r = follow(&c, &oom, o->interval ? o->interval : INTERVAL_MS, e);
	fd_close_auto(&oom.fd);
	return r;
}

const OciCmd oci_events = {
	.name = "events",
	.args = "ID",
	.summary = "Tell what a container uses, and when it is out of memory",
	.opts = { opts_table },
	.opts_size = sizeof(EventsOpts),
	.min_args = 1,
	.max_args = 1,
	.run = events_main,
};
