/* "intel_rdt" of `events`: what processor and kernel have to give, what the container may take of it, and what it has taken. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "oci/stats.h"

#define TEXT_SIZE 8192

DEFINE_AUTO(DIR *, closedir, NULL)

/* A file without the end of its last line; NULL: it cannot be read. */
static const char *text_of(const char *dir, const char *file, Arena *a)
{
	char text[TEXT_SIZE];
	ssize_t n = fd_read_text_at(AT_FDCWD, arena_printf(a, "%s/%s", dir, file), text, sizeof text);
	return n < 0 ? NULL : arena_strdup(a, text);
}

static void number_write(JsonWriter *w, const char *key, const char *dir, const char *file, Arena *a)
{
	uint64_t n;
	const char *text = text_of(dir, file, a);
	if (text && num_parse_u64(text, UINT64_MAX, &n) == 0)
		json_write_u64(w, key, n);
}

/* The line of a resource, "L3", as it stands there. */
static void schema_write(JsonWriter *w, const char *key, const char *dir, const char *resource, Arena *a)
{
	const char *text = text_of(dir, "schemata", a);
	StrList lines = text ? str_split(a, text, '\n') : (StrList){ 0 };
	for (size_t i = 0; i < lines.count; i++) {
		const char *line = lines.items[i] + strspn(lines.items[i], " ");
		const char *rest = str_after(line, resource);
		if (rest && *rest == ':') {
			json_write_string(w, key, line);
			return;
		}
	}
}

static void cache_write(JsonWriter *w, const char *top, const char *dir, Arena *a)
{
	const char *info = arena_printf(a, "%s/info/L3", top);
	if (access(info, F_OK) < 0)
		return;
	const char *mask = text_of(info, "cbm_mask", a);
	json_write_object(w, "l3_cache_info");
	if (mask)
		json_write_string(w, "cbm_mask", mask);
	number_write(w, "min_cbm_bits", info, "min_cbm_bits", a);
	number_write(w, "num_closids", info, "num_closids", a);
	json_write_end(w);
	schema_write(w, "l3_cache_schema_root", top, "L3", a);
	schema_write(w, "l3_cache_schema", dir, "L3", a);
}

static void bandwidth_write(JsonWriter *w, const char *top, const char *dir, Arena *a)
{
	const char *info = arena_printf(a, "%s/info/MB", top);
	if (access(info, F_OK) < 0)
		return;
	json_write_object(w, "mem_bw_info");
	number_write(w, "bandwidth_gran", info, "bandwidth_gran", a);
	number_write(w, "delay_linear", info, "delay_linear", a);
	number_write(w, "min_bandwidth", info, "min_bandwidth", a);
	number_write(w, "num_closids", info, "num_closids", a);
	json_write_end(w);
	schema_write(w, "mem_bw_schema_root", top, "MB", a);
	schema_write(w, "mem_bw_schema", dir, "MB", a);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One object for each cache, in the order of their directories: mon_data/mon_L3_00. */
static void counted_write(JsonWriter *w, const char *key, const char *group,
			  const char *const *files, size_t files_count, Arena *a)
{
	const char *data = arena_printf(a, "%s/mon_data", group);
	AUTO(closedir) DIR *d = opendir(data);
	StrList names = { 0 };
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (str_starts(entry->d_name, "mon_L3_"))
			strlist_add(a, &names, arena_strdup(a, entry->d_name));
	if (names.count == 0)
		return;
	qsort(names.items, names.count, sizeof *names.items, by_name);
	json_write_array(w, key);
	for (size_t i = 0; i < names.count; i++) {
		json_write_object(w, NULL);
		for (size_t k = 0; k < files_count; k++)
			number_write(w, files[k], arena_printf(a, "%s/%s", data, names.items[i]),
				     files[k], a);
		json_write_end(w);
	}
	json_write_end(w);
}

/* The root of the file system is the one that has "info". */
static const char *top_of(const char *dir, Arena *a)
{
	if (access(arena_printf(a, "%s/info", dir), F_OK) == 0)
		return dir;
	return arena_strndup(a, dir, (size_t)(strrchr(dir, '/') - dir));
}

void oci_stats_rdt_write(const OciContainer *c, JsonWriter *w, Arena *a)
{
	static const char *const bandwidth[] = { "mbm_total_bytes", "mbm_local_bytes" };
	static const char *const occupancy[] = { "llc_occupancy" };
	const char *dir = c->record.rdt, *mon = c->record.rdt_mon ? c->record.rdt_mon : dir;
	json_write_object(w, "intel_rdt");
	if (dir) {
		const char *top = top_of(dir, a);
		cache_write(w, top, dir, a);
		bandwidth_write(w, top, dir, a);
		counted_write(w, "mbm_stats", mon, bandwidth, ARRAY_LEN(bandwidth), a);
		counted_write(w, "cmt_stats", mon, occupancy, ARRAY_LEN(occupancy), a);
	}
	json_write_end(w);
}
