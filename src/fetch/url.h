/* url.h - places of registries: where a relative one leads, and whose they are.              (fetch/, may include base)
 *
 * Input:     Location and Link headers: HOSTILE. What comes out is http or https, without name and password, LIMIT_URL bytes at most.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* Where `to` leads, relative to base. ERR_STATE: nowhere that we go; from https to http is one of these. */
int url_resolve(const char *base, const char *to, Arena *a, const char **ret, Err *e);

/* Whether both have the same scheme, host and port: only then one may have what is meant for the other. */
bool url_same_origin(const char *x, const char *y);

/* Adds one more parameter, whose value may need escapes. */
const char *url_add(const char *url, const char *name, const char *value, Arena *a);

/* All in it that is not unreserved becomes %XX; for values in queries and forms. */
const char *url_escape(const char *text, Arena *a);

/* Without its query, which may hold secrets: for messages. */
const char *url_shown(const char *url, Arena *a);
