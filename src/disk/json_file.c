#include "disk/json_file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"

int json_file_replace(int dir_fd, const char *name, const char *beside, JsonWriter *w, Err *e)
{
	size_t len;
	const char *text = json_write_done(w, &len);
	return json_file_replace_text(dir_fd, name, beside, text, len, e);
}

static int file_replace(int dir_fd, const char *name, const char *beside, const char *text,
			size_t len, bool sync, Err *e)
{
	AUTO(fd_close)
	int fd = openat(dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "make %s", name);
	TRY(fd_write_all(fd, text, len, name, e));
	if (sync && fsync(fd) < 0)
		return err_sys(e, "sync %s", name);
	if (renameat(dir_fd, beside, dir_fd, name) < 0)
		return err_sys(e, "put %s in place", name);
	if (sync && fsync(dir_fd) < 0)
		return err_sys(e, "sync the folder of %s", name);
	return 0;
}

int json_file_replace_text(int dir_fd, const char *name, const char *beside, const char *text,
			   size_t len, Err *e)
{
	return file_replace(dir_fd, name, beside, text, len, false, e);
}

int json_file_replace_synced(int dir_fd, const char *name, const char *beside, JsonWriter *w, Err *e)
{
	size_t len;
	const char *text = json_write_done(w, &len);
	return file_replace(dir_fd, name, beside, text, len, true, e);
}

int json_file_read(int dir_fd, const char *name, uint64_t version, Arena *a, const JsonValue **ret,
		   Err *e)
{
	struct stat st;
	uint64_t found;
	const JsonValue *v;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, "look at %s", name);
	if (st.st_size > (off_t)LIMIT_RECORD_BYTES)
		return err_make(e, ERR_STATE, EFBIG, "read %s", name);
	size_t size = (size_t)st.st_size + 1;
	char *text = arena_alloc(a, size);
	ssize_t n = fd_read_text_at(dir_fd, name, text, size);
	if (n == -ENOENT)
		return -ENOENT;
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n, "read %s", name);
	int r = json_parse(text, (size_t)n, a, &v, e);
	if (r < 0)
		return err_wrap(e, r, "%s", name);
	TRY(json_file_u64(v, name, "version", UINT64_MAX, &found, e));
	if (found != version)
		return err_make(e, ERR_STATE, 0, "%s has version %llu, this program knows %llu",
				name, (unsigned long long)found, (unsigned long long)version);
	*ret = v;
	return 0;
}

int json_file_string(const JsonValue *v, const char *file, const char *key, const char **ret, Err *e)
{
	const JsonValue *m = json_member(v, key);
	if (m && m->type == JSON_NULL)
		return 0;
	int r = json_get_string(m, ret, e);
	return r < 0 ? err_wrap(e, r, "%s: %s", file, key) : 0;
}

int json_file_u64(const JsonValue *v, const char *file, const char *key, uint64_t max,
		  uint64_t *ret, Err *e)
{
	int r = json_get_u64(json_member(v, key), max, ret, e);
	return r < 0 ? err_wrap(e, r, "%s: %s", file, key) : 0;
}

int json_file_strings(const JsonValue *v, const char *file, const char *key, Arena *a, StrList *ret,
		      Err *e)
{
	const JsonValue *m = json_member(v, key);
	int r = json_expect_array(m, e);
	if (r < 0)
		return err_wrap(e, r, "%s: %s", file, key);
	for (m = m->as.list.first; m; m = m->next) {
		const char *s;
		r = json_get_string(m, &s, e);
		if (r < 0)
			return err_wrap(e, r, "%s: %s", file, key);
		strlist_add(a, ret, s);
	}
	return 0;
}

void json_file_write_strings(JsonWriter *w, const char *key, const StrList *l)
{
	json_write_array(w, key);
	for (size_t i = 0; i < l->count; i++)
		json_write_string(w, NULL, l->items[i]);
	json_write_end(w);
}
