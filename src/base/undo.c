#include "base/undo.h"

#include <assert.h>
#include <errno.h>

#include "base/own.h"

void undo_push(Undo *u, UndoFn fn, void *arg)
{
	assert(u->count < ARRAY_LEN(u->steps));
	u->steps[u->count].fn = fn;
	u->steps[u->count].arg = arg;
	u->count++;
}

void undo_run(Undo *u)
{
	int saved = errno;
	while (u->count > 0) {
		u->count--;
		u->steps[u->count].fn(u->steps[u->count].arg);
	}
	errno = saved;
}

void undo_commit(Undo *u)
{
	u->count = 0;
}
