#include "criu/message.h"

#include <string.h>

#define LOG_LEVEL 4 /* all but what is for its developers */

enum { /* criu_req */
       REQ_TYPE = 1,
       REQ_OPTS = 2,
       REQ_NOTIFY_SUCCESS = 3,
       REQ_FEATURES = 5,
};

enum { /* criu_opts */
       OPT_IMAGES_DIR_FD = 1,
       OPT_PID = 2,
       OPT_LEAVE_RUNNING = 3,
       OPT_EXT_UNIX_SK = 4,
       OPT_TCP_ESTABLISHED = 5,
       OPT_EVASIVE_DEVICES = 6,
       OPT_SHELL_JOB = 7,
       OPT_FILE_LOCKS = 8,
       OPT_LOG_LEVEL = 9,
       OPT_LOG_FILE = 10,
       OPT_PS = 11,
       OPT_NOTIFY_SCRIPTS = 12,
       OPT_ROOT = 13,
       OPT_PARENT_IMG = 14,
       OPT_TRACK_MEM = 15,
       OPT_AUTO_DEDUP = 16,
       OPT_WORK_DIR_FD = 17,
       OPT_EXT_MNT = 23,
       OPT_MANAGE_CGROUPS = 24,
       OPT_CG_ROOT = 25,
       OPT_RST_SIBLING = 26,
       OPT_INHERIT_FD = 27,
       OPT_MANAGE_CGROUPS_MODE = 34,
       OPT_EXTERNAL = 37,
       OPT_EMPTY_NS = 38,
       OPT_JOIN_NS = 39,
       OPT_FREEZE_CGROUP = 44,
       OPT_TCP_SKIP_IN_FLIGHT = 46,
       OPT_LAZY_PAGES = 48,
       OPT_ORPHAN_PTS_MASTER = 50,
       OPT_CONFIG_FILE = 51,
       OPT_LSM_PROFILE = 53,
       OPT_LSM_MOUNT_CONTEXT = 63,
};

enum { /* criu_resp */
       RESP_TYPE = 1,
       RESP_SUCCESS = 2,
       RESP_RESTORE = 4,
       RESP_NOTIFY = 5,
       RESP_ERRNO = 7,
       RESP_FEATURES = 8,
       RESP_ERRMSG = 9,
       RESP_VERSION = 10,
};

const char *criu_kind_name(CriuKind k)
{
	switch (k) {
	case CRIU_DUMP: return "DUMP";
	case CRIU_RESTORE: return "RESTORE";
	case CRIU_NOTIFY: return "NOTIFY";
	case CRIU_FEATURES: return "FEATURE_CHECK";
	case CRIU_VERSION: return "VERSION";
	case CRIU_PRE_DUMP: return "PRE_DUMP";
	}
	return "?";
}

static PbReader bytes_of(const PbWriter *w)
{
	return (PbReader){ .data = w->data, .len = w->len };
}

static void put_pair(PbWriter *w, unsigned field, const CriuPair *pair)
{
	PbWriter inner = { .arena = w->arena };
	pb_string(&inner, 1, pair->key);
	pb_string(&inner, 2, pair->value);
	pb_message(w, field, &inner);
}

static void put_pairs(PbWriter *w, unsigned field, const CriuPairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		put_pair(w, field, &pairs->items[i]);
}

static void put_page_server(PbWriter *w, const CriuOptions *o)
{
	PbWriter inner = { .arena = w->arena };
	if (!o->page_address)
		return;
	pb_string(&inner, 1, o->page_address);
	pb_number(&inner, 2, o->page_port);
	pb_message(w, OPT_PS, &inner);
}

static void put_lists(PbWriter *w, const CriuOptions *o)
{
	put_pairs(w, OPT_EXT_MNT, &o->mounts);
	put_pairs(w, OPT_JOIN_NS, &o->joins);
	put_pairs(w, OPT_CG_ROOT, &o->cgroup_roots);
	for (size_t i = 0; i < o->external.count; i++)
		pb_string(w, OPT_EXTERNAL, o->external.items[i]);
	for (size_t i = 0; i < o->inherited.count; i++) {
		PbWriter inner = { .arena = w->arena };
		pb_string(&inner, 1, o->inherited.items[i].key);
		pb_number(&inner, 2, (uint64_t)o->inherited.items[i].fd);
		pb_message(w, OPT_INHERIT_FD, &inner);
	}
}

static void put_flags(PbWriter *w, const CriuOptions *o)
{
	pb_flag(w, OPT_LEAVE_RUNNING, o->leave_running);
	pb_flag(w, OPT_EXT_UNIX_SK, o->ext_unix_sk);
	pb_flag(w, OPT_TCP_ESTABLISHED, o->tcp_established);
	pb_flag(w, OPT_TCP_SKIP_IN_FLIGHT, o->tcp_skip_in_flight);
	pb_flag(w, OPT_SHELL_JOB, o->shell_job);
	pb_flag(w, OPT_FILE_LOCKS, o->file_locks);
	pb_flag(w, OPT_AUTO_DEDUP, o->auto_dedup);
	pb_flag(w, OPT_LAZY_PAGES, o->lazy_pages);
	pb_flag(w, OPT_TRACK_MEM, o->track_memory);
	pb_flag(w, OPT_MANAGE_CGROUPS, true);
	pb_flag(w, OPT_NOTIFY_SCRIPTS, true);
	pb_flag(w, OPT_ORPHAN_PTS_MASTER, true);
	if (o->restores) {
		pb_flag(w, OPT_RST_SIBLING, true);
		pb_flag(w, OPT_EVASIVE_DEVICES, true);
	}
}

