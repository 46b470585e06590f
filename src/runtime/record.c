#include "runtime/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "fmt/json.h"
#include "fmt/json_write.h"

#define VERSION      1
#define RECORD_BYTES 65536 /* more than every hierarchy's path needs */

/* Whole or not at all: written under another name first. */
static int file_replace(int dir_fd, const char *name, const char *text, size_t len, Arena *a, Err *e)
{
	char *beside = arena_printf(a, "%s.new", name);
	AUTO(fd_close)
	int fd = openat(dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "make %s", name);
	TRY(fd_write_all(fd, text, len, name, e));
	if (renameat(dir_fd, beside, dir_fd, name) < 0)
		return err_sys(e, "put %s in place", name);
	return 0;
}

static void write_list(JsonWriter *w, const char *key, const StrList *l)
{
	json_write_array(w, key);
	for (size_t i = 0; i < l->count; i++)
		json_write_string(w, NULL, l->items[i]);
	json_write_end(w);
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
	write_list(&w, "groups", &r->groups);
	write_list(&w, "parents", &r->parents);
	json_write_string(&w, "overlay_dir", r->overlay_dir);
	json_write_end(&w);
	const char *text = json_write_done(&w, &len);
	return file_replace(dir_fd, "record.json", text, len, a, e);
}

int record_write_process(int dir_fd, const RecordProcess *p, Arena *a, Err *e)
{
	JsonWriter w = json_writer(a, false);
	size_t len;
	json_write_object(&w, NULL);
	json_write_u64(&w, "version", VERSION);
	json_write_i64(&w, "pid", p->pid);
	json_write_u64(&w, "start_time", p->start_time);
	json_write_end(&w);
	const char *text = json_write_done(&w, &len);
	return file_replace(dir_fd, "process.json", text, len, a, e);
}

static int file_parse(int dir_fd, const char *name, Arena *a, const JsonValue **ret, Err *e)
{
	char *text = arena_alloc(a, RECORD_BYTES);
	uint64_t version;
	ssize_t n = fd_read_text_at(dir_fd, name, text, RECORD_BYTES);
	if (n == -ENOENT)
		return -ENOENT;
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", name);
	const JsonValue *v;
	int r = json_parse(text, (size_t)n, a, &v, e);
	if (r < 0)
		return err_wrap(e, r, "%s", name);
	r = json_get_u64(json_member(v, "version"), UINT64_MAX, &version, e);
	if (r < 0)
		return err_wrap(e, r, "%s: version", name);
	if (version != VERSION)
		return err_make(e, ERR_STATE, 0, "%s has version %llu, this program knows %d", name,
				(unsigned long long)version, VERSION);
	*ret = v;
	return 0;
}

/* A string member, or NULL where it is null. */
static int read_string(const JsonValue *v, const char *key, const char **ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	if (m && m->type == JSON_NULL)
		return 0;
	int r = json_get_string(m, ret, e);
	return r < 0 ? err_wrap(e, r, "record.json: %s", key) : 0;
}

static int read_list(const JsonValue *v, const char *key, Arena *a, StrList *ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	int r = json_expect_array(m, e);
	if (r < 0)
		return err_wrap(e, r, "record.json: %s", key);
	for (m = m->as.list.first; m; m = m->next) {
		const char *s;
		r = json_get_string(m, &s, e);
		if (r < 0)
			return err_wrap(e, r, "record.json: %s", key);
		strlist_add(a, ret, s);
	}
	return 0;
}

static int check_paths(const StrList *l, Err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i][0] != '/')
			return err_make(e, ERR_STATE, 0,
					"record.json: '%s' is not an absolute path", l->items[i]);
	return 0;
}

int record_read(int dir_fd, Arena *a, Record *ret, Err *e)
{
	const JsonValue *v;
	Record r = { 0 };
	TRY(file_parse(dir_fd, "record.json", a, &v, e));
	TRY(read_string(v, "id", &r.id, e));
	TRY(read_string(v, "name", &r.name, e));
	TRY(read_string(v, "boot_id", &r.boot_id, e));
	TRY(read_string(v, "overlay_dir", &r.overlay_dir, e));
	TRY(read_list(v, "groups", a, &r.groups, e));
	TRY(read_list(v, "parents", a, &r.parents, e));
	int got = json_get_u64(json_member(v, "created"), UINT64_MAX, &r.created, e);
	if (got < 0)
		return err_wrap(e, got, "record.json: created");
	TRY(check_paths(&r.groups, e));
	TRY(check_paths(&r.parents, e));
	if (r.overlay_dir && r.overlay_dir[0] != '/')
		return err_make(e, ERR_STATE, 0, "record.json: '%s' is not an absolute path",
				r.overlay_dir);
	if (!r.id || !r.boot_id)
		return err_make(e, ERR_STATE, 0, "record.json names no container");
	*ret = r;
	return 0;
}

int record_read_process(int dir_fd, Arena *a, RecordProcess *ret, Err *e)
{
	const JsonValue *v;
	int64_t pid;
	RecordProcess p;
	TRY(file_parse(dir_fd, "process.json", a, &v, e));
	int r = json_get_i64(json_member(v, "pid"), 1, INT32_MAX, &pid, e);
	if (r == 0)
		r = json_get_u64(json_member(v, "start_time"), UINT64_MAX, &p.start_time, e);
	if (r < 0)
		return err_wrap(e, r, "process.json");
	p.pid = (pid_t)pid;
	*ret = p;
	return 0;
}
