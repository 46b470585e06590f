/* config.h - whom fetch may speak to, as the engine has said first.                          (fetch/, may include base fmt kern)
 *
 * Input:     the engine's, which is believed. Files are read when a connection is made.
 * Ownership: all lives in the arena.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef struct Endpoint {
	const char *url;      /* "https://HOST:PORT", perhaps with a path; no slash at its end */
	const char *host_url; /* what follows "https://" in it */
	bool is_mirror, verify, may_fall_back;
	StrList authorities;                                             /* files */
	const char *certificate, *key;                                   /* files; NULL: none */
	const char *username, *secret, *identity_token, *registry_token; /* NULL: none */
	/* What is learned on the way. */
	bool has_answered;  /* in the scheme of its url */
	bool wants_basic;   /* with a challenge: what follows brings name and password at once */
	const char *bundle; /* the authorities' texts, once they are read */
	size_t bundle_size;
} Endpoint;

typedef struct Registry {
	const char *domain;
	Endpoint *endpoints;
	size_t count; /* the last one is the registry itself */
} Registry;

typedef struct Config {
	const char *agent;
	unsigned backoff; /* milliseconds before the first further try */
	unsigned silence; /* seconds after which a connection is as good as broken */
	Registry *registries;
	size_t count;
} Config;

int config_read(const char *text, size_t size, Arena *a, Config *ret, Err *e);

/* The registry of that domain. ERR_BUG: nothing was said of it. */
int config_find(const Config *c, const char *domain, Registry **ret, Err *e);

/* Speaks http from now on. */
void endpoint_fall_back(Endpoint *p, Arena *a);
bool endpoint_is_http(const Endpoint *p);

/* Whether the system's authorities can be looked up one by one, by their hashes (c_rehash(1)): to read all of them takes longer than
 * all else that is done for a manifest. */
bool authorities_are_hashed(void);

/* The endpoint's own authorities in one text, after those of the system if they are not hashed; nothing where it has none. */
int endpoint_bundle(Endpoint *p, bool is_hashed, Arena *a, Err *e);
