/* pipe.h - content on its way from one thread, which inflates, to another, which writes.       (unpack/, may include base fmt)
 *
 * Runs in:   the two threads of a Pipe, which begin and end with it. Nothing but the buffers is shared, each with one of them at a time.
 * Memory:    PIPE_BUFFERS buffers, taken at once.
 */
#pragma once
#include <stddef.h>

#include "base/err.h"

typedef struct Pipe Pipe;

/* Fills buf; *ret_size smaller than size: the end comes after it. */
typedef int (*PipeSource)(void *context, unsigned char *buf, size_t size, size_t *ret_size, Err *e);

/* Begins to read from the source, in a thread of its own. */
int pipe_new(PipeSource source, void *context, Pipe **ret, Err *e);

/* The next piece, valid until the next call; *ret_size 0: the end. The source's own error comes after all that it gave before. */
int pipe_next(Pipe *p, const unsigned char **ret, size_t *ret_size, Err *e);

/* Waits for the source to end; what nobody has taken is thrown away. */
void pipe_free(Pipe *p);
static inline void pipe_free_auto(Pipe **p)
{
	pipe_free(*p);
}
