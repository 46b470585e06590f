/* calls.h - each call of the C library by which the programs act on the world, or look at it.       (tests/fail)
 *
 * Rows:      name, kind, what it returns when it fails, with which errno, which argument is a path or name for the log (0: none).
 * Kinds:     OUT  leaves something outside of the process, or takes it away: it may fail, and the process may die before and after it
 *            WAIT may take long, because of others: the same
 *            OWN  looks, or changes the process alone: it may fail; to die there is to die after the OUT before it
 *            OPEN is OUT with O_CREAT, else OWN
 * Errno:     one that this call really gives on a host in trouble: a full disk, too many descriptors, no memory.
 * Read by:   points.c; meson.build, for -Wl,--wrap=NAME; tests/lint/calls, which knows whatever else the programs take from libc.
 */
/* clang-format off */
#define CALLS(X) \
	X(access,            OWN,  -1, EACCES, 1) \
	X(bind,              OUT,  -1, ENOSPC, 0) \
	X(calloc,            OWN,   0, ENOMEM, 0) \
	X(chdir,             OWN,  -1, EACCES, 1) \
	X(chmod,             OUT,  -1, EROFS,  1) \
	X(chroot,            OUT,  -1, EPERM,  1) \
	X(connect,           WAIT, -1, ECONNREFUSED, 0) \
	X(dup2,              OWN,  -1, EMFILE, 0) \
	X(eventfd,           OWN,  -1, EMFILE, 0) \
	X(execve,            OUT,  -1, ENOMEM, 1) \
	X(faccessat,         OWN,  -1, EACCES, 2) \
	X(fchdir,            OWN,  -1, EACCES, 0) \
	X(fchmod,            OUT,  -1, EROFS,  0) \
	X(fchmodat,          OUT,  -1, EROFS,  2) \
	X(fchown,            OUT,  -1, EROFS,  0) \
	X(fchownat,          OUT,  -1, EROFS,  2) \
	X(fcntl,             OWN,  -1, ENOMEM, 0) \
	X(fdopendir,         OWN,   0, ENOMEM, 0) \
	X(flock,             WAIT, -1, ENOLCK, 0) \
	X(fsync,             OUT,  -1, EIO,    0) \
	X(fsetxattr,         OUT,  -1, EOPNOTSUPP, 2) \
	X(fstat,             OWN,  -1, EIO,    0) \
	X(fstatat,           OWN,  -1, EIO,    2) \
	X(fstatfs,           OWN,  -1, EIO,    0) \
	X(ftruncate,         OUT,  -1, EROFS,  0) \
	X(futimens,          OUT,  -1, EROFS,  0) \
	X(getcwd,            OWN,   0, ENOENT, 0) \
	X(gethostname,       OWN,  -1, EFAULT, 0) \
	X(getrandom,         OWN,  -1, ENOSYS, 0) \
	X(getrlimit,         OWN,  -1, EPERM,  0) \
	X(getxattr,          OWN,  -1, ENOMEM, 1) \
	X(inotify_add_watch, OWN,  -1, ENOSPC, 2) \
	X(inotify_init1,     OWN,  -1, EMFILE, 0) \
	X(ioctl,             OUT,  -1, EIO,    0) \
	X(linkat,            OUT,  -1, ENOSPC, 4) \
	X(lseek,             OWN,  -1, EINVAL, 0) \
	X(lsetxattr,         OUT,  -1, ENOSPC, 1) \
	X(lstat,             OWN,  -1, EIO,    1) \
	X(memfd_create,      OWN,  -1, EMFILE, 1) \
	X(mkdir,             OUT,  -1, ENOSPC, 1) \
	X(mkdirat,           OUT,  -1, ENOSPC, 2) \
	X(mkfifoat,          OUT,  -1, EROFS,  2) \
	X(mknodat,           OUT,  -1, ENOSPC, 2) \
	X(mmap,              OWN,  -1, ENOMEM, 0) \
	X(mount,             OUT,  -1, ENOMEM, 2) \
	X(nanosleep,         WAIT, -1, EINTR,  0) \
	X(open,              OPEN, -1, EMFILE, 1) \
	X(openat,            OPEN, -1, EMFILE, 2) \
	X(opendir,           OWN,   0, EMFILE, 1) \
	X(personality,       OUT,  -1, EINVAL, 0) \
	X(pipe2,             OWN,  -1, EMFILE, 0) \
	X(poll,              WAIT, -1, ENOMEM, 0) \
	X(prctl,             OUT,  -1, EPERM,  0) \
	X(pread,             OWN,  -1, EIO,    0) \
	X(pwrite,            OUT,  -1, ENOSPC, 0) \
	X(raise,             OUT,  -1, EPERM,  0) \
	X(read,              OWN,  -1, EIO,    0) \
	X(readdir,           OWN,   0, EIO,    0) \
	X(readlink,          OWN,  -1, EIO,    1) \
	X(readlinkat,        OWN,  -1, EIO,    2) \
	X(realloc,           OWN,   0, ENOMEM, 0) \
	X(realpath,          OWN,   0, EIO,    1) \
	X(recv,              WAIT, -1, ENOBUFS, 0) \
	X(recvmsg,           WAIT, -1, ENOMEM, 0) \
	X(renameat,          OUT,  -1, ENOSPC, 2) \
	X(rmdir,             OUT,  -1, EIO,    1) \
	X(sched_getaffinity, OWN,  -1, ENOMEM, 0) \
	X(send,              OUT,  -1, ENOBUFS, 0) \
	X(setdomainname,     OUT,  -1, EPERM,  1) \
	X(setns,             OUT,  -1, EPERM,  0) \
	X(sendfile,          OWN,  -1, EIO,    0) \
	X(sendmsg,           OUT,  -1, ENOBUFS, 0) \
	X(sethostname,       OUT,  -1, EPERM,  1) \
	X(setrlimit,         OWN,  -1, EPERM,  0) \
	X(setsid,            OUT,  -1, EPERM,  0) \
	X(sigaction,         OWN,  -1, EINVAL, 0) \
	X(socket,            OWN,  -1, EMFILE, 0) \
	X(socketpair,        OWN,  -1, EMFILE, 0) \
	X(stat,              OWN,  -1, EIO,    1) \
	X(statfs,            OWN,  -1, EIO,    1) \
	X(statvfs,           OWN,  -1, EIO,    1) \
	X(symlinkat,         OUT,  -1, ENOSPC, 3) \
	X(syncfs,            OUT,  -1, EIO,    0) \
	X(sysinfo,           OWN,  -1, EFAULT, 0) \
	X(tcgetattr,         OWN,  -1, EIO,    0) \
	X(tcsetattr,         OUT,  -1, EIO,    0) \
	X(umount2,           OUT,  -1, EBUSY,  1) \
	X(uname,             OWN,  -1, EFAULT, 0) \
	X(unlink,            OUT,  -1, EIO,    1) \
	X(unlinkat,          OUT,  -1, EIO,    2) \
	X(unshare,           OUT,  -1, ENOSPC, 0) \
	X(utimensat,         OUT,  -1, EROFS,  2) \
	X(waitid,            WAIT, -1, ECHILD, 0) \
	X(write,             OUT,  -1, ENOSPC, 0)

