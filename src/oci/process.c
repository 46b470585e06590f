#include "oci/process.h"

#include <string.h>

#include "base/fd.h"
#include "engine/user.h"

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");
	return strncmp(a, b, len) == 0 && (b[len] == '=' || b[len] == '\0');
}

static bool is_named_later(const StrList *env, size_t at)
{
	for (size_t i = at + 1; i < env->count; i++)
		if (same_name(env->items[at], env->items[i]))
			return true;
	return false;
}

static bool is_home(const char *variable)
{
	return same_name("HOME", variable);
}

static const char *home_of(uint32_t uid, int root_fd, Arena *a)
{
	User user;
	if (root_fd < 0 || user_lookup(root_fd, arena_printf(a, "%u", uid), a, &user, NULL) < 0)
		return "/";
	return user.home;
}

void oci_process_finish(SpecProcess *p, int root_fd, Arena *a)
{
	StrList env = { 0 };
	bool has_home = false;
	for (size_t i = 0; i < p->env.count; i++) {
		const char *v = p->env.items[i];
		if (is_named_later(&p->env, i) || strcmp(v, "HOME=") == 0)
			continue;
		has_home = has_home || is_home(v);
		strlist_add(a, &env, v);
	}
	if (!has_home)
		strlist_add(a, &env, arena_printf(a, "HOME=%s", home_of(p->uid, root_fd, a)));
	p->env = env;
}
