/* personality.h - names of execution domains.                                               (base/, used by all)
 *
 * Source: the runtime specification's linux.personality, podman's --personality; personality(2), linux/personality.h for the numbers.
 */
#pragma once

/* "LINUX" or "LINUX32" as personality(2) takes it, -EINVAL for anything else. */
int personality_from_name(const char *name);
