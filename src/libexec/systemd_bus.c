#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/own.h"
#include "base/str.h"
#include "libexec/systemd.h"

#define SERVICE       "org.freedesktop.systemd1"
#define OBJECT        "/org/freedesktop/systemd1"
#define MANAGER       "org.freedesktop.systemd1.Manager"
#define OWN_SOCKET    "unix:path=/run/systemd/private"
#define NO_UNIT       "org.freedesktop.systemd1.NoSuchUnit"
#define JOB_SECONDS   30
#define SINCE_COLLECT 236

DEFINE_AUTO(sd_bus_message *, sd_bus_message_unref, NULL)
DEFINE_AUTO(sd_bus_slot *, sd_bus_slot_unref, NULL)

static void bus_error_auto(sd_bus_error *p)
{
	sd_bus_error_free(p);
}

/* Of a call that systemd refused, with its own words. */
static int refused(Err *e, int r, const sd_bus_error *why, const char *what, const char *unit)
{
	bool said = why && why->message && *why->message;
	bool exists = sd_bus_error_has_name(why, SERVICE ".UnitExists");
	return err_make(e, exists ? ERR_EXISTS : ERR_SYS,
			exists ? EEXIST
			: said ? 0
			       : -r,
			"%s%s%s%s", what, unit, said ? ": " : "", said ? why->message : "");
}

/* ---- the bus ---- */

static int own_socket_open(sd_bus **ret)
{
	AUTO(sd_bus_flush_close_unref) sd_bus *bus = NULL;
	TRY(sd_bus_new(&bus));
	TRY(sd_bus_set_address(bus, OWN_SOCKET));
	TRY(sd_bus_start(bus));
	*ret = TAKE_PTR(bus);
	return 0;
}

static int bus_open(bool is_user, sd_bus **ret, Err *e)
{
	int r = is_user ? sd_bus_open_user(ret) : sd_bus_open_system(ret);
	if (r < 0 && !is_user && geteuid() == 0 && own_socket_open(ret) >= 0)
		return 0;
	if (r >= 0)
		return 0;
	if (is_user)
		return err_make(e, ERR_SYS, -r,
				"connect to the bus of the user's systemd (DBUS_SESSION_BUS_ADDRESS, or XDG_RUNTIME_DIR/bus): a session of systemd is needed, as by 'loginctl enable-linger'");
	return err_make(e, ERR_SYS, -r, "connect to systemd by the system's bus");
}

static int text_get(sd_bus *bus, const char *property, char *ret, size_t size, Err *e)
{
	AUTO(bus_error) sd_bus_error why = SD_BUS_ERROR_NULL;
	char *text = NULL;
	int r = sd_bus_get_property_string(bus, SERVICE, OBJECT, MANAGER, property, &why, &text);
	if (r < 0)
		return refused(e, r, &why, "ask systemd for its ", property);
	r = str_format(ret, size, "%s", text);
	free(text);
	return r < 0 ? err_make(e, ERR_SYS, ENAMETOOLONG, "systemd's %s", property) : 0;
}

int systemd_connect(bool is_user, sd_bus **ret, UnitReply *ret_who, Err *e)
{
	AUTO(sd_bus_flush_close_unref) sd_bus *bus = NULL;
	char version[128];
	TRY(bus_open(is_user, &bus, e));
	TRY(text_get(bus, "ControlGroup", ret_who->group, sizeof ret_who->group, e));
	TRY(text_get(bus, "Version", version, sizeof version, e));
	char *digits = version[0] == 'v' ? version + 1 : version; /* "252.38-1~deb12u1", "v245" */
	digits[strspn(digits, "0123456789")] = '\0';
	if (num_parse_u32(digits, UINT32_MAX, &ret_who->version) < 0)
		ret_who->version = 0;
	*ret = TAKE_PTR(bus);
	return 0;
}

/* ---- jobs ---- */

typedef struct Job {
	char path[256]; /* "" until systemd has told */
	char result[32];
	bool done;
} Job;

static int job_removed(sd_bus_message *m, void *arg, sd_bus_error *why)
{
	Job *job = arg;
	uint32_t id;
	const char *path, *unit, *result;
	(void)why;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && !job->done &&
	    strcmp(path, job->path) == 0) {
		job->done = true;
		(void)str_format(job->result, sizeof job->result, "%s", result); /* its words are short */
	}
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the job has ended. Who asked for it may go before. */
static int job_wait(sd_bus *bus, const Job *job, const char *unit, int talk_fd, Err *e)
{
	int64_t end = now_ms() + INT64_C(1000) * JOB_SECONDS;
	while (!job->done) {
		int r = sd_bus_process(bus, NULL);
		if (r > 0)
			continue;
		int64_t left = end - now_ms();
		if (r == 0 && left <= 0)
			return err_make(e, ERR_SYS, ETIMEDOUT,
					"wait for systemd to do its job for the unit %s", unit);
		struct pollfd fds[] = {
			{ .fd = sd_bus_get_fd(bus), .events = (short)sd_bus_get_events(bus) },
			{ .fd = talk_fd, .events = POLLRDHUP },
		};
		if (r == 0 && poll(fds, ARRAY_LEN(fds), (int)left) < 0)
			r = errno == EINTR ? 0 : -errno;
		if (r < 0)
			return err_make(e, ERR_SYS, -r, "listen to systemd");
		if (fds[1].revents)
			_exit(0);
	}
	return 0;
}

