#include <inttypes.h>
#include <string.h>

#include "runtime/plan_cgroup_parts.h"

/* A name that is written into a group's file with something after it. */
static int check_name(Writes *w, const char *name, const char *what)
{
	if (!*name || strpbrk(name, " \t\r\n"))
		return err_make(w->e, ERR_SPEC, 0, "%s '%s': not a name", what, name);
	return 0;
}

static int class_id(Writes *w)
{
	const HostCgroup *h;
	if (w->r->net_class_id == 0)
		return 0;
	TRY(writes_need_v1(w, "net_cls", "network class", "has none", &h));
	writes_add(w, h, "net_cls", "net_cls.classid", arena_printf(w->a, "%u", w->r->net_class_id),
		   "network class");
	return 0;
}

static int priorities(Writes *w)
{
	const HostCgroup *h;
	for (size_t i = 0; i < w->r->net_priorities_count; i++) {
		const SpecNetPriority *p = &w->r->net_priorities[i];
		TRY(check_name(w, p->name, "network priority of interface"));
		TRY(writes_need_v1(w, "net_prio", "network priority", "has none", &h));
		writes_add(w, h, "net_prio", "net_prio.ifpriomap",
			   arena_printf(w->a, "%s %u", p->name, p->priority), "network priority");
	}
	return 0;
}

/* "mlx5_0 hca_handle=3 hca_object=100", in both versions: what is left out stays without a limit (cgroup-v2.rst, "RDMA"). */
static int rdma(Writes *w)
{
	const HostCgroup *h;
	for (size_t i = 0; i < w->r->rdma_count; i++) {
		const SpecRdma *d = &w->r->rdma[i];
		const char *value = d->device;
		TRY(check_name(w, d->device, "limit of RDMA device"));
		if (!writes_is_given(d->hca_handles) && !writes_is_given(d->hca_objects))
			return err_make(w->e, ERR_SPEC, 0,
					"limit of RDMA device '%s': neither handles nor objects are given",
					d->device);
		TRY(writes_need(w, "rdma", "limit of RDMA devices", &h));
		if (writes_is_given(d->hca_handles))
			value = arena_printf(w->a, "%s hca_handle=%" PRId64, value, d->hca_handles);
		if (writes_is_given(d->hca_objects))
			value = arena_printf(w->a, "%s hca_object=%" PRId64, value, d->hca_objects);
		writes_add(w, h, "rdma", "rdma.max", value, "limit of RDMA devices");
	}
	return 0;
}

int plan_cgroup_net(Writes *w)
{
	TRY(class_id(w));
	TRY(priorities(w));
	return rdma(w);
}
