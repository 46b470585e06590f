#include "oci/log.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "fmt/json_write.h"

static const char *line_make(const OciGlobal *g, const char *level, const char *text, Arena *a)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;
	(void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	JsonWriter w = json_writer(a, false);
	if (!g->log_format || strcmp(g->log_format, "json") != 0) {
		json_write_string(&w, NULL, text); /* in quotes, as logrus has it */
		return arena_printf(a, "time=\"%s\" level=%s msg=%s\n", when, level,
				    json_write_done(&w, NULL));
	}
	json_write_object(&w, NULL);
	json_write_string(&w, "level", level);
	json_write_string(&w, "msg", text);
	json_write_string(&w, "time", when);
	json_write_end(&w);
	return arena_printf(a, "%s\n", json_write_done(&w, NULL));
}

int oci_log_append(const OciGlobal *g, const char *level, const char *text, Arena *a, Err *e)
{
	const char *line = line_make(g, level, text, a);
	if (!g->log || !*g->log)
		return fd_write_all(STDERR_FILENO, line, strlen(line), "standard error", e);
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, g->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, "open the log file '%s'", g->log);
	return fd_write_all(fd, line, strlen(line), g->log, e);
}

static void sink(void *arg, const char *level, const char *text)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const OciGlobal *g = arg;
	char own[sizeof((Err *)0)->msg + 128];
	Err e = { 0 };
	if (oci_log_append(g, level, text, &a, &e) < 0)
		log_note("%s: %s", err_text(&e, own, sizeof own), text); /* said somewhere all the same */
}

void oci_log_begin(const OciGlobal *g)
{
	if (g->debug || (g->log && *g->log))
		log_set_sink(sink, (void *)(uintptr_t)g);
}

int oci_debug_begin(TimelineShared *ret, Err *e)
{
	return log_is_debug() ? timeline_make(ret, e) : 0;
}

static const struct {
	const char *title;
	StageSide side;
} stages[STAGE_COUNT] = {
#define STAGE_ROW(name, whose, title) [STAGE_##name] = { title, STAGE_SIDE_##whose },
	STAGES(STAGE_ROW)
#undef STAGE_ROW
};

/* With runc's words for three of them: callers look for these. */
void oci_debug_end(const TimelineShared *t, bool is_exec, bool failed)
{
	uint64_t first = 0;
	if (!t->page)
		return;
	for (unsigned s = 0; s < STAGE_COUNT; s++) {
		uint64_t at = t->page->done[s];
		if (!at)
			continue;
		first = first ? first : at;
		if (s == STAGE_START)
			log_debug("nsexec container setup: child process in init()");
		log_debug("%s %s (+%llu us)", stages[s].side == STAGE_SIDE_INIT ? "init" : "runtime",
			  stages[s].title, (unsigned long long)(at > first ? at - first : 0) / 1000);
	}
	if (!failed)
		log_debug("%s", is_exec ? "setns_init: about to exec"
					: "init: closing the pipe to signal completion");
}
