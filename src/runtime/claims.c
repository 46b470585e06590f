#include "runtime/claims.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "runtime/record.h"

DEFINE_AUTO(DIR *, closedir, NULL)

static void ranges_append(Arena *a, IdRanges *to, const IdRanges *from)
{
	for (size_t i = 0; i < from->count; i++)
		id_ranges_add(a, to, from->items[i].start, from->items[i].size);
}

int claims_read(State *s, Arena *a, IdRanges *ret_uids, IdRanges *ret_gids, Err *e)
{
	int list = openat(s->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(closedir) DIR *d = list >= 0 ? fdopendir(list) : NULL;
	if (!d) {
		fd_close_auto(&list);
		return err_sys(e, "list %s/containers", s->path);
	}
	for (struct dirent *entry; (entry = readdir(d));) {
		Record r;
		if (entry->d_name[0] == '.')
			continue;
		AUTO(fd_close)
		int fd = openat(s->containers_fd, entry->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || record_read(fd, a, &r, NULL) < 0)
			continue;
		ranges_append(a, ret_uids, &r.uids);
		ranges_append(a, ret_gids, &r.gids);
	}
	return 0;
}
