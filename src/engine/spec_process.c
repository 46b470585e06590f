#include <ctype.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/num.h"
#include "base/rlimits.h"
#include "base/suggest.h"
#include "engine/spec_fill.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define NOFILE_MOST  ((uint64_t)1 << 20)

/* Adds NAME=VALUE, in the place of an earlier value of the same name. */
static void env_set(Arena *a, StrList *env, const char *pair)
{
	size_t name = strcspn(pair, "=") + 1;
	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], pair, name) == 0) {
			env->items[i] = pair;
			return;
		}
	strlist_add(a, env, pair);
}

static bool env_has(const StrList *env, const char *name_and_equals)
{
	for (size_t i = 0; i < env->count; i++)
		if (str_starts(env->items[i], name_and_equals))
			return true;
	return false;
}

/* A variable that is there unless --unsetenv or --unsetenv-all takes it away. */
static void env_add_default(const RunContext *c, StrList *env, const char *name, const char *value)
{
	if (!c->request->unsetenv_all && !strlist_has(&c->request->unsetenv, name))
		strlist_add(c->arena, env, arena_printf(c->arena, "%s=%s", name, value));
}

static void fill_env(const RunContext *c, SpecProcess *p)
{
	Arena *a = c->arena;
	env_add_default(c, &p->env, "PATH", DEFAULT_PATH);
	env_add_default(c, &p->env, "HOSTNAME", c->hostname);
	if (c->request->tty)
		env_add_default(c, &p->env, "TERM", "xterm");
	for (size_t i = 0; i < c->request->env.count; i++)
		env_set(a, &p->env, c->request->env.items[i]);
	if (!env_has(&p->env, "HOME="))
		env_add_default(c, &p->env, "HOME", c->user.home);
}

static int fill_args(const RunContext *c, SpecProcess *p, Err *e)
{
	const RunRequest *r = c->request;
	if (r->entrypoint && *r->entrypoint)
		strlist_add(c->arena, &p->args, r->entrypoint);
	for (size_t i = 0; i < r->argv.count; i++)
		strlist_add(c->arena, &p->args, r->argv.items[i]);
	if (p->args.count == 0)
		return err_make(e, ERR_USAGE, 0, "no command: give one after --rootfs DIR");
	if (p->args.items[0][0] == '\0')
		return err_make(e, ERR_CMD_MISSING, 0, "exec: \"\": the command's name is empty");
	return 0;
}

/* execve(2) says "Argument list too long" of a single string, too, and not of which. */
static int strings_check(const StrList *l, const char *what, Err *e)
{
	size_t most = 32 * (size_t)sysconf(_SC_PAGESIZE); /* MAX_ARG_STRLEN of the kernel, with the NUL */
	for (size_t i = 0; i < l->count; i++) {
		size_t len = strlen(l->items[i]);
		if (len >= most)
			return err_make(e, ERR_CMD_INVOKE, E2BIG,
					"%s %zu, which begins with '%.40s', has %zu bytes; the kernel takes at most %zu",
					what, i, l->items[i], len, most - 1);
	}
	return 0;
}

static int fill_cwd(const RunContext *c, SpecProcess *p, Err *e)
{
	const char *dir = c->request->workdir;
	if (dir && dir[0] != '/')
		return err_make(e, ERR_USAGE, 0, "working directory '%s': must be an absolute path",
				dir);
	p->cwd = dir ? path_clean(c->arena, dir) : "/";
	return 0;
}

static void fill_terminal(const RunContext *c, SpecProcess *p)
{
	struct winsize size;
	p->terminal = c->request->tty;
	if (p->terminal && (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ||
			    ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)) {
		p->console_height = size.ws_row;
		p->console_width = size.ws_col;
	}
}

/* One value of --ulimit; -1 and "unlimited" mean no limit. */
static int limit_value(const char *text, uint64_t *ret)
{
	if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	return num_parse_u64(text, INT64_MAX, ret);
}

