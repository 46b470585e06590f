#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/caps.h"
#include "base/limits.h"
#include "base/rlimits.h"
#include "fmt/seccomp.h"
#include "runtime/plan_parts.h"

/* crun's annotation, with which podman says --group-add keep-groups. */
static bool keeps_groups(const Spec *s)
{
	const char *value = spec_annotation(s, "run.oci.keep_original_groups");
	return value && strcmp(value, "0") != 0;
}

static int plan_identity(const PlanContext *c, Plan *p, Err *e)
{
	const SpecProcess *proc = &c->spec->process;
	WirePlan *h = &p->wire.head;

	h->uid = proc->uid;
	h->gid = proc->gid;
	h->umask = proc->umask;
	if (proc->has_umask)
		h->flags |= WIRE_HAS_UMASK;
	if (keeps_groups(c->spec)) {
		h->flags |= WIRE_KEEP_GROUPS; /* those that are given are passed over, as crun does */
		return 0;
	}
	if (proc->additional_gids_count > LIMIT_GROUPS)
		return err_make(e, ERR_SPEC, 0, "%zu supplementary groups, at most %u are supported",
				proc->additional_gids_count, LIMIT_GROUPS);
	for (size_t i = 0; i < proc->additional_gids_count; i++) {
		if (h->flags & WIRE_NO_SETGROUPS)
			return err_make(e, ERR_SPEC, EPERM,
					"supplementary group %u: cannot be set in a user namespace made without privilege",
					proc->additional_gids[i]);
		if (!plan_gid_is_mapped(c, proc->additional_gids[i]))
			return err_make(e, ERR_SPEC, 0,
					"supplementary group %u is not mapped into the container",
					proc->additional_gids[i]);
		*wire_add(&p->wire, groups, uint32_t) = proc->additional_gids[i];
	}
	return 0;
}

/* What a container may hold at most: in a user namespace of its own everything the kernel knows, else what this process holds. */
static uint64_t caps_available(const PlanContext *c)
{
	bool own_userns = c->spec->linux_.namespaces & SPEC_NS_USER;
	return own_userns ? c->facts->caps_known : c->facts->caps & c->facts->caps_known;
}

/* Capabilities that cannot be granted are left out with a warning, as config.md says of `capabilities`. */
static void plan_capabilities(const PlanContext *c, Plan *p)
{
	const SpecProcess *proc = &c->spec->process;
	WirePlan *h = &p->wire.head;
	h->flags |= WIRE_SET_CAPS;
	if (!proc->has_capabilities)
		return; /* none at all, as runc */
	uint64_t can = caps_available(c);
	uint64_t asked = proc->capabilities.bounding | proc->capabilities.effective |
			 proc->capabilities.permitted | proc->capabilities.inheritable |
			 proc->capabilities.ambient;
	for (int i = 0; i < CAP_COUNT; i++)
		if ((asked & ~can) >> i & 1)
			strlist_add(c->arena, &p->warnings,
				    arena_printf(c->arena, "capability %s is not held here and left out",
						 cap_name(i)));
	h->caps_bounding = proc->capabilities.bounding & can;
	h->caps_permitted = proc->capabilities.permitted & can;
	h->caps_effective = proc->capabilities.effective & h->caps_permitted;
	h->caps_inheritable = proc->capabilities.inheritable & can;
	h->caps_ambient = proc->capabilities.ambient & h->caps_permitted & h->caps_inheritable;
	for (int i = 0; i < CAP_COUNT; i++)
		if ((proc->capabilities.ambient & can & ~h->caps_ambient) >> i & 1)
			strlist_add(c->arena, &p->warnings,
				    arena_printf(c->arena,
						 "can't raise ambient capability %s: it is not permitted and inheritable, too",
						 cap_name(i))); /* begins with runc's words */
}

static int plan_rlimits(const PlanContext *c, Plan *p, Err *e)
{
	const SpecProcess *proc = &c->spec->process;
	for (size_t i = 0; i < proc->rlimits_count; i++) {
		const SpecRlimit *l = &proc->rlimits[i];
		if (l->soft > l->hard)
			return err_make(e, ERR_SPEC, 0, "%s: the soft limit is above the hard limit",
					rlimit_name(l->resource));
		*wire_add(&p->wire, rlimits, WireRlimit) = (WireRlimit){
			.resource = l->resource, .soft = l->soft, .hard = l->hard, .is_default = l->is_default
		};
	}
	return 0;
}

#define RECEIVER "run.oci.seccomp.receiver" /* crun's, from before there was listenerPath */

static bool notifies_of(const Seccomp *s, const char *name)
{
	for (size_t i = 0; i < s->rules_count; i++)
		if (s->rules[i].action == SECCOMP_ACT_NOTIFY && strlist_has(&s->rules[i].names, name))
			return true;
	return false;
}

static int listener_find(const PlanContext *c, const char **ret, Err *e)
{
	const Seccomp *s = c->spec->linux_.seccomp;
	*ret = s ? s->listener_path : NULL;
	if (*ret)
		return 0;
	*ret = spec_annotation(c->spec, RECEIVER);
	if (*ret && **ret != '/')
		return err_make(e, ERR_SPEC, 0, "annotation " RECEIVER ": '%s' is no absolute path",
				*ret);
	return 0;
}

