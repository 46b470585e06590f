/* volume_words.h - what is said of a bind, whether by -v or by --mount.                     (engine/)
 *
 * Pure. Words come one by one; of each topic ("ro" or "rw") there is one, once: a second one is an error and not a correction. Errors are
 * ERR_USAGE without the option's text, which callers add.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec.h"

typedef enum VolumeTopic {
	VOLUME_ACCESS,      /* ro, rro, rw */
	VOLUME_LABEL,       /* z, Z */
	VOLUME_PROPAGATION, /* [r]private, [r]shared, [r]slave, [r]unbindable */
	VOLUME_EXEC,        /* exec, noexec */
	VOLUME_SUID,        /* suid, nosuid */
	VOLUME_DEV,         /* dev, nodev */
	VOLUME_RECURSION,   /* bind, rbind */
	VOLUME_COPY,        /* nocopy */
	VOLUME_CONSISTENCY, /* consistent, cached, delegated */
	VOLUME_OWNER,       /* U */
	VOLUME_IDMAP,       /* idmap, idmap=... */
	VOLUME_OVERLAY,     /* O */
	VOLUME_UPPER,       /* upperdir=DIR */
	VOLUME_WORK,        /* workdir=DIR */
	VOLUME_TOPICS
} VolumeTopic;

typedef struct VolumeWords {
	const char *said[VOLUME_TOPICS];
	bool top_only; /* what is mounted below a read-only volume stays as it is (bind-recursive=writable) */
} VolumeWords;

int volume_word_add(VolumeWords *w, const char *word, Err *e);

/* Turns them into the mount's options; ERR_USAGE for words that do not go together. */
int volume_words_apply(const VolumeWords *w, Arena *a, SpecMount *m, Err *e);
