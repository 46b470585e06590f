/* mydocker's unpacker: one layer, from a compressed stream to its tree (fmt/unpack_talk.h). */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/str.h"
#include "build_id.h"
#include "fmt/tar.h"
#include "fmt/unpack_talk.h"
#include "store/layer_tree.h"
#include "unpack/confine.h"
#include "unpack/pipe.h"
#include "unpack/stream.h"
#include "unpack/sum.h"

/* Sanitizers look for leaks by /proc, which is not there for who is shut in. The name is theirs. */
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

typedef struct Job {
	LayerTreeOptions tree;
	StreamOptions blob;
	int root;
	Digest blob_digest, diff_id; /* DIGEST_NONE: whatever they are */
	uint64_t blob_size;          /* UINT64_MAX: whatever it is */
} Job;

/* What the writer takes is summed on its way. */
typedef struct Content {
	Pipe *pipe;
	Sum *sum;
	uint64_t size, max;
} Content;

static int stream_source(void *context, unsigned char *buf, size_t size, size_t *ret_size, Err *e)
{
	return stream_read(context, buf, size, ret_size, e);
}

static int content_next(void *context, const unsigned char **ret, size_t *ret_size, Err *e)
{
	Content *c = context;
	TRY(pipe_next(c->pipe, ret, ret_size, e));
	if (*ret_size > c->max - c->size)
		return err_make(e, ERR_SPEC, EFBIG, "the layer is larger than %llu bytes",
				(unsigned long long)c->max);
	sum_add(c->sum, *ret, *ret_size);
	c->size += *ret_size;
	return 0;
}

/* Writers fill their last block, so more may come after the archive's end. */
static int content_finish(Content *c, UnpackReply *ret, Err *e)
{
	const unsigned char *bytes;
	size_t size;
	do
		TRY(content_next(c, &bytes, &size, e));
	while (size > 0);
	sum_end(c->sum, &ret->diff_id);
	ret->diff_size = c->size;
	return 0;
}

static int digest_check(const char *what, const Digest *is, const Digest *expected, Err *e)
{
	if (expected->algorithm == DIGEST_NONE || digest_equal(is, expected))
		return 0;
	return err_make(e, ERR_SPEC, 0, "the %s has the digest %s, not %s", what, is->text,
			expected->text);
}

static int tree_make(const Job *j, Content *c, UnpackReply *ret, Err *e)
{
	AUTO(tar_done) TarReader tar;
	tar_init(&tar, content_next, c);
	LayerTreeCounts counts;
	TRY(layer_tree_make(&tar, j->root, &j->tree, &counts, e));
	ret->entries = counts.entries;
	ret->content = counts.bytes;
	ret->xattrs_lost = counts.xattrs_lost;
	return content_finish(c, ret, e);
}

static int unpack(const Job *j, UnpackReply *ret, Err *e)
{
	AUTO(stream_free) Stream *stream = stream_new(&j->blob);
	AUTO(pipe_free) Pipe *pipe = NULL;
	DigestAlgorithm algorithm = j->diff_id.algorithm ? j->diff_id.algorithm : DIGEST_SHA256;
	Content c = { .max = LIMIT_LAYER_BYTES, .sum = sum_new(algorithm) };
	int r = pipe_new(stream_source, stream, &pipe, e);
	c.pipe = pipe;
	if (r == 0)
		r = tree_make(j, &c, ret, e);
	sum_free(c.sum);
	TRY(r);
	TRY(stream_finish(stream, &ret->blob, &ret->blob_size, e)); /* the other thread is through with it */
	(void)str_format(ret->compression, sizeof ret->compression, "%s",
			 stream_compression(stream)); /* it fits */
	if (j->blob_size != UINT64_MAX && ret->blob_size != j->blob_size)
		return err_make(e, ERR_SPEC, 0, "the blob has %llu bytes, not %llu",
				(unsigned long long)ret->blob_size, (unsigned long long)j->blob_size);
	TRY(digest_check("blob", &ret->blob, &j->blob_digest, e));
	return digest_check("layer", &ret->diff_id, &j->diff_id, e);
}

/* ---- the conversation ---- */

static bool is_unknown(const char *word)
{
	return str_eq(word, "-");
}

static int digest_read(const char *word, Digest *ret, Err *e)
{
	if (is_unknown(word) || digest_parse(word, ret) == 0)
		return 0;
	return err_make(e, ERR_BUG, EPROTO, "'%.80s' is no digest", word);
}

static int job_read(char **argv, Job *ret, bool *ret_copy, Err *e)
{
	uint32_t flags;
	*ret = (Job){ .tree = { .max_bytes = LIMIT_LAYER_BYTES, .max_entries = LIMIT_LAYER_ENTRIES },
		      .blob = { .from = STDIN_FILENO, .copy = FD_NONE, .max = LIMIT_LAYER_BYTES },
		      .blob_size = UINT64_MAX };
	if (!str_eq(argv[1], BUILD_ID))
		return err_make(e, ERR_STATE, 0,
				"libexec/mydocker/unpack is of another build than this program");
	if (num_parse_u32(argv[2], UNPACK_AS_USER | UNPACK_COPY, &flags) < 0)
		return err_make(e, ERR_BUG, EPROTO, "'%.80s' are no flags", argv[2]);
	if (!is_unknown(argv[4]) && num_parse_u64(argv[4], LIMIT_LAYER_BYTES, &ret->blob_size) < 0)
		return err_make(e, ERR_SPEC, 0, "a blob of %.80s bytes is too large", argv[4]);
	TRY(digest_read(argv[3], &ret->blob_digest, e));
	TRY(digest_read(argv[5], &ret->diff_id, e));
	ret->tree.as_user = flags & UNPACK_AS_USER;
	ret->blob.algorithm = ret->blob_digest.algorithm ? ret->blob_digest.algorithm : DIGEST_SHA256;
	if (ret->blob_size != UINT64_MAX)
		ret->blob.max = ret->blob_size;
	*ret_copy = flags & UNPACK_COPY;
	return 0;
}

static int work(char **argv, UnpackReply *ret, Err *e)
{
	Job j;
	bool copy;
	AUTO(fd_close) int root = FD_NONE;
	TRY(job_read(argv, &j, &copy, e));
	if (copy)
		j.blob.copy = UNPACK_COPY_FD;
	(void)umask(0);
	TRY(confine_to(UNPACK_TREE_FD, j.tree.as_user, &root, e));
	Sum *first = sum_new(DIGEST_SHA256); /* OpenSSL looks for its files when it is first used */
	sum_free(first);
	TRY(confine_calls(e));
	j.root = root;
	return unpack(&j, ret, e);
}

int main(int argc, char **argv)
{
	UnpackReply reply = { 0 };
	if (argc != UNPACK_TALK_ARGS)
		return 125;
	(void)work(argv, &reply, &reply.err); /* the error is told */
	return write(STDOUT_FILENO, &reply, sizeof reply) == (ssize_t)sizeof reply ? 0 : 1;
}