static int unknown_limit(const char *name, Arena *a, Err *e)
{
	Suggest s = SUGGEST_FOR(name, strlen(name));
	for (int i = 0; i < RLIMIT_NAME_COUNT; i++) {
		char *known = arena_strdup(a, rlimit_name(i) + strlen("RLIMIT_"));
		for (char *p = known; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		suggest_try(&s, known);
	}
	return err_make(e, ERR_USAGE, 0, "ulimit '%s': no such limit%s%s%s", name,
			s.best ? ", did you mean " : "", s.best ? s.best : "", s.best ? "?" : "");
}

/* "nofile=1024:2048" or "nofile=1024" */
static int ulimit_parse(const char *text, Arena *a, SpecRlimit *ret, Err *e)
{
	const char *equals = strchr(text, '=');
	if (!equals)
		return err_make(e, ERR_USAGE, 0, "ulimit '%s': not of the form NAME=SOFT[:HARD]", text);
	const char *name = arena_strndup(a, text, (size_t)(equals - text));
	int resource = rlimit_from_name(name);
	if (resource < 0)
		return unknown_limit(name, a, e);
	StrList values = str_split(a, equals + 1, ':');
	ret->resource = resource;
	if (values.count > 2 || limit_value(values.items[0], &ret->soft) < 0 ||
	    limit_value(values.items[values.count - 1], &ret->hard) < 0)
		return err_make(e, ERR_USAGE, 0,
				"ulimit '%s': '%s' is not SOFT[:HARD], whole numbers or -1", name,
				equals + 1);
	if (ret->soft > ret->hard)
		return err_make(e, ERR_USAGE, 0,
				"ulimit '%s': the soft limit is above the hard limit", name);
	return 0;
}

static void rlimit_set(Arena *a, SpecProcess *p, SpecRlimit limit)
{
	for (size_t i = 0; i < p->rlimits_count; i++)
		if (p->rlimits[i].resource == limit.resource) {
			p->rlimits[i] = limit;
			return;
		}
	*arena_push(a, &p->rlimits, &p->rlimits_count, SpecRlimit) = limit;
}

/* No core files unless asked for: the host's core_pattern handler would get them. Many programs close every possible descriptor
 * one by one, so the number of those is bounded. */
static int fill_rlimits(const RunContext *c, SpecProcess *p, Err *e)
{
	uint64_t nofile = c->facts->nofile_hard < NOFILE_MOST ? c->facts->nofile_hard : NOFILE_MOST;
	rlimit_set(c->arena, p,
		   (SpecRlimit){
			   .resource = RLIMIT_CORE, .soft = 0, .hard = RLIM_INFINITY, .is_default = true });
	rlimit_set(c->arena, p,
		   (SpecRlimit){
			   .resource = RLIMIT_NOFILE, .soft = nofile, .hard = nofile, .is_default = true });
	for (size_t i = 0; i < c->request->ulimits.count; i++) {
		SpecRlimit limit = { 0 };
		TRY(ulimit_parse(c->request->ulimits.items[i], c->arena, &limit, e));
		rlimit_set(c->arena, p, limit);
	}
	return 0;
}

static bool gid_is_mapped(const SpecLinux *l, uint32_t gid)
{
	for (size_t i = 0; i < l->gid_mappings_count; i++)
		if (gid >= l->gid_mappings[i].container_id &&
		    gid - l->gid_mappings[i].container_id < l->gid_mappings[i].size)
			return true;
	return l->gid_mappings_count == 0;
}

/* The own group first, else files that shut it out by their group's permissions would be open (CVE-2022-36109), then those of the
 * root's /etc/group. Nobody asked for these by name: what the user namespace cannot have is left out. */
static int fill_groups(const RunContext *c, Spec *s, Err *e)
{
	SpecProcess *p = &s->process;
	const uint32_t *asked;
	uint32_t *gids = NULL;
	size_t count = 0, asked_count;
	TRY(user_find_groups(c->root_fd, &c->request->group_add, c->arena, &asked, &asked_count, e));
	if (userns_allows_setgroups(c->facts, &c->ids.gids)) {
		*arena_push(c->arena, &gids, &count, uint32_t) = c->user.gid;
		for (size_t i = 0; i < c->user.groups_count; i++)
			if (c->user.groups[i] != c->user.gid &&
			    gid_is_mapped(&s->linux_, c->user.groups[i]))
				*arena_push(c->arena, &gids, &count, uint32_t) = c->user.groups[i];
	}
	for (size_t i = 0; i < asked_count; i++)
		*arena_push(c->arena, &gids, &count, uint32_t) = asked[i];
	p->additional_gids = gids;
	p->additional_gids_count = count;
	return 0;
}

static int fill_umask(const RunContext *c, SpecProcess *p, Err *e)
{
	const char *text = c->request->umask ? c->request->umask : "0022";
	size_t len = strlen(text);
	if (len == 0 || len > 4 || strspn(text, "01234567") != len)
		return err_make(e, ERR_USAGE, 0,
				"umask '%s': not an octal number of at most four digits", text);
	for (; *text; text++)
		p->umask = p->umask * 8 + (uint32_t)(*text - '0');
	if (p->umask > 0777)
		return err_make(e, ERR_USAGE, 0, "umask '%s': above 0777", c->request->umask);
	p->has_umask = true;
	return 0;
}

static int fill_oom_score_adj(const RunContext *c, SpecProcess *p, Err *e)
{
	int64_t n = c->request->oom_score_adj;
	if (n == SPEC_UNSET)
		return 0;
	if (n < -1000 || n > 1000)
		return err_make(e, ERR_USAGE, 0, "--oom-score-adj %lld: not between -1000 and 1000",
				(long long)n);
	p->oom_score_adj = (int32_t)n;
	p->has_oom_score_adj = true;
	return 0;
}

int spec_fill_process(const RunContext *c, Spec *s, Err *e)
{
	SpecProcess *p = &s->process;
	TRY(fill_args(c, p, e));
	fill_env(c, p);
	TRY(strings_check(&p->args, "argument", e));
	TRY(strings_check(&p->env, "environment variable", e));
	TRY(fill_cwd(c, p, e));
	TRY(fill_rlimits(c, p, e));
	TRY(fill_oom_score_adj(c, p, e));
	fill_terminal(c, p);
	p->uid = c->user.uid;
	p->gid = c->user.gid;
	TRY(fill_groups(c, s, e));
	TRY(fill_umask(c, p, e));
	return 0;
}
