/* job.h - one request of the engine, from its packet to the reply that ends it.              (fetch/, may include base fmt kern)
 *
 * Theory:    a job starts calls, one after the other, and goes on where one has ended. It is freed by the loop (fetch.c), never in a callback.
 * Ownership: a Job owns its descriptor, its arena and its call.
 */
#pragma once
#include "base/sha256.h"
#include "fetch/call.h"
#include "fmt/fetch_talk.h"

#define SINK_BYTES CURL_MAX_WRITE_SIZE

/* Where a blob goes: what its reader has not taken yet is at most what libcurl gives at once. */
typedef struct Sink {
	char waiting[SINK_BYTES];
	size_t size, at;
} Sink;

typedef struct Upload {
	const char *location;
	uint64_t at;   /* bytes that the registry has */
	uint64_t sent; /* that are being sent */
	char *chunk; /* of a source that can only be read once; holds what begins at chunk_start */
	size_t chunk_size, chunk_room;
	uint64_t chunk_start;
	uint64_t chunk_min;      /* that the registry takes but for the last one */
	bool is_stream, is_read; /* is_read: the source has ended */
	unsigned failures;
	Sha256 sum;
	int failed; /* what it ends with, once the session is taken back */
	Err err;
} Upload;

typedef struct Job Job;
struct Job {
	Session *session;
	FetchRequest request;
	FetchReply reply;
	Registry *registry;
	Arena arena;
	Call call;
	int fd, document; /* document: goes with the last reply */
	bool has_ended;
	short wants; /* POLLIN or POLLOUT of fd, then ready() is called */
	void (*ready)(Job *j);
	uint64_t told_ms; /* when progress was told last */
	/* of a blob */
	uint64_t at;              /* bytes that are taken, those before the offset included */
	uint64_t skip;            /* of this answer, which begins anew */
	bool is_placed, is_whole; /* is_placed: the answer's first bytes have been looked at */
	Sink *sink;
	/* of a list */
	char *text;
	size_t text_size;
	unsigned pages;
	Upload *upload;
};

/* Answers go to talk_fd; the job takes fd. ERR_OK in its reply: it is under way, or has ended. */
Job *job_new(Session *s, const FetchRequest *r, int fd);
void job_free(Job *j);
void job_end(Job *j, int r, const Err *e); /* r < 0: e says why */
bool job_progress_is_due(Job *j);

/* A call with the request's repository, for reading or for writing; the path is "/v2/NAME/..." */
Call job_call(Job *j, const char *method, const char *path, CallDone *done);
void job_scope(Job *j, Call *c, const char *path, const char *actions);
void job_call_start(Job *j, const Call *c);

/* Makes a sealed memfd of a text. */
int job_document(Job *j, const char *text, size_t size, Err *e);

/* The image as docker shows it, for messages; is_whole: with tag or digest. */
const char *job_name(Job *j, bool is_whole);

/* The error of a call that was for reading: what users of docker know. */
void job_end_pull(Job *j, int r);

/* The kinds. */
void manifest_start(Job *j);
void tags_start(Job *j);
void check_start(Job *j);
void blob_start(Job *j);
void blob_head_start(Job *j);
void upload_start(Job *j);
void manifest_put_start(Job *j);
