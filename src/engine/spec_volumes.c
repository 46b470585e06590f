#include "engine/spec_volumes.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "engine/mount_option.h"
#include "engine/shared_source.h"
#include "engine/time_zone.h"
#include "engine/volume.h"

int user_mount_add(UserMounts *u, SpecMount m, Err *e)
{
	Spec *s = u->spec;
	if (strlist_has(&u->places, m.destination))
		return err_make(e, ERR_USAGE, 0, "two mounts on %s", m.destination);
	strlist_add(u->context->arena, &u->places, m.destination);
	for (size_t i = 0; i < s->mounts_count; i++)
		if (strcmp(s->mounts[i].destination, m.destination) == 0) {
			s->mounts[i] = m;
			return 0;
		}
	*arena_push(u->context->arena, &s->mounts, &s->mounts_count, SpecMount) = m;
	return 0;
}

static int bind_or_fs_add(UserMounts *u, SpecMount m, Err *e)
{
	Arena *a = u->context->arena;
	if (strcmp(m.type, "bind") == 0) {
		TRY(shared_source_check(&m, run_has_userns(u->context), a, e));
		u->binds_dev |= strcmp(m.destination, "/dev") == 0;
	} else if (m.chown_source) { /* "U": a file system of its own is made for the user */
		strlist_add(a, &m.options, arena_printf(a, "uid=%u", u->spec->process.uid));
		strlist_add(a, &m.options, arena_printf(a, "gid=%u", u->spec->process.gid));
		m.chown_source = false;
	}
	return user_mount_add(u, m, e);
}

typedef int ParseFn(const char *text, const char *cwd, Arena *a, SpecMount *ret, Err *e);

static int tmpfs_option_parse(const char *text, const char *cwd, Arena *a, SpecMount *ret, Err *e)
{
	(void)cwd;
	return tmpfs_parse(text, a, ret, e);
}

static int fill_option(UserMounts *u, const StrList *texts, ParseFn *parse, const char *cwd, Err *e)
{
	for (size_t i = 0; i < texts->count; i++) {
		SpecMount m;
		TRY(parse(texts->items[i], cwd, u->context->arena, &m, e));
		TRY(bind_or_fs_add(u, m, e));
	}
	return 0;
}

static int fill_options(UserMounts *u, Err *e)
{
	const RunRequest *r = u->context->request;
	char cwd[PATH_MAX];
	if (r->volumes.count + r->mounts.count > 0 && !getcwd(cwd, sizeof cwd))
		cwd[0] = '\0'; /* only matters for relative sources, whose open then fails by name */
	TRY(fill_option(u, &r->volumes, volume_parse, cwd, e));
	TRY(fill_option(u, &r->mounts, mount_option_parse, cwd, e));
	TRY(fill_option(u, &r->tmpfs, tmpfs_option_parse, cwd, e));
	if (r->time_zone) {
		SpecMount m;
		TRY(time_zone_mount(r->time_zone, u->context->arena, &m, e));
		TRY(user_mount_add(u, m, e));
	}
	return 0;
}

/* Who mounts a /dev sees it as it is, docker's rule: ours below it go. But a terminal needs a devpts of the container's own. */
static void drop_below_dev(UserMounts *u)
{
	Spec *s = u->spec;
	size_t kept = 0;
	for (size_t i = 0; i < s->mounts_count; i++) {
		const char *place = s->mounts[i].destination;
		bool for_terminal = u->context->request->tty && strcmp(place, "/dev/pts") == 0;
		if (str_starts(place, "/dev/") && !for_terminal && !strlist_has(&u->places, place))
			continue;
		s->mounts[kept++] = s->mounts[i];
	}
	s->mounts_count = kept;
}

int spec_fill_volumes(const RunContext *c, Spec *s, Err *e)
{
	UserMounts u = { .context = c, .spec = s };
	TRY(fill_options(&u, e));
	if (u.binds_dev)
		drop_below_dev(&u);
	return spec_fill_devices(&u, e);
}
