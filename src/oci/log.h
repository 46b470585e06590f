/* log.h - lines for the file of --log, and what --debug tells of a start.                   (oci/)
 *
 * Runs in:   the command's process. Lines have the form of runc's, which are those of logrus: callers read them.
 * Theory:    init has no words for what it does: with --debug it marks its stages on a page that it shares with us (wire/timeline.h), and
 *            we tell them afterwards. Without --debug there is no page, and a mark costs a branch.
 */
#pragma once
#include "oci/oci.h"
#include "wire/timeline.h"

/* From here warnings go to the file of --log, if there is one, and so do debug lines; *g is borrowed. */
void oci_log_begin(const OciGlobal *g);

int oci_log_append(const OciGlobal *g, const char *level, const char *text, Arena *a, Err *e);

/* With --debug: a page for the start. */
int oci_debug_begin(TimelineShared *ret, Err *e);

/* Tells how far a start came. failed: it is not complete. */
void oci_debug_end(const TimelineShared *t, bool is_exec, bool failed);
