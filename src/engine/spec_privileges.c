#include <linux/capability.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "engine/spec_fill.h"
#include "fmt/seccomp.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* Docker's set without MKNOD, NET_RAW and AUDIT_WRITE: device nodes come from us, ping works by ping_group_range. */
#define CAPS_DEFAULT                                                                              \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(SETGID) | CAP(SETUID) | \
	 CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT) | CAP(KILL))

/* The names of one option as a mask; *ret_all tells whether ALL was among them. */
static int caps_parse(const StrList *names, const char *option, uint64_t *ret, bool *ret_all, Err *e)
{
	*ret = 0;
	*ret_all = false;
	for (size_t i = 0; i < names->count; i++) {
		int cap = cap_from_name(names->items[i]);
		if (strcasecmp(names->items[i], "ALL") == 0)
			*ret_all = true;
		else if (cap < 0)
			return err_make(e, ERR_USAGE, 0, "%s: unknown capability '%s'", option,
					names->items[i]);
		else
			*ret |= UINT64_C(1) << cap;
	}
	return 0;
}

/* What is asked for by name and cannot be given is an error; what comes by default is left out with a warning by the plan. */
static int caps_check_held(const RunContext *c, uint64_t asked, uint64_t can, Err *e)
{
	for (int i = 0; i < CAP_COUNT; i++)
		if ((asked & ~can) >> i & 1)
			return err_make(e, ERR_SPEC, EPERM, "--cap-add %s: %s", cap_name(i),
					c->facts->caps_known >> i & 1
						? "this process does not hold it, so cannot give it"
						: "this kernel does not know it");
	return 0;
}

/* Docker's rule: with ALL added, everything but what is dropped; with ALL dropped, nothing but what is added; else drop, then add. */
static int caps_choose(const RunContext *c, uint64_t *ret, Err *e)
{
	uint64_t add, drop;
	bool add_all, drop_all;
	TRY(caps_parse(&c->request->cap_add, "--cap-add", &add, &add_all, e));
	TRY(caps_parse(&c->request->cap_drop, "--cap-drop", &drop, &drop_all, e));
	uint64_t all = c->facts->caps_known;
	if (!run_has_userns(c))
		all &= c->facts->caps; /* what is not held cannot be given */
	TRY(caps_check_held(c, add, all, e));
	if (c->request->privileged)
		*ret = all;
	else if (add_all)
		*ret = all & ~drop;
	else if (drop_all)
		*ret = add;
	else
		*ret = (CAPS_DEFAULT & ~drop) | add;
	return 0;
}

static int fill_seccomp(const RunContext *c, uint64_t caps, Spec *s, Err *e)
{
	if (c->request->privileged || c->request->seccomp_unconfined)
		return 0;
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

int spec_fill_privileges(const RunContext *c, Spec *s, Err *e)
{
	uint64_t caps;
	SpecProcess *p = &s->process;
	TRY(caps_choose(c, &caps, e));
	p->has_capabilities = true;
	p->capabilities.bounding = caps;
	if (p->uid == 0) /* the inheritable set stays empty; an ordinary user gets nothing by exec then, so holds nothing before */
		p->capabilities.permitted = p->capabilities.effective = caps;
	p->no_new_privileges = c->request->no_new_privs;
	return fill_seccomp(c, caps, s, e);
}
