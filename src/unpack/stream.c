#include "unpack/stream.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/fd.h"
#include "unpack/sum.h"

#define IN_SIZE    (256u << 10)
#define MAGIC_SIZE 4
#define WINDOW_LOG 27 /* 128 MiB, what zstd itself takes without being asked */

typedef struct Kind {
	const char *name;
	int (*begin)(Stream *s, Err *e);
	int (*inflate)(Stream *s, unsigned char *buf, size_t size, size_t *ret_size, Err *e);
} Kind;

struct Stream {
	StreamOptions o;
	const Kind *kind;
	Sum *sum;
	uint64_t size; /* read so far */
	unsigned char *in;
	size_t at, end; /* of in: not yet taken */
	bool eof;
	bool between; /* gzip members or zstd frames */
	struct inflate_state gzip;
	ZSTD_DStream *zstd;
};

/* ---- the blob ---- */

static ssize_t some_read(int fd, void *buf, size_t size)
{
	ssize_t n;
	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Puts more behind what is there, unless there is no room or no more. */
static int fill(Stream *s, Err *e)
{
	if (s->at > 0) {
		memmove(s->in, s->in + s->at, s->end - s->at); /* at most the first bytes of a member */
		s->end -= s->at;
		s->at = 0;
	}
	if (s->eof || s->end == IN_SIZE)
		return 0;
	ssize_t n = some_read(s->o.from, s->in + s->end, IN_SIZE - s->end);
	if (n < 0)
		return err_sys(e, "read the blob");
	s->eof = n == 0;
	if ((uint64_t)n > s->o.max - s->size)
		return err_make(e, ERR_SPEC, 0, "the blob is larger than %llu bytes",
				(unsigned long long)s->o.max);
	sum_add(s->sum, s->in + s->end, (size_t)n);
	if (s->o.copy >= 0)
		TRY(fd_write_all(s->o.copy, s->in + s->end, (size_t)n, "the blob", e));
	s->size += (uint64_t)n;
	s->end += (size_t)n;
	return 0;
}

static int cut(const Stream *s, Err *e)
{
	return err_make(e, ERR_SPEC, 0, "the %s data ends too early, after %llu bytes",
			s->kind->name, (unsigned long long)s->size);
}

static int damaged(const Stream *s, const char *why, Err *e)
{
	return err_make(e, ERR_SPEC, 0, "damaged %s data: %s", s->kind->name, why);
}

/* ---- not compressed ---- */

static int plain_inflate(Stream *s, unsigned char *buf, size_t size, size_t *ret_size, Err *e)
{
	size_t n = s->end - s->at < size ? s->end - s->at : size;
	(void)e;
	memcpy(buf, s->in + s->at, n);
	s->at += n;
	*ret_size = n;
	return 0;
}

/* ---- gzip ---- */

static int gzip_begin(Stream *s, Err *e)
{
	(void)e;
	isal_inflate_init(&s->gzip);
	s->gzip.crc_flag = ISAL_GZIP;
	return 0;
}

static const char *gzip_words(int r)
{
	switch (r) {
	case ISAL_INCORRECT_CHECKSUM: return "its checksum is wrong";
	case ISAL_INVALID_WRAPPER:
	case ISAL_UNSUPPORTED_METHOD: return "its header is wrong";
	default: return "it cannot be inflated";
	}
}

static int gzip_inflate(Stream *s, unsigned char *buf, size_t size, size_t *ret_size, Err *e)
{
	s->gzip.next_in = s->in + s->at;
	s->gzip.avail_in = (uint32_t)(s->end - s->at);
	s->gzip.next_out = buf;
	s->gzip.avail_out = (uint32_t)size;
	int r = isal_inflate(&s->gzip);
	if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT)
		return damaged(s, gzip_words(r), e);
	s->at = s->end - s->gzip.avail_in;
	s->between = s->gzip.block_state == ISAL_BLOCK_FINISH;
	*ret_size = size - s->gzip.avail_out;
	return 0;
}

/* ---- zstd ---- */

static int zstd_begin(Stream *s, Err *e)
{
	(void)e;
	if (!s->zstd)
		s->zstd = ZSTD_createDStream();
	if (!s->zstd)
		abort(); /* out of memory, as arenas have it */
	(void)ZSTD_DCtx_reset(s->zstd, ZSTD_reset_session_only);
	(void)ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	return 0;
}

