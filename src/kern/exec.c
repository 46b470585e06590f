#include "kern/exec.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "kern/sys.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

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
static int search_exec(char *const *argv, char *const *envp, const char *place, Err *e)
{
	char path[PATH_MAX], found[PATH_MAX] = "";
	const char *name = argv[0];
	int number = 0;

	for (const char *rest = search_path(envp); rest;) {
		rest = candidate(rest, name, path, sizeof path);
		if (!*path)
			continue;
		(void)execve(path, argv, envp); /* it returned, so it failed */
		int failed = errno;
		if (failed != EACCES && failed != ENOENT && failed != ENOTDIR)
			return exec_why(path, failed, place, e);
		if (number == 0 && failed != ENOTDIR && is_file(path)) {
			number = failed;
			memcpy(found, path, sizeof found);
		}
	}
	if (number)
		return exec_why(found, number, place, e);
	return err_make(e, ERR_CMD_MISSING, 0, "exec: \"%s\": executable file not found in $PATH", name);
}

/* With the capabilities that execve(2) would look at, which access(2) does not. ENOSYS before Linux 5.8: execve(2) will tell. */
static bool may_execute(const char *path)
{
	return sys_faccessat2(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 || errno == ENOSYS;
}

int exec_find(const char *name, char *const *envp, const char *place, Err *e)
{
	char path[PATH_MAX], found[PATH_MAX] = "";
	struct stat st;
	if (strchr(name, '/')) {
		if (stat(name, &st) < 0)
			return exec_why(name, errno, place, e);
		return S_ISREG(st.st_mode) && may_execute(name) ? 0 : exec_why(name, EACCES, place, e);
	}
	for (const char *rest = *name ? search_path(envp) : NULL; rest;) {
		rest = candidate(rest, name, path, sizeof path);
		if (is_file(path) && may_execute(path))
			return 0;
		if (!*found && is_file(path))
			memcpy(found, path, sizeof found);
	}
	if (*found)
		return exec_why(found, EACCES, place, e);
	return err_make(e, ERR_CMD_MISSING, 0, "exec: \"%s\": executable file not found in $PATH", name);
}

int exec_command(char *const *argv, char *const *envp, const char *place, Err *e)
{
	const char *name = argv[0];
	if (!*name)
		return err_make(e, ERR_CMD_MISSING, 0, "exec: \"\": the name of the command is empty");
	if (!strchr(name, '/'))
		return search_exec(argv, envp, place, e);
	(void)execve(name, argv, envp); /* it returned, so it failed */
	return exec_why(name, errno, place, e);
}