static void put_options(PbWriter *w, const CriuOptions *o)
{
	pb_number(w, OPT_IMAGES_DIR_FD, (uint64_t)o->images_fd);
	if (o->work_fd >= 0)
		pb_number(w, OPT_WORK_DIR_FD, (uint64_t)o->work_fd);
	if (o->pid > 0)
		pb_number(w, OPT_PID, (uint64_t)o->pid);
	pb_number(w, OPT_LOG_LEVEL, LOG_LEVEL);
	pb_string(w, OPT_LOG_FILE, o->log_file);
	pb_string(w, OPT_ROOT, o->root);
	pb_string(w, OPT_PARENT_IMG, o->parent_images);
	pb_string(w, OPT_FREEZE_CGROUP, o->freeze_group);
	pb_string(w, OPT_CONFIG_FILE, o->config_file);
	pb_string(w, OPT_LSM_PROFILE, o->lsm_profile);
	pb_string(w, OPT_LSM_MOUNT_CONTEXT, o->lsm_mount_context);
	pb_number(w, OPT_MANAGE_CGROUPS_MODE, (uint64_t)o->cgroups);
	pb_number(w, OPT_EMPTY_NS, o->empty_ns);
	put_page_server(w, o);
	put_flags(w, o);
	put_lists(w, o);
}

PbReader criu_request(CriuKind kind, const CriuOptions *o, Arena *a)
{
	PbWriter w = { .arena = a }, inner = { .arena = a };
	pb_number(&w, REQ_TYPE, (uint64_t)kind);
	if (o) {
		put_options(&inner, o);
		pb_message(&w, REQ_OPTS, &inner);
	} else if (kind == CRIU_FEATURES) {
		pb_flag(&inner, 1, true);
		pb_flag(&inner, 2, true);
		pb_message(&w, REQ_FEATURES, &inner);
	}
	return bytes_of(&w);
}

PbReader criu_notified(bool success, Arena *a)
{
	PbWriter w = { .arena = a };
	pb_number(&w, REQ_TYPE, CRIU_NOTIFY);
	pb_flag(&w, REQ_NOTIFY_SUCCESS, success);
	return bytes_of(&w);
}

static const char *text_of(PbReader bytes, Arena *a)
{
	return arena_strndup(a, bytes.data ? (const char *)bytes.data : "", bytes.len);
}

/* The fields of a message in a message, each by its number; those that are not numbers are left alone. */
static int take_numbers(PbReader r, uint64_t *ret, unsigned count)
{
	PbField f;
	int n;
	while ((n = pb_next(&r, &f)) > 0)
		if (f.number < count && !f.bytes.data)
			ret[f.number] = f.value;
	return n;
}

static int take_notify(PbReader r, Arena *a, CriuResponse *ret)
{
	PbField f;
	int n;
	while ((n = pb_next(&r, &f)) > 0)
		if (f.number == 1)
			ret->script = text_of(f.bytes, a);
		else if (f.number == 2)
			ret->pid = (int)f.value;
	return n;
}

static int take_field(const PbField *f, Arena *a, CriuResponse *ret)
{
	uint64_t in[5] = { 0 };
	int n = 0;
	switch (f->number) {
	case RESP_TYPE: ret->kind = (CriuKind)f->value; break;
	case RESP_SUCCESS: ret->success = f->value; break;
	case RESP_ERRNO: ret->number = (int)f->value; break;
	case RESP_ERRMSG: ret->why = text_of(f->bytes, a); break;
	case RESP_NOTIFY: n = take_notify(f->bytes, a, ret); break;
	case RESP_RESTORE:
		n = take_numbers(f->bytes, in, ARRAY_LEN(in));
		ret->pid = (int)in[1];
		break;
	case RESP_FEATURES:
		n = take_numbers(f->bytes, in, ARRAY_LEN(in));
		ret->tracks_memory = in[1];
		ret->has_lazy_pages = in[2];
		break;
	case RESP_VERSION:
		n = take_numbers(f->bytes, in, ARRAY_LEN(in));
		ret->version = (unsigned)(in[1] * 10000 + in[2] * 100 + in[4]);
		break;
	default: break;
	}
	return n;
}

int criu_response(PbReader text, Arena *a, CriuResponse *ret, Err *e)
{
	CriuResponse response = { 0 };
	PbField f;
	int n;
	while ((n = pb_next(&text, &f)) > 0)
		if (take_field(&f, a, &response) < 0)
			break;
	if (n != 0 || !response.kind)
		return err_make(e, ERR_STATE, EBADMSG, "criu: its answer is no message of its RPC");
	*ret = response;
	return 0;
}
