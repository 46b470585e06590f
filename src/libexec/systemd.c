/* mydocker's way to systemd: starts, changes and stops units for a runtime (fmt/unit_talk.h). */
#include "libexec/systemd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "build_id.h"

#define TALK_FD STDIN_FILENO

typedef struct Helper {
	sd_bus *bus;
	UnitReply who; /* what it has found */
} Helper;

static void reply(const Helper *h, const Err *e)
{
	UnitReply r = h->who;
	r.err = *e;
	if (send(TALK_FD, &r, sizeof r, MSG_NOSIGNAL) != (ssize_t)sizeof r)
		_exit(1); /* nobody listens any more */
}

static int request_do(const Helper *h, const StrList *words, Arena *a, Err *e)
{
	if (words->count < 2 || words->count % 2 != 0)
		return err_make(e, ERR_BUG, EPROTO, "a request has %zu words", words->count);
	const char *verb = words->items[0], *unit = words->items[1];
	size_t count = words->count / 2 - 1;
	Property *properties = arena_new_array(a, count, Property);
	for (size_t i = 0; i < count; i++)
		properties[i] = (Property){ words->items[2 + 2 * i], words->items[3 + 2 * i] };
	if (strcmp(verb, UNIT_VERB_START) == 0)
		return systemd_start(h->bus, unit, properties, count, h->who.version, TALK_FD, a, e);
	if (strcmp(verb, UNIT_VERB_SET) == 0)
		return systemd_set(h->bus, unit, properties, count, a, e);
	if (strcmp(verb, UNIT_VERB_STOP) == 0)
		return systemd_stop(h->bus, unit, TALK_FD, e);
	return err_make(e, ERR_BUG, EPROTO, "there is no request '%s'", verb);
}

static int request_split(const char *text, size_t len, Arena *a, StrList *ret, Err *e)
{
	if (text[len - 1] != '\0')
		return err_make(e, ERR_BUG, EPROTO, "a request does not end");
	for (const char *at = text; at < text + len; at += strlen(at) + 1)
		strlist_add(a, ret, at);
	return 0;
}

static int serve(const Helper *h)
{
	static char text[UNIT_TALK_BYTES];
	for (;;) {
		AUTO(arena_done) Arena a = ARENA_EMPTY;
		StrList words = { 0 };
		Err e = { 0 };
		ssize_t n = recv(TALK_FD, text, sizeof text, 0);
		if (n <= 0)
			return n < 0;
		if (request_split(text, (size_t)n, &a, &words, &e) == 0)
			(void)request_do(h, &words, &a, &e); /* the error is the reply */
		reply(h, &e);
	}
}

int main(int argc, char **argv)
{
	AUTO(sd_bus_flush_close_unref) sd_bus *bus = NULL;
	Helper h = { 0 };
	Err e = { 0 };
	if (argc != UNIT_TALK_ARGS)
		return 125;
	if (strcmp(argv[1], BUILD_ID) != 0)
		(void)err_make(&e, ERR_STATE, 0,
			       "libexec/mydocker/systemd is of another build than this program");
	else
		(void)systemd_connect(strcmp(argv[2], "user") == 0, &bus, &h.who, &e); /* the error is told */
	h.bus = bus;
	reply(&h, &e);
	return e.kind == ERR_OK ? serve(&h) : 0;
}
