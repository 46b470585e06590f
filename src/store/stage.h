/* stage.h - what is made for one image before the store has it: layers and blobs.                 (store/, may include base fmt kern disk)
 *
 * Theory:    all that one pull, load or commit makes lies in one folder of staging/, which its maker holds the flock of. stage_commit() syncs the
 *            file system once, for all of it, and then gives everything its final name, one rename each; so a name never stands for what a power
 *            failure may have emptied. Blobs come first, then layers: who finds a layer need not ask for its blob. What has been committed
 *            stays, whatever becomes of the rest.
 * Two at once: two that make the same layer both rename; the second finds it there and throws its own away.
 * Ownership: a Stage owns its descriptor and, until it is committed or thrown away, what lies in its folder.
 */
#pragma once
#include "fmt/digest.h"
#include "store/store.h"

typedef struct Stage {
	const Store *store;
	int fd; /* holds the flock */
	char name[24];
	unsigned made; /* how many have a name in it */
} Stage;
#define STAGE_NONE ((Stage){ .fd = FD_NONE })

int stage_new(const Store *s, Stage *ret, Err *e);

/* Closes it and removes what is still in it. */
void stage_throw_away(Stage *st);
static inline void stage_throw_away_auto(Stage *st)
{
	stage_throw_away(st);
}

typedef struct StagedLayer {
	unsigned number;
	int tree; /* the empty folder for its tree; the caller's */
	int blob; /* an empty file for it as it comes; the caller's */
} StagedLayer;

int stage_add_layer(Stage *st, StagedLayer *ret, Err *e);

typedef struct LayerMeta { /* layer.json */
	Digest diff_id;
	Digest blob;            /* that it came from; DIGEST_NONE: made here */
	uint64_t blob_size;     /* bytes */
	uint64_t size, content; /* of the archive; of the files in it */
	uint64_t entries;
	const char *compression; /* "gzip", "zstd", "none" */
} LayerMeta;

/* A staged layer that is complete and verified: gets its names when the stage is committed. */
typedef struct StagedDone {
	unsigned number;
	LayerMeta meta;
	bool keep_blob;
} StagedDone;

/* Syncs, and puts all of them in place; a is for what is written. */
int stage_commit(Stage *st, const StagedDone *done, size_t count, Arena *a, Err *e);

/* Removes what the dead have left in staging/ and trash/. What cannot be removed is for the next time, and said at --debug. */
void stage_sweep(const Store *s);

/* ---- layers that are there ---- */

bool layer_is_there(const Store *s, const Digest *diff_id);

/* -ENOENT without a message: there is no such layer. */
int layer_meta_read(const Store *s, const Digest *diff_id, Arena *a, LayerMeta *ret, Err *e);

/* The folder of its tree, O_PATH. */
int layer_open(const Store *s, const Digest *diff_id, int *ret_fd, Err *e);
