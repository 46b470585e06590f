/* systemd.h - a systemd that makes the groups, as the runtime sees it: a helper that speaks to it.   (runtime/, may include base fmt kern)
 *
 * Runs in:   the parent. The helper, libexec/mydocker/systemd, is its child, and ends with it; it gets nothing of ours but a socket
 *            (fmt/unit_talk.h), and of our environment where its bus is.
 * Theory:    a scope exists as long as a process is in it. The first one is the helper, until systemd_close(): so groups are there and
 *            limited before the container's process is born in them, and whenever we die before that, the helper dies, too, and systemd
 *            finds the scope empty and takes it away.
 * Ownership: a Systemd owns its helper; systemd_close() ends it.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/facts.h"
#include "runtime/plan_unit.h"

typedef struct Systemd {
	int talk_fd, pidfd; /* of the helper */
	bool is_user;
	uint32_t version;
	const char *group; /* the group that all of its units are in: "/", or below it */
} Systemd;
#define SYSTEMD_NONE ((Systemd){ .talk_fd = FD_NONE, .pidfd = FD_NONE })

/* Starts the helper and has it connect. ERR_STATE: this host is not run by systemd. */
int systemd_open(bool is_user, Arena *a, Systemd *ret, Err *e);

/* The helper leaves the scope, and has ended when this returns. */
void systemd_close(Systemd *s);
static inline void systemd_close_auto(Systemd *s)
{
	systemd_close(s);
}

/* What of the host is different when systemd makes the groups. ERR_SPEC: an ordinary user's has none of cgroup v1 to give. */
int systemd_facts(const Systemd *s, Arena *a, HostFacts *f, Err *e);

/* The unit, with the helper in it if it is a scope. ERR_EXISTS: there is one of that name. */
int systemd_start(const Systemd *s, const PlanUnit *u, Arena *a, Err *e);

int systemd_set(const Systemd *s, const char *unit, const PlanUnitProperties *p, Arena *a, Err *e);

/* What is in it is killed; a unit that is not there is as good. */
int systemd_stop(const Systemd *s, const char *unit, Arena *a, Err *e);

/* Opens, stops, closes: for who has a record and nothing else. */
int systemd_stop_unit(bool is_user, const char *unit, Arena *a, Err *e);
