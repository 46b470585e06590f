#include "oci/stats.h"

#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "kern/cgroup_stats.h"

#define TICK_NS (1000000000 / 100) /* of cpuacct.stat: USER_HZ is 100 on every machine */

const char *oci_stats_group(const OciContainer *c, const char *file)
{
	char path[4096];
	for (size_t i = 0; i < c->record.groups.count; i++)
		if (str_format(path, sizeof path, "%s/%s", c->record.groups.items[i], file) >= 0 &&
		    access(path, F_OK) == 0)
			return c->record.groups.items[i];
	return NULL;
}

/* Zero for what is not counted. */
static uint64_t number(const OciContainer *c, const char *file)
{
	uint64_t n = 0;
	const char *dir = oci_stats_group(c, file);
	return dir && cgroup_stat_number(dir, file, &n) == 0 ? n : 0;
}

static uint64_t key_of(const char *dir, const char *file, const char *key, uint64_t unit)
{
	uint64_t n = 0;
	return dir && cgroup_stat_key(dir, file, key, &n) == 0 ? n * unit : 0;
}

/* ---- pressure ---- */

/* "91.68" -> 9168, as the kernel prints it. */
static uint64_t hundredths(const char *text, Arena *a)
{
	StrList parts = str_split(a, text, '.');
	uint64_t whole, rest;
	if (parts.count != 2 || strlen(parts.items[1]) != 2 ||
	    num_parse_u64(parts.items[0], UINT32_MAX, &whole) < 0 ||
	    num_parse_u64(parts.items[1], 99, &rest) < 0)
		return 0;
	return whole * 100 + rest;
}

/* "some avg10=91.68 avg60=91.07 avg300=93.40 total=11179503160" */
static void pressure_line_write(JsonWriter *w, const StrList *words, Arena *a)
{
	static const char *const keys[] = { "avg10", "avg60", "avg300", "total" };
	json_write_object(w, words->items[0]);
	for (size_t i = 1; i < words->count; i++)
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			uint64_t n;
			const char *value = str_after(words->items[i], arena_printf(a, "%s=", keys[k]));
			if (value && str_starts(keys[k], "avg"))
				json_write_hundredths(w, keys[k], hundredths(value, a));
			else if (value && num_parse_u64(value, UINT64_MAX, &n) == 0)
				json_write_u64(w, keys[k], n);
		}
	json_write_end(w);
}

/* How long the group waited for something, cgroup-v2.rst; a kernel that does not measure it has no file, or none that can be read. */
static void pressure_write(const OciContainer *c, JsonWriter *w, const char *file, Arena *a)
{
	StrList lines = { 0 };
	const char *dir = oci_stats_group(c, file);
	if (!dir || cgroup_stat_lines(dir, file, a, &lines) < 0 || lines.count == 0)
		return;
	json_write_object(w, "psi");
	for (size_t i = 0; i < lines.count; i++) {
		StrList words = str_split(a, lines.items[i], ' ');
		if (words.count > 1)
			pressure_line_write(w, &words, a);
	}
	json_write_end(w);
}

/* ---- CPU ---- */

static void numbers_write(JsonWriter *w, const char *key, const OciContainer *c, const char *file,
			  Arena *a)
{
	StrList lines = { 0 };
	uint64_t n;
	const char *dir = oci_stats_group(c, file);
	if (!dir || cgroup_stat_lines(dir, file, a, &lines) < 0 || lines.count == 0)
		return;
	StrList words = str_split(a, lines.items[0], ' ');
	json_write_array(w, key);
	for (size_t i = 0; i < words.count; i++)
		if (num_parse_u64(words.items[i], UINT64_MAX, &n) == 0)
			json_write_u64(w, NULL, n);
	json_write_end(w);
}

