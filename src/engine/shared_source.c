#include "engine/shared_source.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/mount_words.h"
#include "kern/mountinfo.h"

static unsigned long propagation_of(const SpecMount *m)
{
	unsigned long found = 0;
	for (size_t i = 0; i < m->options.count; i++) {
		const MountWord *w = mount_word_find(m->options.items[i]);
		if (w && w->kind == MOUNT_WORD_PROPAGATION)
			found = w->propagation & ~(unsigned long)MS_REC;
	}
	return found;
}

int shared_source_check(const SpecMount *m, bool in_userns, Arena *a, Err *e)
{
	MountInfo on;
	unsigned long wanted = propagation_of(m);
	if (wanted != MS_SHARED && wanted != MS_SLAVE)
		return 0;
	if (wanted == MS_SHARED && in_userns)
		return err_make(e, ERR_USAGE, 0,
				"mount on %s: the kernel lets no mount out of a user namespace; 'rslave' lets them in",
				m->destination);
	AUTO(fd_close) int source = openat(AT_FDCWD, m->source, O_PATH | O_CLOEXEC);
	if (source < 0)
		return 0; /* init says so */
	int r = mountinfo_of(source, a, &on, e);
	if (r < 0)
		return err_wrap(e, r, "mount on %s: '%s'", m->destination, m->source);
	if (on.shared || (on.slave && wanted == MS_SLAVE))
		return 0;
	return err_make(e, ERR_USAGE, 0,
			"mount on %s: '%s' is on %s, which is not a shared %smount; 'mount --make-shared %s' makes it one",
			m->destination, m->source, on.mountpoint,
			wanted == MS_SLAVE ? "or slave " : "", on.mountpoint);
}
