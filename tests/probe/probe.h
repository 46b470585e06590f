/* probe.h - the container's command in the integration tests: each verb answers one question.        (tests/, stands alone)
 *
 * Runs in:   a container, mostly; a few verbs (swap) on the host. One static program, no library, no shared code with the product.
 * Output:    "name=value" lines, or raw bytes where the verb says so. An operation answers "VERB=0", or "VERB=-1 errno=N".
 * Verbs:     `probe VERB [ARG...]`; `probe seq VERB ARG... , VERB ARG... , ...` runs several, one after the other.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct Verb {
	const char *name;
	const char *args; /* for the list that `probe help` prints */
	int min_args;
	int (*run)(int argc, char **argv); /* argv[0] is the first argument; returns the exit code */
} Verb;

extern const Verb show_verbs[], file_verbs[], process_verbs[], stream_verbs[],
	spy_verbs[]; /* end with a NULL name */

/* Whole-string number, decimal, 0x hexadecimal or 0 octal; ends the program on anything else. */
uint64_t probe_number(const char *text);

/* Prints "verb=0" or "verb=-1 errno=N" for r, the value of a system call; any other r >= 0 is printed, too. Returns 0. */
int probe_result(const char *verb, long r);

/* Copies a whole file (or what stands after `prefix` in its lines) to standard output; returns false when it cannot be opened. */
bool probe_print_file(const char *path, const char *prefix);

/* Runs one verb; 2 when there is no such verb. */
int probe_run(int argc, char **argv);

/* write(2) until all is out; false on an error. */
bool probe_write(int fd, const void *data, uint64_t size);