/* What goes through syscall(2): name, kind, errno, which argument is a path or name, counted from the one after the number. */
#define SYSCALLS(X) \
	X(bpf,               OUT,  EPERM,  0) \
	X(capget,            OWN,  EINVAL, 0) \
	X(capset,            OUT,  EPERM,  0) \
	X(clock_gettime,     OWN,  EINVAL, 0) \
	X(clone3,            OUT,  EAGAIN, 0) \
	X(close_range,       OWN,  ENOMEM, 0) \
	X(execveat,          OUT,  ENOMEM, 0) \
	X(exit_group,        OWN,  EPERM,  0) \
	X(faccessat,         OWN,  EACCES, 2) \
	X(faccessat2,        OWN,  EACCES, 2) \
	X(fsconfig,          OUT,  ENOMEM, 3) \
	X(fsmount,           OUT,  ENOMEM, 0) \
	X(fsopen,            OWN,  EMFILE, 1) \
	X(fspick,            OWN,  EMFILE, 2) \
	X(getcwd,            OWN,  ENOENT, 0) \
	X(getdents64,        OWN,  EIO,    0) \
	X(kill,              OUT,  EPERM,  0) \
	X(ioprio_set,        OUT,  EPERM,  0) \
	X(keyctl,            OUT,  EDQUOT, 0) \
	X(landlock_create_ruleset, OWN, ENOMEM, 0) \
	X(mount_setattr,     OUT,  ENOMEM, 2) \
	X(move_mount,        OUT,  ENOMEM, 4) \
	X(open_tree,         OUT,  EMFILE, 2) \
	X(openat2,           OPEN, EMFILE, 2) \
	X(pipe2,             OWN,  EMFILE, 0) \
	X(pidfd_open,        OWN,  EMFILE, 0) \
	X(pidfd_send_signal, OUT,  EPERM,  0) \
	X(pivot_root,        OUT,  EBUSY,  1) \
	X(prlimit64,         OUT,  EPERM,  0) \
	X(rt_sigaction,      OWN,  EINVAL, 0) \
	X(rt_sigprocmask,    OWN,  EINVAL, 0) \
	X(rt_sigtimedwait,   WAIT, EINTR,  0) \
	X(sched_getaffinity, OWN,  ENOMEM, 0) \
	X(sched_setaffinity, OUT,  EINVAL, 0) \
	X(sched_setattr,     OUT,  EPERM,  0) \
	X(seccomp,           OUT,  ENOMEM, 0) \
	X(set_mempolicy,     OUT,  ENOMEM, 0) \
	X(setgroups,         OUT,  EPERM,  0) \
	X(setns,             OUT,  EPERM,  0) \
	X(setresgid,         OUT,  EAGAIN, 0) \
	X(setresuid,         OUT,  EAGAIN, 0) \
	X(signalfd4,         OWN,  EMFILE, 0) \
	X(statx,             OWN,  EIO,    2) \
	X(utimensat,         OUT,  EROFS,  2) \
	X(wait4,             WAIT, ECHILD, 0)
/* clang-format on */
