/* mydocker's way to registries: manifests, blobs and tags, there and back (fmt/fetch_talk.h). */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "build_id.h"
#include "fetch/confine.h"
#include "fetch/job.h"
#include "kern/unix_socket.h"

#define TALK_FD STDIN_FILENO
#define IDLE_MS 60000u
#define JOBS    FETCH_TALK_REQUESTS

typedef struct Loop {
	Session session;
	Job *jobs[JOBS];
	bool is_over; /* the engine has gone */
} Loop;

/* What cannot be said ends the program: nobody listens. Progress may get lost. */
static int reply_send(const FetchReply *r, int fd, Err *e)
{
	int failed = unix_send_packet(TALK_FD, r, sizeof *r, fd, r->is_end ? 0 : MSG_DONTWAIT, e);
	return failed == -EAGAIN && !r->is_end ? 0 : failed;
}

static void job_look(Job *j)
{
	if (j->upload && j->call.exchange)
		j->at = j->upload->at + http_sent(j->call.exchange);
}

static int jobs_tell(Loop *l, Err *e)
{
	for (size_t i = 0; i < JOBS; i++) {
		Job *j = l->jobs[i];
		if (!j)
			continue;
		job_look(j);
		if (job_progress_is_due(j))
			TRY(reply_send(&j->reply, FD_NONE, e));
		if (!j->has_ended)
			continue;
		TRY(reply_send(&j->reply, j->document, e));
		job_free(TAKE_PTR(l->jobs[i]));
	}
	return 0;
}

static size_t free_place(const Loop *l)
{
	size_t i = 0;
	while (i < JOBS && l->jobs[i])
		i++;
	return i;
}

static int request_take(Loop *l, Err *e)
{
	FetchRequest r;
	AUTO(fd_close) int fd = FD_NONE;
	size_t place = free_place(l);
	ssize_t n = TRY(unix_receive_packet(TALK_FD, &r, sizeof r, &fd, e));
	l->is_over = n == 0;
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof r)
		return err_make(e, ERR_BUG, EPROTO, "a request of %zd bytes", n);
	l->jobs[place] = job_new(&l->session, &r, TAKE_FD(fd));
	return l->jobs[place] ? 0 : err_sys(e, "make room for a request");
}

/* One round: what has come is dealt with, then the next is waited for. */
static int loop_round(Loop *l, Err *e)
{
	struct curl_waitfd fds[JOBS + 1];
	Job *of[JOBS + 1];
	size_t count = 0;
	TRY(http_work(l->session.http, e));
	unsigned wait = call_tick(&l->session, IDLE_MS);
	TRY(jobs_tell(l, e));
	for (size_t i = 0; i < JOBS; i++)
		if (l->jobs[i] && l->jobs[i]->wants) {
			of[count] = l->jobs[i];
			fds[count++] = (struct curl_waitfd){ .fd = l->jobs[i]->fd,
							     .events = l->jobs[i]->wants == POLLIN
									       ? CURL_WAIT_POLLIN
									       : CURL_WAIT_POLLOUT };
		}
	fds[count] = (struct curl_waitfd){ .fd = TALK_FD, .events = CURL_WAIT_POLLIN };
	bool listens = free_place(l) < JOBS;
	TRY(http_wait(l->session.http, fds, count + listens, wait, e));
	for (size_t i = 0; i < count; i++)
		if (fds[i].revents && !of[i]->has_ended)
			of[i]->ready(of[i]);
	return listens && fds[count].revents ? request_take(l, e) : 0;
}

static int hello(Loop *l, const char *build, Err *e)
{
	static char text[FETCH_TALK_BYTES];
	int fd = FD_NONE;
	if (!str_eq(build, BUILD_ID))
		return err_make(e, ERR_STATE, 0,
				"libexec/mydocker/fetch is of another build than this program");
	ssize_t n = TRY(unix_receive_packet(TALK_FD, text, sizeof text, &fd, e));
	fd_close_auto(&fd);
	int r = config_read(text, (size_t)n, &l->session.arena, &l->session.config, e);
	explicit_bzero(text, sizeof text);
	TRY(r);
	TRY(http_new(&l->session.config, &l->session.arena, &l->session.http, e));
	return confine(e);
}

static void loop_end(Loop *l)
{
	for (size_t i = 0; i < JOBS; i++)
		if (l->jobs[i])
			job_free(l->jobs[i]);
	tokens_free(&l->session);
	if (l->session.http)
		http_free_all(l->session.http);
	arena_done(&l->session.arena);
}

int main(int argc, char **argv)
{
	static Loop l;
	FetchReply first = { .is_end = true };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	Err e = { 0 };
	if (argc != FETCH_TALK_ARGS || sigaction(SIGPIPE, &ignore, NULL) < 0)
		return 125;
	int r = hello(&l, argv[1], &first.err);
	if (reply_send(&first, FD_NONE, &e) < 0)
		r = -EPIPE;
	while (r == 0 && !l.is_over)
		r = loop_round(&l, &e);
	loop_end(&l);
	if (r < 0 && e.kind != ERR_OK)
		fprintf(stderr, "mydocker fetch: %s: %s\n", e.where, e.msg);
	return r < 0;
}
