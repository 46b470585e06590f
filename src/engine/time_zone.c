#include "engine/time_zone.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define ZONES "/usr/share/zoneinfo"

/* Words with slashes between them: nothing that leads elsewhere. */
static bool is_zone_name(const char *zone)
{
	if (*zone == '/' || !*zone || str_ends(zone, "/"))
		return false;
	for (const char *p = zone; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (*p == '.' || *p == '/')
			return false;
	}
	return true;
}

/* Only a time zone's file is given away: tzfile(5) begins with these letters. */
static int zone_file_check(const char *zone, const char *path, Err *e)
{
	char head[4];
	struct stat st;
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? err_make(e, ERR_USAGE, 0,
						  "time zone '%s': the host has no %s", zone, path)
				       : err_sys(e, "time zone '%s': open %s", zone, path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "time zone '%s': look at %s", zone, path);
	if (!S_ISREG(st.st_mode) || read(fd, head, sizeof head) != (ssize_t)sizeof head ||
	    memcmp(head, "TZif", sizeof head) != 0)
		return err_make(e, ERR_USAGE, 0, "time zone '%s': %s is no time zone's file", zone,
				path);
	return 0;
}

int time_zone_mount(const char *zone, Arena *a, SpecMount *ret, Err *e)
{
	bool local = strcmp(zone, "local") == 0;
	if (!is_zone_name(zone))
		return err_make(e, ERR_USAGE, 0,
				"time zone '%s': not a name such as Europe/Berlin, nor 'local'", zone);
	const char *path = local ? "/etc/localtime" : arena_printf(a, "%s/%s", ZONES, zone);
	TRY(zone_file_check(zone, path, e));
	*ret = (SpecMount){ .type = "bind",
			    .source = path,
			    .destination = "/etc/localtime",
			    .options = str_split(a, "bind,rprivate,ro,nosuid,nodev,noexec", ',') };
	return 0;
}
