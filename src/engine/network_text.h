/* network_text.h - what stands in a container's hosts and resolv.conf, as text.            (engine/)
 *
 * Pure functions: strings of options and the host's files in, text out, in the arena. Errors are ERR_USAGE and name the string.
 * Source:    hosts(5), resolv.conf(5), docker's --add-host and --dns.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* One word of a file in which white space separates: no control character either, and no '#', which begins a comment. */
bool network_is_word(const char *text);

/* The lines for --add-host: "NAME:ADDRESS" or "NAME=ADDRESS", an IPv6 address with or without brackets. */
int network_hosts_lines(const StrList *add, Arena *a, const char **ret, Err *e);

typedef struct ResolverOptions {
	StrList servers; /* addresses; each kind that is given replaces that kind in the host's file */
	StrList search;  /* domains; a single "." means none */
	StrList options; /* "ndots:2" */
} ResolverOptions;

/* resolv.conf: the host's text with what is asked for in its stead. */
int network_resolver_text(const char *host, const ResolverOptions *o, Arena *a, const char **ret,
			  Err *e);
