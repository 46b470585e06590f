#include "engine/init_option.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int program_check(const char *given, char resolved[static PATH_MAX], Err *e)
{
	struct stat st;
	if (!realpath(given, resolved) || stat(resolved, &st) < 0)
		return err_sys(e, "--init-path '%s'", given);
	if (!S_ISREG(st.st_mode) || access(resolved, X_OK) < 0)
		return err_make(e, ERR_USAGE, 0,
				"--init-path '%s': not a file that can be executed", given);
	return 0;
}

/* The place must be in a /dev of the container's own: in one of the host a file would have to be made for the mount, and stay. */
static int place_check(const Spec *s, Err *e)
{
	for (size_t i = 0; i < s->mounts_count; i++) {
		const SpecMount *m = &s->mounts[i];
		bool own = m->type && strcmp(m->type, "tmpfs") == 0;
		if (strcmp(m->destination, INIT_PLACE) == 0 ||
		    (strcmp(m->destination, "/dev") == 0 && !own))
			return err_make(e, ERR_USAGE, 0,
					"--init-path: its program is mounted on " INIT_PLACE
					", where something else is mounted on %s",
					m->destination);
	}
	return 0;
}

int init_option_fill(const RunContext *c, Spec *s, Err *e)
{
	const char *given = c->request->init_path;
	char resolved[PATH_MAX];
	StrList args = { 0 };
	if (!given)
		return 0;
	TRY(program_check(given, resolved, e));
	TRY(place_check(s, e));
	*arena_push(c->arena, &s->mounts, &s->mounts_count, SpecMount) = (SpecMount){
		.type = "bind",
		.source = arena_strdup(c->arena, resolved),
		.destination = INIT_PLACE,
		.options = str_split(c->arena, "bind,ro,nosuid,nodev,rprivate", ','),
	};
	strlist_add(c->arena, &args, INIT_PLACE);
	strlist_add(c->arena, &args, "--");
	for (size_t i = 0; i < s->process.args.count; i++)
		strlist_add(c->arena, &args, s->process.args.items[i]);
	s->process.args = args;
	return 0;
}
