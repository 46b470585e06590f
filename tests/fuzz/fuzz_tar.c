/* A tar archive. Input: the archive. It is read twice, as it is and in pieces of the size that its first byte says: both must find the same; spans of
 * sparse files lie in them, and names and links are as long as the reader promises. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "fmt/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Input {
	const uint8_t *at;
	size_t left, piece;
} Input;

static int input_source(void *context, const unsigned char **ret, size_t *ret_size, Err *e)
{
	Input *in = context;
	(void)e;
	*ret = in->at;
	*ret_size = in->left < in->piece ? in->left : in->piece;
	in->at += *ret_size;
	in->left -= *ret_size;
	return 0;
}

static uint64_t mix(uint64_t sum, const void *bytes, size_t size)
{
	const unsigned char *b = bytes;
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ b[i]) * UINT64_C(1099511628211);
	return sum;
}

static uint64_t check_entry(const TarEntry *n, uint64_t sum)
{
	bool is_link = n->type == TAR_SYMLINK || n->type == TAR_HARD_LINK;
	uint64_t end = 0;
	assert(*n->path && strlen(n->path) <= LIMIT_TAR_PATH);
	assert(is_link ? n->link && *n->link && strlen(n->link) <= LIMIT_TAR_PATH : !n->link);
	assert((n->mode & ~07777u) == 0 && n->uid != UINT32_MAX && n->gid != UINT32_MAX);
	assert(n->mtime_nsec < 1000000000 && (n->type == TAR_FILE || n->size == 0));
	assert(n->xattrs_count <= LIMIT_TAR_XATTRS && n->spans_count <= LIMIT_TAR_SPANS);
	for (size_t i = 0; i < n->spans_count; i++) {
		assert(n->spans[i].offset >= end);
		end = n->spans[i].offset + n->spans[i].size;
		assert(end >= n->spans[i].offset && end <= n->size);
	}
	for (size_t i = 0; i < n->xattrs_count; i++)
		sum = mix(mix(sum, n->xattrs[i].name, strlen(n->xattrs[i].name)),
			  n->xattrs[i].value, n->xattrs[i].size);
	return mix(mix(sum, n->path, strlen(n->path)), &n->size, sizeof n->size);
}

/* What is in it, as a number. */
static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
	Input in = { .at = data, .left = size, .piece = piece };
	AUTO(tar_done) TarReader t;
	TarEntry n;
	Err e = { 0 };
	uint64_t sum = 0;
	int r;
	tar_init(&t, input_source, &in);
	while ((r = tar_next(&t, &n, &e)) > 0) {
		const unsigned char *bytes;
		size_t len;
		sum = check_entry(&n, sum);
		while ((r = tar_content(&t, &bytes, &len, &e)) == 0 && len > 0)
			sum = mix(sum, bytes, len);
		if (r < 0)
			break;
	}
	if (r < 0)
		assert(e.kind == ERR_SPEC && e.msg[0]);
	return mix(sum, e.msg, strlen(e.msg));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		assert(read_all(data, size, size) == read_all(data, size, 1u + data[0]));
	return 0;
}
