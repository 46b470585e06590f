#include "engine/dirs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "fmt/json.h"
#include "kern/userns.h"

/* Records are JSON: a name that is no UTF-8 would not come back from there as it was. */
static int check_utf8(const char *path, Err *e)
{
	for (size_t left = strlen(path), n; left > 0; path += n, left -= n) {
		n = json_utf8_length(path, left);
		if (n == 0)
			return err_make(e, ERR_USAGE, EILSEQ,
					"the name of a directory is not UTF-8: '%s'", path);
	}
	return 0;
}

/* Symbolic links stay: who asks for a directory may move it. */
static int make_absolute(const char *path, Arena *a, const char **ret, Err *e)
{
	char cwd[PATH_MAX];
	if (!*path)
		return err_make(e, ERR_USAGE, 0, "the name of a directory is empty");
	if (path[0] != '/') {
		if (!getcwd(cwd, sizeof cwd))
			return err_sys(e, "find the current directory for '%s'", path);
		path = arena_printf(a, "%s/%s", cwd, path);
	}
	TRY(check_utf8(path, e));
	*ret = path_clean(a, path);
	return 0;
}

/* A variable that names an absolute directory; others are to be ignored, says the XDG specification. */
static const char *env_dir(const char *name)
{
	const char *value = getenv(name);
	return value && value[0] == '/' ? value : NULL;
}

/* The host's root does not listen: his environment may be that of whom he was before su(1). */
static const char *env_dir_of_unshare(const char *name)
{
	const char *value = env_dir(name);
	return value && geteuid() == 0 && !getauxval(AT_SECURE) && !userns_is_first() ? value : NULL;
}

int dirs_state(const char *asked, Arena *a, const char **ret, Err *e)
{
	if (asked)
		return make_absolute(asked, a, ret, e);
	const char *unshared = env_dir_of_unshare(DIRS_ENV_STATE);
	if (unshared)
		return make_absolute(unshared, a, ret, e);
	if (geteuid() == 0) {
		*ret = "/run/mydocker";
		return 0;
	}
	const char *runtime = env_dir("XDG_RUNTIME_DIR");
	if (!runtime) {
		struct stat st;
		char *dir = arena_printf(a, "/run/user/%u", geteuid());
		if (stat(dir, &st) == 0 && st.st_uid == geteuid())
			runtime = dir;
	}
	*ret = runtime ? arena_printf(a, "%s/mydocker", runtime)
		       : arena_printf(a, "/tmp/mydocker-%u", geteuid());
	return 0;
}

int dirs_root(const char *asked, Arena *a, const char **ret, Err *e)
{
	if (asked)
		return make_absolute(asked, a, ret, e);
	const char *unshared = env_dir_of_unshare(DIRS_ENV_ROOT);
	if (unshared)
		return make_absolute(unshared, a, ret, e);
	if (geteuid() == 0) {
		*ret = "/var/lib/mydocker";
		return 0;
	}
	const char *data = env_dir("XDG_DATA_HOME"), *home = env_dir("HOME");
	if (!data && !home)
		return err_make(e, ERR_STATE, 0,
				"neither HOME nor XDG_DATA_HOME names a directory; set one or use --root");
	*ret = data ? arena_printf(a, "%s/mydocker", data)
		    : arena_printf(a, "%s/.local/share/mydocker", home);
	return 0;
}

const char *dirs_user_config(Arena *a)
{
	const char *config = env_dir("XDG_CONFIG_HOME"), *home = env_dir("HOME");
	if (getauxval(AT_SECURE) || (!config && !home))
		return NULL;
	return config ? arena_printf(a, "%s/mydocker/config.json", config)
		      : arena_printf(a, "%s/.config/mydocker/config.json", home);
}
