/* fetch_talk.h - what an engine and libexec/mydocker/fetch say to each other.                (fmt/, may include base)
 *
 * Theory:    a SOCK_SEQPACKET pair; fetch's end is its standard input. The engine's first packet is text, JSON: whom fetch may speak to, how, and
 *            with which credentials (FETCH_HELLO); fetch answers with a reply of number 0. Then come requests, each with a number of the engine's
 *            choice, at most FETCH_TALK_REQUESTS of them at once; what is read or written travels as a descriptor with the packet. Each gets any
 *            number of replies that tell of progress, and one that ends it, in whatever order things are done. End of file: fetch ends.
 * Version:   both are of one build (FETCH_TALK_ARGS: PROGRAM BUILD_ID), so requests and replies are structures.
 *
 * FETCH_HELLO: {"agent": "mydocker/1", "backoff": MILLISECONDS, "silence": SECONDS, "registries": [{"domain": "docker.io", "endpoints": [{"url": "https://HOST:PORT",
 *            "mirror": true, "verify": true, "fallback": false, "authorities": ["FILE"], "certificate": "FILE", "key": "FILE", "username": "",
 *            "secret": "", "identity_token": "", "registry_token": ""}]}]}; of an endpoint only "url" must be there. Endpoints are tried in turn
 *            when something is read; the last one, which is no mirror, is the registry itself. "fallback": http when there is no https.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "fmt/digest.h"

#define FETCH_TALK_ARGS     2
#define FETCH_TALK_BYTES    (128u << 10) /* of the first packet: the socket's buffer holds more */
#define FETCH_TALK_REQUESTS 64u
#define FETCH_SIZE_UNKNOWN  UINT64_MAX
#define FETCH_DOMAIN_SIZE   272
#define FETCH_MEDIA_SIZE    256

typedef enum FetchVerb {
	FETCH_MANIFEST = 1,  /* reference; the document comes with the reply, as a sealed memfd */
	FETCH_MANIFEST_HEAD, /* reference; media type, digest and size alone */
	FETCH_BLOB, /* reference: its digest; size, offset; into the descriptor, from where that stands */
	FETCH_BLOB_HEAD,    /* whether there is one: status 200 or 404; size */
	FETCH_TAGS,         /* of all pages, one a line, as a memfd */
	FETCH_UPLOAD,       /* reference: the digest, empty: is made on the way; size, or unknown;
	                     * from: a repository that may have it already. The descriptor is what
	                     * it holds; without one, only `from` is tried. */
	FETCH_MANIFEST_PUT, /* reference, media_type; the descriptor holds the document */
	FETCH_CHECK,        /* whether the credentials are good */
} FetchVerb;

typedef struct FetchRequest {
	uint32_t verb, number; /* number: not 0 */
	char domain[FETCH_DOMAIN_SIZE];
	char path[LIMIT_REPOSITORY + 1];
	char from[LIMIT_REPOSITORY + 1];
	char reference[DIGEST_TEXT_SIZE]; /* a tag or a digest */
	char media_type[FETCH_MEDIA_SIZE];
	uint64_t size, offset;
} FetchRequest;

typedef struct FetchReply {
	Err err; /* of the end; ERR_OK: it is done */
	uint32_t number;
	uint16_t status; /* of HTTP, the last one; 0: there was none */
	bool is_end;
	bool has_document; /* comes with a descriptor */
	bool was_there;    /* of an upload: nothing had to be sent */
	char media_type[FETCH_MEDIA_SIZE];
	char digest[DIGEST_TEXT_SIZE]; /* as the registry says, or as it was made; may be empty */
	uint64_t size;                 /* of the document or blob; FETCH_SIZE_UNKNOWN */
	uint64_t done;                 /* bytes so far, those before the offset included */
} FetchReply;
