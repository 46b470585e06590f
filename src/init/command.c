/* Finding the command and becoming it. */
#include <limits.h>
#include <sys/mman.h>

#include "base/str.h"
#include "init/init.h"
#include "kern/sys.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* argv and envp as execve(2) wants them: both, each ended by NULL, in one piece of fresh memory. */
static int vectors_make(const WirePlan *p, char ***ret_argv, char ***ret_envp, Err *e)
{
	size_t count = (size_t)p->argv.count + p->envp.count + 2;
	char **v = mmap(NULL, count * sizeof *v, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v == MAP_FAILED)
		return err_sys(e, "memory for %zu arguments and variables", count);
	*ret_argv = v;
	*ret_envp = v + p->argv.count + 1;
	for (uint32_t i = 0; i < p->argv.count; i++)
		(*ret_argv)[i] = (char *)(uintptr_t)wire_text(p, WIRE_ITEMS(p, argv, WireStr)[i]);
	for (uint32_t i = 0; i < p->envp.count; i++)
		(*ret_envp)[i] = (char *)(uintptr_t)wire_text(p, WIRE_ITEMS(p, envp, WireStr)[i]);
	return 0;
}

static const char *search_path(char *const *envp)
{
	for (; *envp; envp++) {
		const char *value = str_after(*envp, "PATH=");
		if (value)
			return value;
	}
	return PATH_DEFAULT;
}

/* "DIR/NAME" of the entry that path begins with; an empty entry is the working directory. Returns what follows it, or NULL after
 * the last one; *out is "" when the entry is too long. */
static const char *candidate(const char *path, const char *name, char *out, size_t size)
{
	size_t len = strcspn(path, ":");
	if (str_format(out, size, "%.*s%s%s", (int)len, path, len ? "/" : "./", name) < 0)
		out[0] = '\0';
	return path[len] ? path + len + 1 : NULL;
}

static bool is_file(const char *path)
{
	struct stat st;
	return *path && stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* Executing is the search: what succeeds does not return. What exists but cannot be run is remembered, and the search goes on, as
 * in execvp(3); only when nothing runs do we say why. */
static int search_exec(const char *name, char *const *argv, char *const *envp, Err *e)
{
	char path[PATH_MAX], found[PATH_MAX] = "";
	int number = 0;

	for (const char *rest = search_path(envp); rest;) {
		rest = candidate(rest, name, path, sizeof path);
		if (!*path)
			continue;
		(void)execve(path, argv, envp); /* it returned, so it failed */
		int failed = errno;
		if (failed != EACCES && failed != ENOENT && failed != ENOTDIR)
			return command_why(path, failed, e);
		if (number == 0 && failed != ENOTDIR && is_file(path)) {
			number = failed;
			memcpy(found, path, sizeof found);
		}
	}
	if (number)
		return command_why(found, number, e);
	return err_make(e, ERR_CMD_MISSING, 0, "exec: \"%s\": executable file not found in $PATH", name);
}

int command_exec(const Init *in, Err *e)
{
	char **argv = NULL, **envp = NULL;
	if (in->plan->argv.count == 0)
		return err_make(e, ERR_SPEC, 0, "no command is given");
	TRY(vectors_make(in->plan, &argv, &envp, e));
	const char *name = argv[0];
	if (!*name)
		return err_make(e, ERR_CMD_MISSING, 0, "exec: \"\": the name of the command is empty");
	if (!strchr(name, '/'))
		return search_exec(name, argv, envp, e);
	(void)execve(name, argv, envp); /* it returned, so it failed */
	return command_why(name, errno, e);
}