/* Signals come only to those who have asked for them. The requests are answered in order, so nothing is waited for here. */
static int job_listen(sd_bus *bus, Job *job, sd_bus_slot **ret, Err *e)
{
	int r = sd_bus_match_signal_async(bus, ret, SERVICE, OBJECT, MANAGER, "JobRemoved",
					  job_removed, NULL, job);
	if (r >= 0)
		r = sd_bus_call_method_async(bus, NULL, SERVICE, OBJECT, MANAGER, "Subscribe", NULL,
					     NULL, NULL);
	return r < 0 ? err_make(e, ERR_SYS, -r, "subscribe to what systemd tells") : 0;
}

static int job_of(sd_bus_message *reply, Job *job, Err *e)
{
	const char *path;
	int r = sd_bus_message_read(reply, "o", &path);
	if (r >= 0)
		r = str_format(job->path, sizeof job->path, "%s", path);
	return r < 0 ? err_make(e, ERR_SYS, -r, "read the name of systemd's job") : 0;
}

static int reset_failed(sd_bus *bus, const char *unit)
{
	return sd_bus_call_method(bus, SERVICE, OBJECT, MANAGER, "ResetFailedUnit", NULL, NULL, "s",
				  unit);
}

/* ---- the verbs ---- */

static int properties_append(sd_bus_message *m, const Property *properties, size_t count, Arena *a,
			     Err *e)
{
	for (size_t i = 0; i < count; i++)
		TRY(systemd_append(m, &properties[i], a, e));
	return 0;
}

/* (ssa(sv)a(sa(sv))): unit, mode, properties, other units. */
static int start_message(sd_bus *bus, const char *unit, const Property *properties, size_t count,
			 unsigned version, Arena *a, sd_bus_message **ret, Err *e)
{
	/* 0 is the sender, whatever number it has where systemd is */
	const Property self = { "PIDs", "@au [0]" },
		       collect = { "CollectMode", "'inactive-or-failed'" };
	AUTO(sd_bus_message_unref) sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, SERVICE, OBJECT, MANAGER, "StartTransientUnit");
	if (r >= 0)
		r = sd_bus_message_append(m, "ss", unit, "fail");
	if (r >= 0)
		r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "(sv)");
	if (r < 0)
		return err_make(e, ERR_SYS, -r, "make a message for systemd");
	if (str_ends(unit, ".scope"))
		TRY(systemd_append(m, &self, a, e));
	if (version >= SINCE_COLLECT)
		TRY(systemd_append(m, &collect, a, e));
	TRY(properties_append(m, properties, count, a, e));
	r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0);
	if (r < 0)
		return err_make(e, ERR_SYS, -r, "make a message for systemd");
	*ret = TAKE_PTR(m);
	return 0;
}

int systemd_start(sd_bus *bus, const char *unit, const Property *properties, size_t count,
		  unsigned version, int talk_fd, Arena *a, Err *e)
{
	AUTO(sd_bus_message_unref) sd_bus_message *m = NULL;
	AUTO(sd_bus_message_unref) sd_bus_message *reply = NULL;
	AUTO(sd_bus_slot_unref) sd_bus_slot *slot = NULL;
	AUTO(bus_error) sd_bus_error why = SD_BUS_ERROR_NULL;
	Job job = { 0 };
	TRY(start_message(bus, unit, properties, count, version, a, &m, e));
	TRY(job_listen(bus, &job, &slot, e));
	int r = sd_bus_call(bus, m, 0, &why, &reply);
	if (r < 0)
		return refused(e, r, &why, "have systemd start the unit ", unit);
	TRY(job_of(reply, &job, e));
	r = job_wait(bus, &job, unit, talk_fd, e);
	if (r == 0 && strcmp(job.result, "done") != 0)
		r = err_make(e, ERR_SYS, 0,
			     "have systemd start the unit %s: got '%s' (its log says more: journalctl -u %s)",
			     unit, job.result, unit);
	if (r < 0)
		(void)reset_failed(bus, unit); /* one that has not failed is as good */
	return r;
}

int systemd_set(sd_bus *bus, const char *unit, const Property *properties, size_t count, Arena *a,
		Err *e)
{
	AUTO(sd_bus_message_unref) sd_bus_message *m = NULL;
	AUTO(bus_error) sd_bus_error why = SD_BUS_ERROR_NULL;
	int r = sd_bus_message_new_method_call(bus, &m, SERVICE, OBJECT, MANAGER, "SetUnitProperties");
	if (r >= 0)
		r = sd_bus_message_append(m, "sb", unit, true);
	if (r >= 0)
		r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "(sv)");
	if (r < 0)
		return err_make(e, ERR_SYS, -r, "make a message for systemd");
	TRY(properties_append(m, properties, count, a, e));
	r = sd_bus_message_close_container(m);
	if (r < 0)
		return err_make(e, ERR_SYS, -r, "make a message for systemd");
	r = sd_bus_call(bus, m, 0, &why, NULL);
	return r < 0 ? refused(e, r, &why, "set the limits of the unit ", unit) : 0;
}

int systemd_stop(sd_bus *bus, const char *unit, int talk_fd, Err *e)
{
	AUTO(sd_bus_message_unref) sd_bus_message *reply = NULL;
	AUTO(sd_bus_slot_unref) sd_bus_slot *slot = NULL;
	AUTO(bus_error) sd_bus_error why = SD_BUS_ERROR_NULL;
	Job job = { 0 };
	TRY(job_listen(bus, &job, &slot, e));
	int r = sd_bus_call_method(bus, SERVICE, OBJECT, MANAGER, "StopUnit", &why, &reply, "ss",
				   unit, "replace");
	if (r < 0 && sd_bus_error_has_name(&why, NO_UNIT))
		return 0;
	if (r < 0)
		return refused(e, r, &why, "have systemd stop the unit ", unit);
	TRY(job_of(reply, &job, e));
	TRY(job_wait(bus, &job, unit, talk_fd, e));
	(void)reset_failed(bus, unit); /* it is gone, or has not failed */
	return 0;
}
