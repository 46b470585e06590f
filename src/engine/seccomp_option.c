#include "engine/seccomp_option.h"

#include <string.h>

#include "base/limits.h"
#include "fmt/seccomp.h"
#include "fmt/seccomp_file.h"
#include "kern/regular_file.h"

bool seccomp_option_is_file(const char *option)
{
	return option && strcmp(option, "builtin") != 0 && strcmp(option, "unconfined") != 0;
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
	const char *what = arena_printf(c->arena, "seccomp profile '%s'", file);
	TRY(regular_file_read(file, what, LIMIT_SECCOMP_BYTES, ERR_USAGE, c->arena, &text, &len, e));
	int r = seccomp_file_decode(text, len, &host, c->arena, rules, e);
	if (r >= 0)
		r = seccomp_compile(rules, c->arena, program, e);
	if (r < 0)
		return err_wrap(e, r, "%s", what);
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
