/* caps.h - names of capabilities.                                                           (base/, used by all)
 *
 * Source: include/uapi/linux/capability.h; unchanged from CAP_CHECKPOINT_RESTORE (Linux 5.9) to 6.18. A kernel may know fewer or
 * more: HostFacts.caps_known says which.
 */
#pragma once

#define CAP_COUNT 41 /* 0 (CHOWN) to 40 (CHECKPOINT_RESTORE) */

/* "CAP_CHOWN", "chown", "Cap_Chown" -> 0; -ENOENT for anything else. "ALL" is the caller's business. */
int cap_from_name(const char *name);

/* "CAP_CHOWN"; NULL when n is none of the table. */
const char *cap_name(int n);
