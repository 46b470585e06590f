/* json_file.h - small JSON files of our own that are replaced as a whole.             (disk/, may include base fmt kern)
 *
 * On disk:   written beside and renamed, so that a reader finds the old text or the new one. Not synced unless it says so: most are for this boot only.
 * Input:     still read strictly, so that a damaged file is reported and not believed. Each is an object with a "version", of
 *            LIMIT_RECORD_BYTES at most.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "fmt/json.h"
#include "fmt/json_write.h"

/* Puts what the writer holds in place of the file, mode 0600. Until it is complete it is called `beside`. */
int json_file_replace(int dir_fd, const char *name, const char *beside, JsonWriter *w, Err *e);

/* The same with a text of whatever kind. */
int json_file_replace_text(int dir_fd, const char *name, const char *beside, const char *text,
			   size_t len, Err *e);

/* The same for a file that outlives the boot: after a power failure, too, it is the old one or the new one. The directory is open to read. */
int json_file_replace_synced(int dir_fd, const char *name, const char *beside, JsonWriter *w, Err *e);

/* The file as a value. -ENOENT: there is none, without a message. ERR_STATE when its version is another. */
int json_file_read(int dir_fd, const char *name, uint64_t version, Arena *a, const JsonValue **ret,
		   Err *e);

/* Members; `file` is for messages. A string that is missing or null leaves *ret as it is. */
int json_file_string(const JsonValue *v, const char *file, const char *key, const char **ret, Err *e);
int json_file_u64(const JsonValue *v, const char *file, const char *key, uint64_t max,
		  uint64_t *ret, Err *e);
int json_file_strings(const JsonValue *v, const char *file, const char *key, Arena *a, StrList *ret,
		      Err *e);
void json_file_write_strings(JsonWriter *w, const char *key, const StrList *l);
