#include "engine/seccomp_option.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "fmt/seccomp.h"
#include "fmt/seccomp_file.h"

bool seccomp_option_is_file(const char *option)
{
	return option && strcmp(option, "builtin") != 0 && strcmp(option, "unconfined") != 0;
}

/* A FIFO would block, and a device may start something when it is opened: so it is looked at first, and what was seen is opened. */
static int file_open(const char *file, off_t *ret_size, int *ret_fd, Err *e)
{
	char self[40];
	struct stat st;
	AUTO(fd_close) int seen = open(file, O_PATH | O_CLOEXEC);
	if (seen < 0)
		return err_sys(e, "open seccomp profile '%s'", file);
	if (fstat(seen, &st) < 0)
		return err_sys(e, "look at seccomp profile '%s'", file);
	if (!S_ISREG(st.st_mode))
		return err_make(e, ERR_USAGE, 0, "seccomp profile '%s' is not a regular file", file);
	if (st.st_size > (off_t)LIMIT_SECCOMP_BYTES)
		return err_make(e, ERR_USAGE, 0, "seccomp profile '%s' is larger than %u bytes",
				file, LIMIT_SECCOMP_BYTES);
	(void)str_format(self, sizeof self, "/proc/self/fd/%d", seen); /* it fits */
	int fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open seccomp profile '%s'", file);
	*ret_size = st.st_size;
	*ret_fd = fd;
	return 0;
}

static int file_read(const char *file, Arena *a, const char **ret_text, size_t *ret_len, Err *e)
{
	AUTO(fd_close) int fd = FD_NONE;
	off_t size;
	TRY(file_open(file, &size, &fd, e));
	char *text = arena_alloc(a, (size_t)size + 1); /* one more tells whether it has grown */
	ssize_t len = fd_read_up_to(fd, text, (size_t)size + 1);
	if (len < 0)
		return err_sys(e, "read seccomp profile '%s'", file);
	if (len > size)
		return err_make(e, ERR_USAGE, 0, "seccomp profile '%s' grew while it was read", file);
	*ret_text = text;
	*ret_len = (size_t)len;
	return 0;
}

/* Compiled here and not by the plan, so that rules which contradict each other are named with their file. */
static int fill_from_file(const RunContext *c, uint64_t caps, Spec *s, Err *e)
{
	const char *file = c->request->seccomp, *text;
	size_t len;
	Seccomp *rules = arena_new(c->arena, Seccomp);
	SeccompProgram *program = arena_new(c->arena, SeccompProgram);
	const SeccompFileHost host = {
		.caps = caps,
		.arch = seccomp_arch_native(),
		.kernel_major = c->facts->kernel_major,
		.kernel_minor = c->facts->kernel_minor,
	};
	TRY(file_read(file, c->arena, &text, &len, e));
	int r = seccomp_file_decode(text, len, &host, c->arena, rules, e);
	if (r >= 0)
		r = seccomp_compile(rules, c->arena, program, e);
	if (r < 0)
		return err_wrap(e, r, "seccomp profile '%s'", file);
	s->linux_.seccomp = rules;
	s->linux_.seccomp_program = program;
	return 0;
}

static int fill_default(const RunContext *c, uint64_t caps, Spec *s, Err *e)
{
	Seccomp *profile = arena_new(c->arena, Seccomp);
	SeccompProgram *compiled = arena_new(c->arena, SeccompProgram);
	const SeccompProfileParams params = { .caps = caps, .host = seccomp_arch_native() };
	if (seccomp_profile_compiled(&params, compiled)) {
		s->linux_.seccomp_program = compiled;
		return 0;
	}
	if (seccomp_profile_default(&params, c->arena, profile) < 0)
		return err_make(e, ERR_SPEC, 0,
				"there is no default seccomp profile for this architecture; use --security-opt seccomp=unconfined");
	s->linux_.seccomp = profile;
	return 0;
}

int seccomp_option_fill(const RunContext *c, uint64_t caps, Spec *s, Err *e)
{
	const char *option = c->request->seccomp;
	if (seccomp_option_is_file(option))
		return fill_from_file(c, caps, s, e);
	bool none = option ? strcmp(option, "unconfined") == 0 : c->request->privileged;
	return none ? 0 : fill_default(c, caps, s, e);
}
