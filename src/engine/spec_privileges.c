#include <ctype.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/suggest.h"
#include "engine/seccomp_option.h"
#include "engine/selinux_label.h"
#include "engine/spec_fill.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* Docker's set without MKNOD, NET_RAW and AUDIT_WRITE: device nodes come from us, ping works by ping_group_range. */
#define CAPS_DEFAULT                                                                              \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(SETGID) | CAP(SETUID) | \
	 CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT) | CAP(KILL))

static int unknown_capability(const char *option, const char *given, Arena *a, Err *e)
{
	char *name = arena_strdup(a, given);
	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	Suggest full = SUGGEST_FOR(name, strlen(name)), shorter = full;
	for (int i = 0; i < CAP_COUNT; i++) {
		suggest_try(&full, cap_name(i));
		suggest_try(&shorter, cap_name(i) + strlen("CAP_"));
	}
	suggest_try(&shorter, "ALL");
	const char *best = shorter.best ? shorter.best : full.best;
	return err_make(e, ERR_USAGE, 0, "%s: unknown capability '%s'%s%s%s", option, given,
			best ? ", did you mean " : "", best ? best : "", best ? "?" : "");
}

/* The names of one option as a mask; *ret_all tells whether ALL was among them. */
static int caps_parse(const StrList *names, const char *option, Arena *a, uint64_t *ret,
		      bool *ret_all, Err *e)
{
	*ret = 0;
	*ret_all = false;
	for (size_t i = 0; i < names->count; i++) {
		int cap = cap_from_name(names->items[i]);
		if (strcasecmp(names->items[i], "ALL") == 0)
			*ret_all = true;
		else if (cap < 0)
			return unknown_capability(option, names->items[i], a, e);
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
	TRY(caps_parse(&c->request->cap_add, "--cap-add", c->arena, &add, &add_all, e));
	TRY(caps_parse(&c->request->cap_drop, "--cap-drop", c->arena, &drop, &drop_all, e));
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

static int fill_labels(const RunContext *c, Spec *s, Err *e)
{
	SelinuxLabels labels;
	TRY(selinux_labels_make(c, &labels, e));
	s->process.selinux_label = labels.process;
	s->linux_.mount_label = labels.mount;
	s->linux_.mount_label_of_root = labels.mount && c->request->label_nested;
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
	p->apparmor_profile = c->request->apparmor;
	TRY(fill_labels(c, s, e));
	return seccomp_option_fill(c, caps, s, e);
}
