/* record.h - what a container will leave behind if its engine dies: written before it is made.   (runtime/, may include base fmt kern)
 *
 * On disk:   record.json   {"version":1,"id":..,"name":..,"created":..,"boot_id":..,"groups":[..],"parents":[..],"unit":..,"user_unit":0,"overlay_dir":..,
 *                           "labels":{..},"annotations":{..},"stop_signal":"SIGTERM","stop_timeout":10,"uids":[[FIRST,COUNT]..],"gids":[..]},
 *                           and "rdt":..,"rdt_mon":..,"rdt_is_ours":0|1, "host_root":..,"host_root_below":.. where there is such a thing
 *            process.json  {"version":1,"pid":..,"start_time":..} once there is a process; both complete or absent: written beside
 *                          and renamed. They are for this boot only and not synced to disk.
 * Input:     our own files; still read strictly, so that a damaged one is reported and not believed.
 * Ownership: strings live in the arena given to the reader, or are the writer's.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id_range.h"
#include "base/str.h"
#include "fmt/spec.h"

typedef struct Record {
	const char *id;
	const char *name; /* NULL: none */
	uint64_t created; /* seconds since 1970 */
	const char *boot_id;
	StrList groups;  /* absolute directories of its cgroups */
	StrList parents; /* groups above them that are made with them, outer ones first; removed when empty (shared_parents.h) */
	const char *unit; /* whose groups these are, where systemd has made them; NULL: none */
	bool is_user_unit;
	const char *overlay_dir; /* NULL: none; absolute, removed with all in it */
	const char *rdt, *rdt_mon; /* its group of resctrl, and the monitoring group; NULL: none; absolute */
	bool rdt_is_ours;          /* the group goes with it, as the monitoring group does */
	const char *host_root; /* NULL: none; where its root is mounted for all to see, and on how many other mounts */
	uint64_t host_root_below;
	IdRanges uids, gids; /* ids of the host that it has for itself */

	/* for later commands */
	SpecPair *labels, *annotations;
	size_t labels_count, annotations_count;
	const char *stop_signal; /* NULL: SIGTERM */
	int64_t stop_timeout;    /* seconds, -1: wait for ever */
} Record;

typedef struct RecordProcess {
	pid_t pid;
	uint64_t start_time; /* clock ticks since boot */
} RecordProcess;

/* ERR_USAGE when labels and annotations are too large. */
int record_write(int dir_fd, const Record *r, Arena *a, Err *e);
int record_write_process(int dir_fd, const RecordProcess *p, Arena *a, Err *e);
/* Where no group would know the process: it is found, too, when process.json is damaged or gone. */
int record_link_process(int dir_fd, const RecordProcess *p, Err *e);

/* -ENOENT: not written yet (nothing that it names was made). */
int record_read(int dir_fd, Arena *a, Record *ret, Err *e);
bool record_has_process(int dir_fd); /* whether process.json is there */
int record_read_process(int dir_fd, Arena *a, RecordProcess *ret, Err *e);
