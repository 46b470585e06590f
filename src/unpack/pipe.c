#include "unpack/pipe.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define PIPE_BUFFERS 8u
#define BUFFER_SIZE  (512u << 10)

typedef struct Buffer {
	unsigned char *bytes;
	size_t size;
} Buffer;

struct Pipe {
	PipeSource source;
	void *context;
	Buffer buffers[PIPE_BUFFERS];
	unsigned first, filled; /* those that wait for the reader, in a ring */
	bool holds;             /* the reader has the first one */
	bool ended, stopped;    /* the source has come to its end; the reader wants no more */
	int result;             /* of the source */
	Err e;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
};

static bool may_fill(Pipe *p)
{
	(void)pthread_mutex_lock(&p->lock);
	while (p->filled == PIPE_BUFFERS && !p->stopped)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	bool stopped = p->stopped;
	(void)pthread_mutex_unlock(&p->lock);
	return !stopped;
}

static void *fill(void *arg)
{
	Pipe *p = arg;
	bool ended = false;
	for (unsigned i = 0; !ended && may_fill(p); i = (i + 1) % PIPE_BUFFERS) {
		Buffer *b = &p->buffers[i]; /* ours until it is counted */
		int r = p->source(p->context, b->bytes, BUFFER_SIZE, &b->size, &p->e);
		(void)pthread_mutex_lock(&p->lock);
		ended = r < 0 || b->size < BUFFER_SIZE;
		p->result = r;
		p->ended = ended;
		if (r >= 0 && b->size > 0)
			p->filled++;
		(void)pthread_cond_signal(&p->changed);
		(void)pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

int pipe_next(Pipe *p, const unsigned char **ret, size_t *ret_size, Err *e)
{
	int r = 0;
	(void)pthread_mutex_lock(&p->lock);
	if (p->holds) {
		p->holds = false;
		p->first = (p->first + 1) % PIPE_BUFFERS;
		p->filled--;
		(void)pthread_cond_signal(&p->changed);
	}
	while (p->filled == 0 && !p->ended)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	p->holds = p->filled > 0;
	*ret = p->buffers[p->first].bytes;
	*ret_size = p->holds ? p->buffers[p->first].size : 0;
	if (!p->holds && p->result < 0) {
		*e = p->e;
		r = p->result;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return r;
}

static void release(Pipe *p)
{
	for (unsigned i = 0; i < PIPE_BUFFERS; i++)
		free(p->buffers[i].bytes);
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

int pipe_new(PipeSource source, void *context, Pipe **ret, Err *e)
{
	Pipe *p = calloc(1, sizeof *p);
	if (!p)
		abort();
	p->source = source;
	p->context = context;
	for (unsigned i = 0; i < PIPE_BUFFERS; i++) {
		p->buffers[i].bytes = malloc(BUFFER_SIZE);
		if (!p->buffers[i].bytes)
			abort();
	}
	(void)pthread_mutex_init(&p->lock, NULL); /* of the usual kind, which cannot fail */
	(void)pthread_cond_init(&p->changed, NULL);
	int r = pthread_create(&p->thread, NULL, fill, p);
	if (r) {
		release(p);
		return err_make(e, ERR_SYS, r, "start a thread");
	}
	*ret = p;
	return 0;
}

void pipe_free(Pipe *p)
{
	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stopped = true;
	(void)pthread_cond_signal(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	release(p);
}
