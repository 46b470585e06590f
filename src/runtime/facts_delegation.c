/* Which part of a v2 tree an ordinary user has been given.
 *
 * Theory:    whoever delegates gives a group's folder, its cgroup.procs and cgroup.subtree_control (cgroup-v2.rst, "Model of
 *            Delegation"). A process may be moved, or be born, between two groups when cgroup.procs of the nearest group above both is
 *            writable; so from anywhere below the delegated group a container can be put into a new one right below it. That one, the
 *            highest, holds no processes in a session of systemd (user@UID.service) and can therefore hand controllers on; our own
 *            group, which holds us, cannot ("no internal processes"). From the scope of a login no group of the session is reached:
 *            the one above both is root's.
 * Staying:   systemd takes a controller back from user@UID.service when none of its units needs it. It cannot as long as the
 *            group "mydocker" in it hands it on.
 */
#include <string.h>

#include "kern/cgroup.h"
#include "runtime/facts_parts.h"

static bool is_divisible(const Probe *p, const char *dir)
{
	return probe_is_writable(p, dir) &&
	       probe_is_writable(p, arena_printf(p->arena, "%s/cgroup.procs", dir)) &&
	       probe_is_writable(p, arena_printf(p->arena, "%s/cgroup.subtree_control", dir));
}

void probe_delegated(const Probe *p, HostCgroup *c)
{
	for (const char *end = strchrnul(c->own + 1, '/');; end = strchrnul(end + 1, '/')) {
		const char *group = arena_strndup(p->arena, c->own, (size_t)(end - c->own));
		const char *dir = arena_printf(p->arena, "%s%s", c->mountpoint, group);
		bool own = !*end; /* better than none: containers without limits still are together in a group */
		if (is_divisible(p, dir) && (own || !cgroup_v2_holds_processes(probe_path(p, dir)))) {
			c->delegated = group;
			return;
		}
		if (own)
			return;
	}
}
