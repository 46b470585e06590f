#include "runtime/record.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/str.h"
#include "disk/json_file.h"

#define FILE_RECORD  "record.json"
#define FILE_PROCESS "process.json"
#define LINK_PROCESS \
	"process" /* the same as the text of a link, "PID START_TIME", which cannot be cut */
#define VERSION      1
#define STOP_TIMEOUT 10 /* docker's default */

static void write_pairs(JsonWriter *w, const char *key, const SpecPair *pairs, size_t count)
{
	json_write_object(w, key);
	for (size_t i = 0; i < count; i++)
		json_write_string(w, pairs[i].key, pairs[i].value);
	json_write_end(w);
}

static void write_ranges(JsonWriter *w, const char *key, const IdRanges *r)
{
	json_write_array(w, key);
	for (size_t i = 0; i < r->count; i++) {
		json_write_array(w, NULL);
		json_write_u64(w, NULL, r->items[i].start);
		json_write_u64(w, NULL, r->items[i].size);
		json_write_end(w);
	}
	json_write_end(w);
}

/* What few have. */
static void write_host(JsonWriter *w, const Record *r)
{
	if (r->rdt) {
		json_write_string(w, "rdt", r->rdt);
		json_write_string(w, "rdt_mon", r->rdt_mon);
		json_write_u64(w, "rdt_is_ours", r->rdt_is_ours);
	}
	if (r->host_root) {
		json_write_string(w, "host_root", r->host_root);
		json_write_u64(w, "host_root_below", r->host_root_below);
	}
}

int record_write(int dir_fd, const Record *r, Arena *a, Err *e)
{
	JsonWriter w = json_writer(a, false);
	size_t len;
	json_write_object(&w, NULL);
	json_write_u64(&w, "version", VERSION);
	json_write_string(&w, "id", r->id);
	json_write_string(&w, "name", r->name);
	json_write_u64(&w, "created", r->created);
	json_write_string(&w, "boot_id", r->boot_id);
	json_file_write_strings(&w, "groups", &r->groups);
	json_file_write_strings(&w, "parents", &r->parents);
	if (r->unit) {
		json_write_string(&w, "unit", r->unit);
		json_write_u64(&w, "user_unit", r->is_user_unit);
	}
	json_write_string(&w, "overlay_dir", r->overlay_dir);
	write_pairs(&w, "labels", r->labels, r->labels_count);
	write_pairs(&w, "annotations", r->annotations, r->annotations_count);
	json_write_string(&w, "stop_signal", r->stop_signal);
	json_write_i64(&w, "stop_timeout", r->stop_timeout);
	write_ranges(&w, "uids", &r->uids);
	write_ranges(&w, "gids", &r->gids);
	write_host(&w, r);
	json_write_end(&w);
	(void)json_write_done(&w, &len);
	if (len > LIMIT_RECORD_BYTES)
		return err_make(e, ERR_USAGE, 0,
				"the container's record, with labels and annotations, has %zu bytes; at most %u are allowed",
				len, LIMIT_RECORD_BYTES);
	return json_file_replace(dir_fd, FILE_RECORD, FILE_RECORD ".new", &w, e);
}

int record_write_process(int dir_fd, const RecordProcess *p, Arena *a, Err *e)
{
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_u64(&w, "version", VERSION);
	json_write_i64(&w, "pid", p->pid);
	json_write_u64(&w, "start_time", p->start_time);
	json_write_end(&w);
	return json_file_replace(dir_fd, FILE_PROCESS, FILE_PROCESS ".new", &w, e);
}

/* Not there in records of older versions of us. */
static int read_pairs(const JsonValue *v, const char *key, Arena *a, SpecPair **ret,
		      size_t *ret_count, Err *e)
{
	const JsonValue *m = json_member(v, key);
	if (!m)
		return 0;
	int r = json_expect_object(m, e);
	if (r < 0)
		return err_wrap(e, r, FILE_RECORD ": %s", key);
	for (m = m->as.list.first; m; m = m->next) {
		SpecPair pair = { .key = m->key };
		r = json_get_string(m, &pair.value, e);
		if (r < 0)
			return err_wrap(e, r, FILE_RECORD ": %s", key);
		*arena_push(a, ret, ret_count, SpecPair) = pair;
	}
	return 0;
}

static int read_stop(const JsonValue *v, Record *r, Err *e)
{
	const JsonValue *timeout = json_member(v, "stop_timeout");
	if (json_member(v, "stop_signal"))
		TRY(json_file_string(v, FILE_RECORD, "stop_signal", &r->stop_signal, e));
	int n = timeout ? json_get_i64(timeout, -1, INT64_MAX, &r->stop_timeout, e) : 0;
	return n < 0 ? err_wrap(e, n, FILE_RECORD ": stop_timeout") : 0;
}

/* [[FIRST,COUNT]..]; a record of an older version has none. */
static int read_ranges(const JsonValue *v, const char *key, Arena *a, IdRanges *ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	if (!m)
		return 0;
	int r = json_expect_array(m, e);
	for (m = r < 0 ? NULL : m->as.list.first; m && r == 0; m = m->next) {
		uint64_t start, size;
		r = json_expect_array(m, e);
		const JsonValue *first = r == 0 ? m->as.list.first : NULL;
		if (r == 0 && m->count != 2)
			r = err_make(e, ERR_STATE, 0, "a range is not a pair of numbers");
		if (r == 0)
			r = json_get_u64(first, UINT32_MAX - 1, &start, e);
		if (r == 0)
			r = json_get_u64(first->next, UINT32_MAX - start, &size, e);
		if (r == 0)
			id_ranges_add(a, ret, (uint32_t)start, (uint32_t)size);
	}
	return r < 0 ? err_wrap(e, r, FILE_RECORD ": %s", key) : 0;
}

