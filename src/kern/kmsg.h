/* kmsg.h - the kernel's log.                                                                 (kern/, may include base)
 *
 * Source:    Documentation/ABI/testing/dev-kmsg: one record for each read(2), "PRIO,SEQUENCE,MICROSECONDS,FLAGS;TEXT\n" and lines with a leading
 *            space that say more. Reading needs CAP_SYSLOG where kernel.dmesg_restrict is 1.
 * Input:     processes of a container can write neither this log nor, but for their names, what the kernel says about them in it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Gives every text since since_us (microseconds since boot) to `see`, until it returns false. No message: -EPERM, -ENOENT ... when the
 * log cannot be read. */
int kmsg_each(uint64_t since_us, bool (*see)(const char *text, void *arg), void *arg);

/* One record's time and text (cut to pieces in place, NUL-terminated). -EINVAL when it is none. */
int kmsg_parse(char *record, uint64_t *ret_us, const char **ret_text);

/* Microseconds since boot, by the log's clock. */
uint64_t kmsg_now(void);