static void usage_write(const OciContainer *c, JsonWriter *w, Arena *a)
{
	const char *v1 = oci_stats_group(c, "cpuacct.usage");
	const char *v2 = v1 ? NULL : oci_stats_group(c, "cpu.stat");
	json_write_object(w, "usage");
	json_write_u64(w, "total",
		       v1 ? number(c, "cpuacct.usage") : key_of(v2, "cpu.stat", "usage_usec", 1000));
	numbers_write(w, "percpu", c, "cpuacct.usage_percpu", a);
	numbers_write(w, "percpu_kernel", c, "cpuacct.usage_percpu_sys", a);
	numbers_write(w, "percpu_user", c, "cpuacct.usage_percpu_user", a);
	json_write_u64(w, "kernel",
		       v1 ? key_of(v1, "cpuacct.stat", "system", TICK_NS)
			  : key_of(v2, "cpu.stat", "system_usec", 1000));
	json_write_u64(w, "user",
		       v1 ? key_of(v1, "cpuacct.stat", "user", TICK_NS)
			  : key_of(v2, "cpu.stat", "user_usec", 1000));
	json_write_end(w);
}

static void cpu_write(const OciContainer *c, JsonWriter *w, Arena *a)
{
	const char *dir = oci_stats_group(c, "cpu.stat");
	uint64_t time = key_of(dir, "cpu.stat", "throttled_time", 1);
	json_write_object(w, "cpu");
	usage_write(c, w, a);
	json_write_object(w, "throttling");
	json_write_u64(w, "periods", key_of(dir, "cpu.stat", "nr_periods", 1));
	json_write_u64(w, "throttledPeriods", key_of(dir, "cpu.stat", "nr_throttled", 1));
	json_write_u64(w, "throttledTime",
		       time ? time : key_of(dir, "cpu.stat", "throttled_usec", 1000));
	json_write_end(w);
	pressure_write(c, w, "cpu.pressure", a);
	json_write_end(w);
}

/* ---- memory ---- */

typedef struct MemoryRow {
	const char *key;
	const char *limit, *usage, *max, *failcnt; /* files; NULL: none */
} MemoryRow;

static void memory_row_write(const OciContainer *c, JsonWriter *w, const MemoryRow *row)
{
	json_write_object(w, row->key);
	json_write_u64(w, "limit", number(c, row->limit));
	json_write_u64(w, "usage", number(c, row->usage));
	json_write_u64(w, "max", row->max ? number(c, row->max) : 0);
	json_write_u64(w, "failcnt", row->failcnt ? number(c, row->failcnt) : 0);
	json_write_end(w);
}

static void raw_write(const char *dir, JsonWriter *w, Arena *a)
{
	StrList lines = { 0 };
	uint64_t n;
	json_write_object(w, "raw");
	if (dir && cgroup_stat_lines(dir, "memory.stat", a, &lines) == 0)
		for (size_t i = 0; i < lines.count; i++) {
			const char *space = strchr(lines.items[i], ' ');
			if (space && num_parse_u64(space + 1, UINT64_MAX, &n) == 0)
				json_write_u64(w,
					       arena_strndup(a, lines.items[i],
							     (size_t)(space - lines.items[i])),
					       n);
		}
	json_write_end(w);
}

static void memory_write(const OciContainer *c, JsonWriter *w, Arena *a)
{
	static const MemoryRow v1[] = {
		{ "usage", "memory.limit_in_bytes", "memory.usage_in_bytes",
		  "memory.max_usage_in_bytes", "memory.failcnt" },
		{ "swap", "memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes",
		  "memory.memsw.max_usage_in_bytes", "memory.memsw.failcnt" },
		{ "kernel", "memory.kmem.limit_in_bytes", "memory.kmem.usage_in_bytes",
		  "memory.kmem.max_usage_in_bytes", "memory.kmem.failcnt" },
		{ "kernelTCP", "memory.kmem.tcp.limit_in_bytes", "memory.kmem.tcp.usage_in_bytes",
		  "memory.kmem.tcp.max_usage_in_bytes", "memory.kmem.tcp.failcnt" },
	};
	static const MemoryRow v2[] = {
		{ "usage", "memory.max", "memory.current", "memory.peak", NULL },
		{ "swap", "memory.swap.max", "memory.swap.current", NULL, NULL },
	};
	const char *dir = oci_stats_group(c, "memory.stat");
	bool is_v1 = oci_stats_group(c, "memory.usage_in_bytes");
	const MemoryRow *rows = is_v1 ? v1 : v2;
	json_write_object(w, "memory");
	json_write_u64(w, "cache", key_of(dir, "memory.stat", is_v1 ? "cache" : "file", 1));
	for (size_t i = 0; i < (is_v1 ? ARRAY_LEN(v1) : ARRAY_LEN(v2)); i++)
		memory_row_write(c, w, &rows[i]);
	raw_write(dir, w, a);
	pressure_write(c, w, "memory.pressure", a);
	json_write_end(w);
}