static int read_unit(const JsonValue *v, Record *r, Err *e)
{
	uint64_t is_user;
	if (!json_member(v, "unit"))
		return 0;
	TRY(json_file_string(v, FILE_RECORD, "unit", &r->unit, e));
	TRY(json_file_u64(v, FILE_RECORD, "user_unit", 1, &is_user, e));
	r->is_user_unit = is_user;
	return 0;
}

static int check_paths(const StrList *l, Err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i][0] != '/')
			return err_make(e, ERR_STATE, 0,
					FILE_RECORD ": '%s' is not an absolute path", l->items[i]);
	return 0;
}

static int check_path(const char *path, Err *e)
{
	return !path || path[0] == '/'
		       ? 0
		       : err_make(e, ERR_STATE, 0, FILE_RECORD ": '%s' is not an absolute path", path);
}

static int read_host(const JsonValue *v, Record *r, Err *e)
{
	uint64_t ours = 0;
	if (json_member(v, "rdt")) {
		TRY(json_file_string(v, FILE_RECORD, "rdt", &r->rdt, e));
		TRY(json_file_string(v, FILE_RECORD, "rdt_mon", &r->rdt_mon, e));
		TRY(json_file_u64(v, FILE_RECORD, "rdt_is_ours", 1, &ours, e));
		r->rdt_is_ours = ours;
	}
	if (json_member(v, "host_root")) {
		TRY(json_file_string(v, FILE_RECORD, "host_root", &r->host_root, e));
		TRY(json_file_u64(v, FILE_RECORD, "host_root_below", UINT32_MAX, &r->host_root_below, e));
	}
	TRY(check_path(r->rdt, e));
	TRY(check_path(r->rdt_mon, e));
	return check_path(r->host_root, e);
}

int record_read(int dir_fd, Arena *a, Record *ret, Err *e)
{
	const JsonValue *v;
	Record r = { .stop_timeout = STOP_TIMEOUT };
	TRY(json_file_read(dir_fd, FILE_RECORD, VERSION, a, &v, e));
	TRY(json_file_string(v, FILE_RECORD, "id", &r.id, e));
	TRY(json_file_string(v, FILE_RECORD, "name", &r.name, e));
	TRY(json_file_string(v, FILE_RECORD, "boot_id", &r.boot_id, e));
	TRY(json_file_string(v, FILE_RECORD, "overlay_dir", &r.overlay_dir, e));
	TRY(json_file_strings(v, FILE_RECORD, "groups", a, &r.groups, e));
	TRY(json_file_strings(v, FILE_RECORD, "parents", a, &r.parents, e));
	TRY(read_pairs(v, "labels", a, &r.labels, &r.labels_count, e));
	TRY(read_pairs(v, "annotations", a, &r.annotations, &r.annotations_count, e));
	TRY(read_unit(v, &r, e));
	TRY(read_stop(v, &r, e));
	TRY(read_ranges(v, "uids", a, &r.uids, e));
	TRY(read_ranges(v, "gids", a, &r.gids, e));
	TRY(json_file_u64(v, FILE_RECORD, "created", UINT64_MAX, &r.created, e));
	TRY(check_paths(&r.groups, e));
	TRY(check_paths(&r.parents, e));
	TRY(read_host(v, &r, e));
	TRY(check_path(r.overlay_dir, e));
	if (!r.id || !r.boot_id)
		return err_make(e, ERR_STATE, 0, FILE_RECORD " names no container");
	*ret = r;
	return 0;
}

int record_link_process(int dir_fd, const RecordProcess *p, Err *e)
{
	char text[48];
	(void)str_format(text, sizeof text, "%d %llu", (int)p->pid,
			 (unsigned long long)p->start_time); /* it fits */
	return symlinkat(text, dir_fd, LINK_PROCESS) < 0 ? err_sys(e, "make %s", LINK_PROCESS) : 0;
}

static bool process_of_link(int dir_fd, RecordProcess *ret)
{
	char text[48];
	uint32_t pid;
	ssize_t n = readlinkat(dir_fd, LINK_PROCESS, text, sizeof text - 1);
	text[n < 0 ? 0 : n] = '\0';
	char *start = strchr(text, ' ');
	if (!start)
		return false;
	*start++ = '\0';
	if (num_parse_u32(text, INT32_MAX, &pid) < 0 || pid == 0 ||
	    num_parse_u64(start, UINT64_MAX, &ret->start_time) < 0)
		return false;
	ret->pid = (pid_t)pid;
	return true;
}

bool record_has_process(int dir_fd)
{
	return faccessat(dir_fd, FILE_PROCESS, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int process_of_file(int dir_fd, Arena *a, RecordProcess *ret, Err *e)
{
	const JsonValue *v;
	int64_t pid;
	RecordProcess p;
	TRY(json_file_read(dir_fd, FILE_PROCESS, VERSION, a, &v, e));
	int r = json_get_i64(json_member(v, "pid"), 1, INT32_MAX, &pid, e);
	if (r == 0)
		r = json_get_u64(json_member(v, "start_time"), UINT64_MAX, &p.start_time, e);
	if (r < 0)
		return err_wrap(e, r, FILE_PROCESS);
	p.pid = (pid_t)pid;
	*ret = p;
	return 0;
}

int record_read_process(int dir_fd, Arena *a, RecordProcess *ret, Err *e)
{
	Err why = { 0 };
	int r = process_of_file(dir_fd, a, ret, &why);
	if (r == 0 || process_of_link(dir_fd, ret))
		return 0;
	if (e)
		*e = why;
	return r;
}
