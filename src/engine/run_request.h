/* run_request.h - what of a request for a container can be judged by itself                   (engine/, may include all but cli)
 *
 * Runs in:   the command's process, before anything is opened or made.
 */
#pragma once
#include "base/arena.h"
#include "engine/run.h"

#define ID_SHOWN 12 /* digits of an id that people see */

/* Refuses what is not there yet (other namespaces than the container's own and the host's, images) and names against docker's rule.
 * ERR_USAGE. */
int run_request_check(const RunRequest *q, Err *e);

/* The container's host name: --hostname; without it the id's beginning, and with the host's network or uts namespace the host's.
 * *ret is q's or in the arena. ERR_USAGE for a name or domain that no host can have, and beside --uts host; ERR_SYS. */
int run_hostname_choose(const RunRequest *q, const char *id, Arena *a, const char **ret, Err *e);