static int plan_seccomp(const PlanContext *c, Plan *p, Err *e)
{
	SeccompProgram program = { 0 };
	const Seccomp *s = c->spec->linux_.seccomp;
	if (s)
		TRY(seccomp_flags_to_kernel(&s->flags, &p->wire.head.seccomp_flags, e));
	if (c->spec->linux_.seccomp_program)
		program = *c->spec->linux_.seccomp_program;
	else if (s)
		TRY(seccomp_compile(s, c->arena, &program, e));
	const char *listener = NULL;
	TRY(listener_find(c, &listener, e));
	if (program.notifies && (!s || !listener))
		return err_make(e, ERR_SPEC, 0,
				"linux.seccomp has the action SCMP_ACT_NOTIFY, and no listenerPath to ask");
	if (s && notifies_of(s, "write")) /* runc's words; who is to answer may wait for what is written */
		return err_make(e, ERR_SPEC, 0, "SCMP_ACT_NOTIFY cannot be used for the write syscall");
	if (program.notifies) {
		p->listener_path = listener;
		p->listener_metadata = s->listener_metadata;
		p->wire.head.flags |= WIRE_NOTIFY;
		p->wire.head.seccomp_flags &= ~(
			uint32_t)SECCOMP_FILTER_FLAG_TSYNC; /* there is one thread; not with a listener */
	}
	p->wire.filter = program.code;
	p->wire.filter_count = program.count;
	return 0;
}

static void label_add(Plan *p, const char *file, const char *text)
{
	*wire_add(&p->wire, labels, WirePair) = (WirePair){ .name = wire_add_str(&p->wire, file),
							    .value = wire_add_str(&p->wire, text) };
}

/* "unconfined" asks for nothing where there is nothing to confine. */
static int plan_labels(const PlanContext *c, Plan *p, Err *e)
{
	const char *profile = c->spec->process.apparmor_profile, *label = c->spec->process.selinux_label;
	const HostFacts *f = c->facts;
	if (profile && !f->apparmor && strcmp(profile, "unconfined") != 0)
		return err_make(e, ERR_SPEC, 0,
				"AppArmor profile '%s': AppArmor is not enabled on this host", profile);
	if (label && !f->selinux)
		return err_make(e, ERR_SPEC, 0,
				"SELinux label '%s': SELinux is not enabled on this host", label);
	if (profile && f->apparmor)
		label_add(p, f->apparmor_attr ? "apparmor/exec" : "exec",
			  arena_printf(c->arena, "exec %s", profile));
	if (label) {
		label_add(p, "exec", label);
		label_add(p, "keycreate", label);
	}
	return 0;
}

static int plan_command(const PlanContext *c, Plan *p, Err *e)
{
	const SpecProcess *proc = &c->spec->process;
	if (proc->args.count == 0 || proc->args.items[0][0] == '\0')
		return err_make(e, ERR_SPEC, 0, "process property must not be empty: no command to run");
	for (size_t i = 0; i < proc->args.count; i++)
		*wire_add(&p->wire, argv, WireStr) = wire_add_str(&p->wire, proc->args.items[i]);
	for (size_t i = 0; i < proc->env.count; i++)
		*wire_add(&p->wire, envp, WireStr) = wire_add_str(&p->wire, proc->env.items[i]);
	if (!proc->cwd || proc->cwd[0] != '/')
		return err_make(e, ERR_SPEC, 0, "working directory '%s': must be an absolute path",
				proc->cwd ? proc->cwd : "");
	p->wire.head.cwd = wire_add_str(&p->wire, proc->cwd);
	return 0;
}

/* What the caller asks for beside the description. */
static void plan_input(const PlanInput *in, Plan *p)
{
	WirePlan *h = &p->wire.head;
	h->flags |= (in->stdin_null ? WIRE_STDIN_NULL : 0) | (in->stdout_null ? WIRE_STDOUT_NULL : 0) |
		    (in->stderr_null ? WIRE_STDERR_NULL : 0) | (in->reaper ? WIRE_REAPER : 0);
	for (size_t i = 0; i < in->keep_fds_count; i++)
		*wire_add(&p->wire, keep_fds, int32_t) = in->keep_fds[i];
}

int plan_process(const PlanContext *c, Plan *p, Err *e)
{
	const SpecProcess *proc = &c->spec->process;
	WirePlan *h = &p->wire.head;

	TRY(plan_command(c, p, e));
	TRY(plan_identity(c, p, e));
	plan_capabilities(c, p);
	TRY(plan_rlimits(c, p, e));
	TRY(plan_seccomp(c, p, e));
	TRY(plan_labels(c, p, e));
	plan_scheduling(c, p);
	h->flags |= WIRE_NEW_KEYRING;
	if (proc->no_new_privileges)
		h->flags |= WIRE_NO_NEW_PRIVS;
	plan_input(c->in, p);
	if (proc->has_oom_score_adj)
		p->oom_score_adj = arena_printf(c->arena, "%d", proc->oom_score_adj);
	if (c->spec->linux_.has_personality) {
		h->flags |= WIRE_HAS_PERSONALITY;
		h->personality = c->spec->linux_.personality;
	}
	if (proc->terminal) {
		h->flags |= WIRE_TERMINAL;
		h->console_rows = proc->console_height;
		h->console_cols = proc->console_width;
	}
	return 0;
}
