#include "base/mount_words.h"

#include <string.h>
#include <sys/mount.h>

#include <linux/mount.h>

#include "base/own.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000 /* Linux 5.14 */
#endif

/* clang-format off */
#define ATTR(word, set, clear)  { .name = word, .kind = MOUNT_WORD_ATTR, .attr_set = (set), .attr_clear = (clear) }, \
                                { .name = "r" word, .kind = MOUNT_WORD_ATTR, .recursive = true, .attr_set = (set), .attr_clear = (clear) }
#define PROPAGATION(word, flag) { .name = word, .kind = MOUNT_WORD_PROPAGATION, .propagation = (flag) }, \
                                { .name = "r" word, .kind = MOUNT_WORD_PROPAGATION, .recursive = true, .propagation = (flag) | MS_REC }
#define PLAIN(word, k)          { .name = word, .kind = (k) }
#define PLAIN_REC(word, k)      { .name = word, .kind = (k), .recursive = true }

static const MountWord words[] = {
	ATTR("ro", MOUNT_ATTR_RDONLY, 0),
	ATTR("rw", 0, MOUNT_ATTR_RDONLY),
	ATTR("nosuid", MOUNT_ATTR_NOSUID, 0),
	ATTR("suid", 0, MOUNT_ATTR_NOSUID),
	ATTR("nodev", MOUNT_ATTR_NODEV, 0),
	ATTR("dev", 0, MOUNT_ATTR_NODEV),
	ATTR("noexec", MOUNT_ATTR_NOEXEC, 0),
	ATTR("exec", 0, MOUNT_ATTR_NOEXEC),
	ATTR("noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME),
	ATTR("atime", 0, MOUNT_ATTR_NOATIME),
	ATTR("relatime", 0, MOUNT_ATTR__ATIME),
	/* Relative is the kernel's default and has no bit of its own: without it, and with nothing else said, it is relative again. */
	ATTR("norelatime", 0, 0),
	ATTR("strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME),
	ATTR("nostrictatime", 0, MOUNT_ATTR_STRICTATIME),
	ATTR("nodiratime", MOUNT_ATTR_NODIRATIME, 0),
	ATTR("diratime", 0, MOUNT_ATTR_NODIRATIME),
	ATTR("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0),
	ATTR("symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW),
	PLAIN("bind", MOUNT_WORD_BIND),
	PLAIN_REC("rbind", MOUNT_WORD_BIND),
	PROPAGATION("private", MS_PRIVATE),
	PROPAGATION("shared", MS_SHARED),
	PROPAGATION("slave", MS_SLAVE),
	PROPAGATION("unbindable", MS_UNBINDABLE),
	PLAIN("remount", MOUNT_WORD_REMOUNT),
	PLAIN("tmpcopyup", MOUNT_WORD_TMPCOPYUP),
	PLAIN("idmap", MOUNT_WORD_IDMAP),
	PLAIN_REC("ridmap", MOUNT_WORD_IDMAP),
	/* The names that fs/fs_context.c takes for every file system. */
	PLAIN("sync", MOUNT_WORD_SUPER),
	PLAIN("async", MOUNT_WORD_SUPER),
	PLAIN("dirsync", MOUNT_WORD_SUPER),
	PLAIN("lazytime", MOUNT_WORD_SUPER),
	PLAIN("nolazytime", MOUNT_WORD_SUPER),
	PLAIN("mand", MOUNT_WORD_SUPER),
	PLAIN("nomand", MOUNT_WORD_SUPER),
	PLAIN("defaults", MOUNT_WORD_NOTHING),
	/* "silent" and "loud" are about lines in the kernel's log; "iversion" is what file systems decide since Linux 5.17. */
	PLAIN("silent", MOUNT_WORD_NOTHING),
	PLAIN("loud", MOUNT_WORD_NOTHING),
	PLAIN("iversion", MOUNT_WORD_NOTHING),
	PLAIN("noiversion", MOUNT_WORD_NOTHING),
};
/* clang-format on */

const char *mount_word_at(unsigned i)
{
	return i < ARRAY_LEN(words) ? words[i].name : NULL;
}

const MountWord *mount_word_find(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i].name) == 0)
			return &words[i];
	return NULL;
}

void mount_word_fold_attr(const MountWord *w, uint64_t *attr_set, uint64_t *attr_clear)
{
	*attr_set = (*attr_set & ~w->attr_clear) | w->attr_set;
	*attr_clear = (*attr_clear & ~w->attr_set) | w->attr_clear;
	if ((*attr_set | *attr_clear) & MOUNT_ATTR__ATIME)
		*attr_clear |= MOUNT_ATTR__ATIME;
}
