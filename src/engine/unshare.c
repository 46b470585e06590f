#include "engine/unshare.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/dirs.h"
#include "engine/userns.h"
#include "kern/exec.h"
#include "runtime/userns_enter.h"

/* As execve(2) wants a list of strings, which it does not change. */
static char **vector_make(const StrList *l, Arena *a)
{
	char **v = arena_new_array(a, l->count + 1, char *);
	for (size_t i = 0; i < l->count; i++)
		v[i] = (char *)(uintptr_t)l->items[i];
	return v;
}

static char **argv_make(const UnshareRequest *r, Arena *a)
{
	StrList argv = r->argv;
	const char *shell = getenv("SHELL");
	if (argv.count == 0)
		strlist_add(a, &argv, shell && *shell ? shell : "/bin/sh");
	return vector_make(&argv, a);
}

/* The caller's, and where his containers are: the root that he is inside would have other folders. */
static int envp_make(const UnshareRequest *r, Arena *a, char ***ret, Err *e)
{
	const char *state, *root;
	StrList env = { 0 };
	TRY(dirs_state(r->state_dir, a, &state, e));
	TRY(dirs_root(r->root_dir, a, &root, e));
	for (char **v = environ; *v; v++)
		if (!str_starts(*v, DIRS_ENV_STATE "=") && !str_starts(*v, DIRS_ENV_ROOT "="))
			strlist_add(a, &env, *v);
	strlist_add(a, &env, arena_printf(a, DIRS_ENV_STATE "=%s", state));
	strlist_add(a, &env, arena_printf(a, DIRS_ENV_ROOT "=%s", root));
	*ret = vector_make(&env, a);
	return 0;
}

static int maps_choose(const HostFacts *f, Arena *a, UsernsMaps *ret, Err *e)
{
	const Userns usual = { 0 };
	SubidFiles files;
	UsernsIds ids;
	TRY(subid_files_read("", userns_needs_files(&usual, f), a, &files, e));
	const UsernsHost host = { .facts = f, .files = &files };
	TRY(userns_choose(&usual, &host, a, &ids, e));
	for (size_t i = 0; i < ids.warnings.count; i++)
		log_warn("%s", ids.warnings.items[i]);
	const SpecLinux maps = { .uid_mappings = ids.uids.items,
				 .uid_mappings_count = ids.uids.count,
				 .gid_mappings = ids.gids.items,
				 .gid_mappings_count = ids.gids.count };
	return userns_maps_plan(&maps, f, a, ret, e);
}

/* Who is root in a user namespace, with mounts of its own, is where `unshare` leads to, and stays. */
static int namespace_enter(const HostFacts *f, Arena *a, Err *e)
{
	UsernsMaps maps;
	if (f->privileged && f->first_user_ns)
		return err_make(e, ERR_STATE, 0,
				"unshare is for ordinary users: root has every id as it is; run the command itself");
	if (f->privileged)
		return 0;
	TRY(maps_choose(f, a, &maps, e));
	return userns_enter(&maps, a, e);
}

int engine_unshare(const UnshareRequest *r, Err *e)
{
	AUTO(arena_done) Arena arena = ARENA_EMPTY;
	HostFacts facts;
	char **envp, **argv = argv_make(r, &arena);
	TRY(envp_make(r, &arena, &envp, e));
	TRY(host_facts_probe("", 0, &arena, &facts, e));
	TRY(namespace_enter(&facts, &arena, e));
	return exec_command(argv, envp, "", e);
}