/* ---- the rest ---- */

static void pids_write(const OciContainer *c, JsonWriter *w)
{
	uint64_t limit = number(c, "pids.max");
	json_write_object(w, "pids");
	json_write_u64(w, "current", number(c, "pids.current"));
	json_write_u64(w, "limit", limit == UINT64_MAX ? 0 : limit); /* 0: none */
	json_write_end(w);
}

static void block_entry_write(JsonWriter *w, const char *device, const char *op, const char *value,
			      Arena *a)
{
	StrList numbers = str_split(a, device, ':');
	uint64_t major, minor, n;
	if (numbers.count != 2 || num_parse_u64(numbers.items[0], UINT32_MAX, &major) < 0 ||
	    num_parse_u64(numbers.items[1], UINT32_MAX, &minor) < 0 ||
	    num_parse_u64(value, UINT64_MAX, &n) < 0)
		return;
	json_write_object(w, NULL);
	json_write_u64(w, "major", major);
	json_write_u64(w, "minor", minor);
	json_write_string(w, "op", op);
	json_write_u64(w, "value", n);
	json_write_end(w);
}

/* v1: "8:0 Read 4096"; v2: "8:0 rbytes=4096 wbytes=0 rios=1 ..." */
static void block_list_write(const OciContainer *c, JsonWriter *w, const char *key, const char *v1,
			     const char *unit, Arena *a)
{
	static const char *const ops[][2] = { { "r", "Read" }, { "w", "Write" }, { "d", "Discard" } };
	StrList lines = { 0 };
	const char *dir = oci_stats_group(c, v1), *file = dir ? v1 : "io.stat";
	dir = dir ? dir : oci_stats_group(c, file);
	if (dir)
		(void)cgroup_stat_lines(dir, file, a, &lines); /* what cannot be read has counted nothing */
	json_write_array(w, key);
	for (size_t i = 0; i < lines.count; i++) {
		StrList words = str_split(a, lines.items[i], ' ');
		if (words.count == 3 && file == v1)
			block_entry_write(w, words.items[0], words.items[1], words.items[2], a);
		for (size_t k = 1; file != v1 && k < words.count; k++)
			for (size_t o = 0; o < ARRAY_LEN(ops); o++) {
				const char *value = str_after(words.items[k],
							      arena_printf(a, "%s%s=", ops[o][0], unit));
				if (value)
					block_entry_write(w, words.items[0], ops[o][1], value, a);
			}
	}
	json_write_end(w);
}

void oci_stats_write(const OciContainer *c, JsonWriter *w, Arena *a)
{
	json_write_object(w, "data");
	cpu_write(c, w, a);
	memory_write(c, w, a);
	pids_write(c, w);
	json_write_object(w, "blkio");
	block_list_write(c, w, "ioServiceBytesRecursive",
			 "blkio.throttle.io_service_bytes_recursive", "bytes", a);
	block_list_write(c, w, "ioServicedRecursive", "blkio.throttle.io_serviced_recursive", "ios", a);
	pressure_write(c, w, "io.pressure", a);
	json_write_end(w);
	json_write_object(w, "hugetlb");
	json_write_end(w);
	oci_stats_rdt_write(c, w, a);
	json_write_null(w, "network_interfaces");
	json_write_end(w);
}
