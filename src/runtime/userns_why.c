#include "runtime/userns_why.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

/* Namespaces that a container has of its own, each with a limit; "0" switches the kind off. */
static const char *const limits[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup" };

static bool file_says(const char *root, const char *path, const char *value)
{
	char full[PATH_MAX], text[64];
	return str_format(full, sizeof full, "%s%s", root, path) >= 0 &&
	       fd_read_text_at(AT_FDCWD, full, text, sizeof text) >= 0 && strcmp(text, value) == 0;
}

static bool has_filter(const char *root)
{
	char full[PATH_MAX], text[4096];
	return str_format(full, sizeof full, "%s/proc/self/status", root) >= 0 &&
	       fd_read_text_at(AT_FDCWD, full, text, sizeof text) >= 0 &&
	       strstr(text, "\nSeccomp:\t2");
}

static int limit_reached(const char *root, Err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		char path[64];
		if (str_format(path, sizeof path, "/proc/sys/user/max_%s_namespaces", limits[i]) >= 0 &&
		    file_says(root, path, "0"))
			return err_make(e, ERR_STATE, ENOSPC,
					"make namespaces: the sysctl user.max_%s_namespaces is 0, which switches them off",
					limits[i]);
	}
	return err_make(e, ERR_STATE, ENOSPC,
			"make namespaces: one of the sysctls user.max_*_namespaces is reached, or they are nested "
			"too deeply");
}

int userns_why_not_made(const char *root, int r, Err *e)
{
	if (r == -ENOSPC)
		return limit_reached(root, e);
	if (r != -EPERM && r != -EACCES)
		return r;
	if (file_says(root, "/proc/sys/kernel/unprivileged_userns_clone", "0"))
		return err_make(e, ERR_STATE, -r,
				"make a user namespace: the sysctl kernel.unprivileged_userns_clone is 0; set it to 1, or run as root");
	if (file_says(root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
		return err_make(e, ERR_STATE, -r,
				"make a user namespace: the sysctl kernel.apparmor_restrict_unprivileged_userns is 1; set it to 0, give "
				"mydocker an AppArmor profile with 'userns', or run as root");
	if (file_says(root, "/proc/self/uid_map", ""))
		return err_make(e, ERR_STATE, -r,
				"make a user namespace: the one that mydocker runs in has no id for it (/proc/self/uid_map is empty)");
	if (has_filter(root))
		return err_make(e, ERR_STATE, -r,
				"make a user namespace: a seccomp filter is on this process and may forbid it, as docker's does in its containers");
	return r;
}

/* AppArmor lets the namespace be made, and then takes every capability in it away. */
int userns_why_powerless(const char *root, int r, Err *e)
{
	if ((r != -EPERM && r != -EACCES) ||
	    !file_says(root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
		return r;
	const Err first = *e;
	return err_make(e, (ErrKind)first.kind, first.sys,
			"%s; the sysctl kernel.apparmor_restrict_unprivileged_userns is 1: set it to 0, give mydocker an AppArmor profile "
			"with 'userns', or run as root",
			first.msg);
}
