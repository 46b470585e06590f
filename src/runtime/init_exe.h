/* init_exe.h - the program init, ready to be executed from memory.                    (runtime/, may include base)
 *
 * Why:       a process in the container could open /proc/PID/exe of whatever runs there; what it finds must not be the file on the
 *            host (CVE-2019-5736). A sealed memfd can be read, but never changed, by anybody.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* PREFIX/libexec/mydocker/NAME, where this program is PREFIX/bin/...: what is executed from there by its path. */
int libexec_path(const char *name, Arena *a, const char **ret, Err *e);

/* Finds init from where this program stands (../libexec/mydocker/init beside bin/), copies it into a sealed memfd (close-on-exec).
 * -ENOENT names the path that was tried. memfd_create(2), Linux 3.17; vm.memfd_noexec=2 forbids it and is named. */
int init_exe_open(int *ret_fd, Err *e);
