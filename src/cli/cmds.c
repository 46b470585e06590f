#include <string.h>

#include "base/suggest.h"
#include "cli/cmd.h"

const Cmd *const cmds[] = { &cmd_run,  &cmd_explain, &cmd_why,   &cmd_pull,   &cmd_images,
			    &cmd_tag,  &cmd_rmi,     &cmd_login, &cmd_logout, &cmd_unshare,
			    &cmd_info, &cmd_version, &cmd_help,  &cmd_dump };
const size_t cmds_count = ARRAY_LEN(cmds);

/* What docker and podman have and we do not have yet: said by name. Those with a space are found before their first word. */
static const char *const later[] = {
	"attach",  "auto-update", "build",     "builder", "buildx",   "checkpoint",  "commit",
	"compose", "config",      "container", "context", "cp",       "create",      "diff",
	"events",  "exec",        "export",    "farm",    "generate", "healthcheck", "history",
	"image",   "import",      "init",      "inspect", "kill",     "kube",        "load",
	"logs",    "machine",     "manifest",  "mount",   "network",  "node",        "pause",
	"plugin",  "pod",         "port",      "ps",      "push",     "quadlet",     "rename",
	"restart", "restore",     "rm",        "save",    "search",   "secret",      "service",
	"stack",   "start",       "stats",     "stop",    "swarm",    "system",      "top",
	"trust",   "umount",      "unmount",   "unpause", "untag",    "update",      "volume",
	"wait",
};

/* The groups of commands: what follows them is part of the command's name. */
static const char *const families[] = {
	"builder", "buildx",      "checkpoint", "compose", "config",   "container",
	"context", "healthcheck", "image",      "kube",    "manifest", "network",
	"node",    "plugin",      "pod",        "quadlet", "secret",   "service",
	"stack",   "swarm",       "system",     "trust",   "volume",
};

static bool is_one_of(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* Whether `name` is one of the command's aliases, which are separated by ", ". */
static bool has_alias(const Cmd *cmd, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = cmd->aliases; at && *at;) {
		size_t n = strcspn(at, ",");
		if (n == len && memcmp(at, name, n) == 0)
			return true;
		at += n + strspn(at + n, ", ");
	}
	return false;
}

static const Cmd *find(const char *name)
{
	for (size_t i = 0; i < cmds_count; i++)
		if (strcmp(cmds[i]->name, name) == 0 || has_alias(cmds[i], name))
			return cmds[i];
	return NULL;
}

static int unknown(const char *name, Err *e)
{
	Suggest s = SUGGEST_FOR(name, strlen(name));
	for (size_t i = 0; i < cmds_count; i++)
		if (cmds[i]->group != CMD_HIDDEN)
			suggest_try(&s, cmds[i]->name);
	if (s.best)
		return err_make(e, ERR_NOT_FOUND, 0, "unknown command '%s', did you mean '%s'?",
				name, s.best);
	return err_make(e, ERR_NOT_FOUND, 0, "unknown command '%s'", name);
}

int cmd_find(int argc, char **argv, const Cmd **ret, Err *e)
{
	char name[64];
	int words = argc > 1 && argv[1][0] != '-' && is_one_of(families, ARRAY_LEN(families), argv[0])
			    ? 2
			    : 1;
	if (words == 2 && str_format(name, sizeof name, "%s %s", argv[0], argv[1]) < 0)
		words = 1;
	if (words == 1 && str_format(name, sizeof name, "%s", argv[0]) < 0)
		return unknown(argv[0], e);

	const Cmd *cmd = find(name);
	if (cmd) {
		*ret = cmd;
		return words;
	}
	if (is_one_of(later, ARRAY_LEN(later), argv[0]))
		return err_make(e, ERR_NOT_FOUND, 0, "command '%s' is not there yet", name);
	return unknown(argv[0], e);
}
