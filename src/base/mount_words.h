/* mount_words.h - the mount options that are the same for every file system.                (base/, used by all)
 *
 * A word that is not in the table belongs to the file system ("size=64m", "mode=1777") and goes to it unchanged.
 * Source: config.md "Linux mount options", mount(8), mount_setattr(2).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum MountWordKind {
	MOUNT_WORD_ATTR, /* attr_set, attr_clear: of this mount, or with `recursive` of all below, too */
	MOUNT_WORD_BIND,        /* "bind", "rbind" (recursive) */
	MOUNT_WORD_PROPAGATION, /* propagation: MS_PRIVATE, ...; with MS_REC when recursive */
	MOUNT_WORD_SUPER, /* a flag of the file system instance, by this very name: fsconfig(FSCONFIG_SET_FLAG) */
	MOUNT_WORD_NOTHING, /* accepted, asks for what is so anyway: "defaults", "silent" */
	MOUNT_WORD_REMOUNT,
	MOUNT_WORD_TMPCOPYUP, /* fill a new tmpfs with what it hides */
	MOUNT_WORD_IDMAP,     /* "idmap", "ridmap" (recursive) */
} MountWordKind;

typedef struct MountWord {
	const char *name;
	uint64_t attr_set, attr_clear; /* MOUNT_ATTR_* */
	unsigned long propagation;     /* MS_* for mount_setattr(2) */
	MountWordKind kind;
	bool recursive;
} MountWord;

/* The words by their place in the table; NULL after the last. */
const char *mount_word_at(unsigned i);

/* NULL when it is no word of the table. */
const MountWord *mount_word_find(const char *word);

/* Folds one MOUNT_WORD_ATTR into what earlier words of the same list gave: the last one wins, as in mount(8). The result suits
 * mount_setattr(2), which wants all bits of the access time cleared when one of them is set. */
void mount_word_fold_attr(const MountWord *w, uint64_t *attr_set, uint64_t *attr_clear);
