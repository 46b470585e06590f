/* fetch.h - registries, as the engine sees them: libexec/mydocker/fetch, which speaks with them.   (engine/, may include all but cli)
 *
 * Runs in:   the command's process. The program is its child and ends with it; it gets a socket (fmt/fetch_talk.h), whom it may speak to and with
 *            which credentials, and of our environment the proxies.
 * Input:     what comes from there is HOSTILE: a manifest's bytes have been compared with the digest that they were asked for by, once more here;
 *            a blob's have not: who reads them does that.
 * Use:       what takes long is begun, and told of by fetch_next(), many at a time; all else is asked and waited for.
 * Ownership: a Fetch owns its program; fetch_close() ends it. A descriptor that is handed over stays the caller's, who closes his of a pipe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "engine/registry_config.h"
#include "fmt/fetch_talk.h"
#include "fmt/reference.h"

typedef struct FetchEvent {
	FetchReply reply; /* is_end: reply.err says how; else bytes so far */
	int document;     /* the caller's, or FD_NONE */
} FetchEvent;

typedef struct Fetch {
	int talk_fd, pidfd;
	uint32_t last, open; /* numbers given; requests that have not ended */
	FetchEvent *ended;   /* while another one was waited for */
	size_t ended_count;
} Fetch;
#define FETCH_NONE ((Fetch){ .talk_fd = FD_NONE, .pidfd = FD_NONE })

/* backoff_ms: before the first further try; 0: as is usual. */
int fetch_open(const RegistryConfig *configs, size_t count, unsigned backoff_ms, Arena *a,
	       Fetch *ret, Err *e);
void fetch_close(Fetch *f);
static inline void fetch_close_auto(Fetch *f)
{
	fetch_close(f);
}

typedef struct FetchManifest {
	const char *text; /* NULL: only asked about */
	size_t size;
	const char *media_type; /* may be "" */
	Digest digest;          /* DIGEST_NONE: the registry does not say (head) */
} FetchManifest;

/* ERR_NOT_FOUND: there is none. head: without its text, which registries do not count. */
int fetch_manifest(Fetch *f, const Reference *r, bool head, Arena *a, FetchManifest *ret, Err *e);
int fetch_tags(Fetch *f, const Reference *r, Arena *a, StrList *ret, Err *e);
int fetch_has_blob(Fetch *f, const Reference *r, const Digest *d, bool *ret, Err *e);
int fetch_manifest_put(Fetch *f, const Reference *r, const char *media_type, const char *text,
		       size_t size, Err *e);

/* Whether the registry lets its user in. -EACCES: it does not. */
int fetch_check(Fetch *f, const char *domain, Err *e);

/* Bytes of a blob from offset on go to fd, from where that stands. size: FETCH_SIZE_UNKNOWN, or exactly so many in all. */
int fetch_blob_begin(Fetch *f, const Reference *r, const Digest *d, uint64_t size, uint64_t offset,
		     int fd, uint32_t *ret_number, Err *e);

typedef struct FetchUpload {
	const Digest *digest; /* NULL: comes with the reply */
	uint64_t size;        /* or FETCH_SIZE_UNKNOWN */
	const char *from;     /* a repository of the same registry that may have it; NULL: none */
	int fd;               /* FD_NONE: `from` alone; reply.was_there says whether it had it */
} FetchUpload;
int fetch_upload_begin(Fetch *f, const Reference *r, const FetchUpload *u, uint32_t *ret_number, Err *e);

/* What is said next, of whichever request; blocks. -ESRCH: none is under way. Only trouble with the program itself is an error here. */
int fetch_next(Fetch *f, FetchEvent *ret, Err *e);

/* Waits for the end of one; its error becomes ours. What is said of others meanwhile is kept for fetch_next(), but for progress. */
int fetch_wait(Fetch *f, uint32_t number, FetchEvent *ret, Err *e);
void fetch_event_done(FetchEvent *x);
