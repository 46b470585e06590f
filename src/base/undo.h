/* undo.h - outside effects of a half-done job, taken back in reverse.                        (base/)
 *
 * Each step that changes the world pushes what takes it back. At scope exit (AUTO(undo_run)) all of it runs, newest first, unless
 * undo_commit() was reached. Undo covers failure, not sudden death: what has an outside effect is written to the container's
 * record before it is made, so that the next command can finish the job after a crash.
 */
#pragma once

typedef void (*UndoFn)(void *arg);
typedef struct Undo {
	struct {
		UndoFn fn;
		void *arg;
	} steps[24];
	unsigned count;
} Undo;
#define UNDO_EMPTY ((Undo){ .count = 0 })

/* Aborts when the stack is full: its size is a property of the code, not of the input. */
void undo_push(Undo *u, UndoFn fn, void *arg);
void undo_run(Undo *u);    /* runs and forgets all steps; errno is kept */
void undo_commit(Undo *u); /* forgets all steps */
static inline void undo_run_auto(Undo *u)
{
	undo_run(u);
}
