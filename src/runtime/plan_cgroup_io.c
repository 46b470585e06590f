#include <inttypes.h>

#include "base/own.h"
#include "runtime/plan_cgroup_parts.h"

#define WEIGHT_MIN 10
#define WEIGHT_MAX 1000

/* v1 calls the controller blkio, v2 io. */
static int need(Writes *w, const char *what, const char **ret_controller, const HostCgroup **ret)
{
	bool v2 = writes_only_v2(w->f) || (writes_find(w->f, "io") && !writes_find(w->f, "blkio"));
	*ret_controller = v2 ? "io" : "blkio";
	return writes_need(w, *ret_controller, what, ret);
}

/* ---- weights ---- */

/* From 10-1000 to the 1-10000 of io.weight, linear, as runc and crun. */
static int64_t io_weight(int64_t weight)
{
	return 1 + (weight - WEIGHT_MIN) * 9999 / (WEIGHT_MAX - WEIGHT_MIN);
}

/* A weight of one device ("8:0 "), or of all (""). */
typedef struct Weight {
	const char *device;
	int64_t n;
	const char *what, *where; /* "block I/O weight", " of device 8:0" */
} Weight;

static int check_weight(Writes *w, const Weight *x)
{
	if (x->n >= WEIGHT_MIN && x->n <= WEIGHT_MAX)
		return 0;
	return err_make(w->e, ERR_SPEC, 0, "%s%s: %" PRId64 " is not between %d and %d", x->what,
			x->where, x->n, WEIGHT_MIN, WEIGHT_MAX);
}

/* BFQ has its own scale and files: what the group has of them decides. */
static int own_weight(Writes *w, const Weight *x)
{
	const char *controller, *value = arena_printf(w->a, "%s%" PRId64, x->device, x->n);
	const HostCgroup *h;
	TRY(check_weight(w, x));
	TRY(need(w, x->what, &controller, &h));
	if (h->is_v2) {
		CgroupWrite *added = writes_add(w, h, controller, "io.bfq.weight", value, x->what);
		added->or_file = "io.weight";
		added->or_value = arena_printf(w->a, "%s%" PRId64, x->device, io_weight(x->n));
		added->missing = "this kernel has no weights of block I/O (CONFIG_BFQ_GROUP_IOSCHED or CONFIG_BLK_CGROUP_IOCOST)";
		return 0;
	}
	CgroupWrite *added = writes_add(w, h, controller,
					*x->device ? "blkio.weight_device" : "blkio.weight", value,
					x->what);
	added->or_file = *x->device ? "blkio.bfq.weight_device" : "blkio.bfq.weight";
	added->or_value = value;
	added->missing = "this kernel has no weights of block I/O (CONFIG_BFQ_GROUP_IOSCHED)";
	return 0;
}

static int leaf_weight(Writes *w, const Weight *x)
{
	const HostCgroup *h;
	TRY(check_weight(w, x));
	TRY(writes_need_v1(w, "blkio", x->what, "has none", &h));
	writes_add(w, h, "blkio", *x->device ? "blkio.leaf_weight_device" : "blkio.leaf_weight",
		   arena_printf(w->a, "%s%" PRId64, x->device, x->n), x->what)
		->missing = "the CFQ scheduler, which had it, is gone since Linux 5.0";
	return 0;
}

static int weights(Writes *w, const char *device, const char *where, int64_t own, int64_t leaf)
{
	const Weight a = { device, own, "block I/O weight", where };
	const Weight b = { device, leaf, "block I/O leaf weight", where };
	if (writes_is_given(own))
		TRY(own_weight(w, &a));
	if (writes_is_given(leaf))
		TRY(leaf_weight(w, &b));
	return 0;
}

static int device_weights(Writes *w)
{
	const SpecBlockIo *b = &w->r->block_io;
	for (size_t i = 0; i < b->weight_devices_count; i++) {
		const SpecDeviceWeight *d = &b->weight_devices[i];
		if (!writes_is_given(d->weight) && !writes_is_given(d->leaf_weight))
			return err_make(w->e, ERR_SPEC, 0,
					"block I/O weight of device %u:%u: neither weight nor leaf weight is given",
					d->major, d->minor);
		TRY(weights(w, arena_printf(w->a, "%u:%u ", d->major, d->minor),
			    arena_printf(w->a, " of device %u:%u", d->major, d->minor), d->weight,
			    d->leaf_weight));
	}
	return 0;
}

/* ---- rates ---- */

static const struct {
	const char *v1, *v2, *what;
	bool is_u32; /* the kernel cuts off what is above, without a word on v1 */
} kinds[SPEC_THROTTLE_KINDS] = {
	[SPEC_READ_BPS] = { "blkio.throttle.read_bps_device", "rbps", "read rate", false },
	[SPEC_WRITE_BPS] = { "blkio.throttle.write_bps_device", "wbps", "write rate", false },
	[SPEC_READ_IOPS] = { "blkio.throttle.read_iops_device", "riops", "rate of read operations", true },
	[SPEC_WRITE_IOPS] = { "blkio.throttle.write_iops_device", "wiops",
			      "rate of write operations", true },
};

static int rate(Writes *w, SpecThrottleKind kind, const SpecDeviceRate *d)
{
	const char *controller, *what = kinds[kind].what;
	const HostCgroup *h;
	if (d->rate == 0 && !w->now)
		return 0;
	if (kinds[kind].is_u32 && d->rate > UINT32_MAX)
		return err_make(w->e, ERR_SPEC, 0, "%s of device %u:%u: %" PRIu64 " is above %u",
				what, d->major, d->minor, d->rate, UINT32_MAX);
	TRY(need(w, what, &controller, &h));
	const char *key = h->is_v2 ? arena_printf(w->a, "%s=", kinds[kind].v2) : "";
	const char *number = d->rate == 0 && h->is_v2 ? "max" : arena_printf(w->a, "%" PRIu64, d->rate);
	const char *value = arena_printf(w->a, "%u:%u %s%s", d->major, d->minor, key, number);
	writes_add(w, h, controller, h->is_v2 ? "io.max" : kinds[kind].v1, value, what)
		->missing = "this kernel does not limit rates of block I/O (CONFIG_BLK_DEV_THROTTLING)";
	return 0;
}

int plan_cgroup_io(Writes *w)
{
	const SpecBlockIo *b = &w->r->block_io;
	TRY(weights(w, "", "", b->weight, b->leaf_weight));
	TRY(device_weights(w));
	for (SpecThrottleKind kind = 0; kind < SPEC_THROTTLE_KINDS; kind++)
		for (size_t i = 0; i < b->throttle[kind].count; i++)
			TRY(rate(w, kind, &b->throttle[kind].items[i]));
	return 0;
}