static int zstd_inflate(Stream *s, unsigned char *buf, size_t size, size_t *ret_size, Err *e)
{
	ZSTD_inBuffer in = { .src = s->in, .size = s->end, .pos = s->at };
	ZSTD_outBuffer out = { .dst = buf, .size = size };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);
	if (ZSTD_isError(r))
		return damaged(s, ZSTD_getErrorName(r), e);
	s->at = in.pos;
	s->between = r == 0;
	*ret_size = out.pos;
	return 0;
}

/* ---- all of them ---- */

static const Kind plain = { "uncompressed", NULL, plain_inflate };
static const Kind gzip = { "gzip", gzip_begin, gzip_inflate };
static const Kind zstd = { "zstd", zstd_begin, zstd_inflate };

static bool starts(const unsigned char *in, size_t size, const char magic[static MAGIC_SIZE], size_t len)
{
	return size >= len && memcmp(in, magic, len) == 0;
}

static const Kind *kind_of(const unsigned char *in, size_t size)
{
	static const char skippable[] = "\x2a\x4d\x18";
	if (starts(in, size, "\x1f\x8b\0\0", 2))
		return &gzip;
	if (starts(in, size, "\x28\xb5\x2f\xfd", 4) ||
	    (size >= 4 && (in[0] & 0xf0) == 0x50 && memcmp(in + 1, skippable, 3) == 0))
		return &zstd;
	return &plain;
}

static const char *foreign_kind(const unsigned char *in, size_t size)
{
	if (starts(in, size, "BZh\0", 3))
		return "bzip2";
	if (starts(in, size,
		   "\xfd"
		   "7zX",
		   4))
		return "xz";
	return NULL;
}

static int begin(Stream *s, Err *e)
{
	while (s->end - s->at < MAGIC_SIZE && !s->eof)
		TRY(fill(s, e));
	const char *foreign = foreign_kind(s->in + s->at, s->end - s->at);
	if (foreign)
		return err_make(e, ERR_SPEC, 0,
				"the blob is compressed with %s; gzip and zstd can be read", foreign);
	s->kind = kind_of(s->in + s->at, s->end - s->at);
	return s->kind->begin ? s->kind->begin(s, e) : 0;
}

/* What may follow a member is another one of the same kind; *ret_more: one does. Padding is no content. */
static int next_member(Stream *s, bool *ret_more, Err *e)
{
	while (s->end - s->at < MAGIC_SIZE && !s->eof)
		TRY(fill(s, e));
	*ret_more = kind_of(s->in + s->at, s->end - s->at) == s->kind && s->kind->begin;
	s->between = !*ret_more;
	return *ret_more ? s->kind->begin(s, e) : 0;
}

int stream_read(Stream *s, unsigned char *buf, size_t size, size_t *ret_size, Err *e)
{
	size_t done = 0;
	if (!s->kind)
		TRY(begin(s, e));
	while (done < size) {
		size_t n;
		bool more;
		if (s->between) {
			TRY(next_member(s, &more, e));
			if (!more)
				break;
		}
		if (s->at == s->end)
			TRY(fill(s, e));
		TRY(s->kind->inflate(s, buf + done, size - done, &n, e));
		done += n;
		if (n == 0 && s->at == s->end && s->eof && !s->between) {
			if (s->kind->begin)
				return cut(s, e);
			break;
		}
	}
	*ret_size = done;
	return 0;
}

int stream_finish(Stream *s, Digest *ret, uint64_t *ret_size, Err *e)
{
	for (;;) {
		for (; s->at < s->end; s->at++)
			if (s->in[s->at])
				return damaged(s, "something else follows it", e);
		if (s->eof)
			break;
		TRY(fill(s, e));
	}
	sum_end(s->sum, ret);
	*ret_size = s->size;
	return 0;
}

const char *stream_compression(const Stream *s)
{
	return s->kind == &plain ? "none" : s->kind->name;
}

Stream *stream_new(const StreamOptions *o)
{
	Stream *s = calloc(1, sizeof *s);
	unsigned char *in = malloc(IN_SIZE);
	if (!s || !in)
		abort();
	s->o = *o;
	s->in = in;
	s->sum = sum_new(o->algorithm);
	return s;
}

void stream_free(Stream *s)
{
	if (!s)
		return;
	(void)ZSTD_freeDStream(s->zstd); /* of nothing, nothing */
	sum_free(s->sum);
	free(s->in);
	free(s);
}
