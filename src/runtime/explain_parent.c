#include <linux/sched.h>
#include <string.h>

#include "runtime/explain.h"

static const char *controllers_of(const Explain *x, const HostCgroup *h)
{
	if (!*h->controllers)
		return "no controller: it serves to find and to end the container's processes";
	return arena_printf(x->arena, "for %s", h->controllers);
}

static void explain_write(const CgroupWrite *w, Explain *x)
{
	const char *what = w->asked ? w->what : arena_printf(x->arena, "%s (default)", w->what);
	if (w->or_file)
		explain_add(x, STAGE_GROUPS, what,
			    "write(\"%s\", \"%s\"), or without that file write(\"%s\", \"%s\")",
			    w->file, w->value, w->or_file, w->or_value);
	else
		explain_add(x, STAGE_GROUPS, what, "write(\"%s\", \"%s\")", w->file, w->value);
}

/* "/sys/fs/cgroup/memory/mydocker/3f..." is long and the same in each line: what follows is relative to it. */
static void explain_group(const Plan *p, const HostFacts *f, size_t i, Explain *x)
{
	const PlanGroup *g = &p->groups[i];
	const HostCgroup *h = &f->cgroups[g->hierarchy];
	const char *what = g->maker == CGROUP_BY_US ? "a group of its own" : "systemd's group for it";
	explain_add(x, STAGE_GROUPS, arena_printf(x->arena, "%s %s", what, controllers_of(x, h)),
		    g->maker == CGROUP_BY_OTHERS ? "open(\"%s\")" : "mkdir(\"%s\")", g->dir);
	for (size_t k = 0; k < p->writes_count; k++)
		if (p->writes[k].hierarchy == g->hierarchy)
			explain_write(&p->writes[k].write, x);
	if (g->has_owner)
		explain_add(x, STAGE_GROUPS,
			    "who runs in it may divide it, and change none of its limits",
			    "fchownat(\".\" and files of /sys/kernel/cgroup/delegate, %u)", g->owner);
	if (!h->is_v2)
		explain_add(x, STAGE_GROUPS, "the door by which init will enter it",
			    "open(\"tasks\", WRONLY)");
	if (i == 0 && g->maker == CGROUP_BY_US)
		explain_add(x, STAGE_GROUPS, "and nobody else's meanwhile", "flock(\"%s\", EX)",
			    h->is_v2 ? "." : "tasks");
}

/* systemd.scope(5): there are none without processes. */
static void explain_unit(const PlanUnit *u, Explain *x)
{
	if (!u->name)
		return;
	explain_add(x, STAGE_GROUPS,
		    u->is_user ? "the user's systemd makes the groups; a helper of ours is in them till the container is"
			       : "systemd makes the groups; a helper of ours is in them till the container is",
		    "execve(\"libexec/mydocker/systemd\"), StartTransientUnit(\"%s\")", u->name);
	for (size_t i = 0; i < u->properties.count; i++)
		explain_add(x, STAGE_GROUPS, NULL, "%s=%s", u->properties.items[i].name,
			    u->properties.items[i].value);
}

static void explain_device_program(const Plan *p, const HostFacts *f, Explain *x)
{
	if (!plan_cgroup_devices_by_program(f) || p->groups_count == 0 || p->device_rules_count == 0)
		return;
	explain_add(x, STAGE_GROUPS,
		    "a small program in the kernel that decides which devices may be opened",
		    "bpf(PROG_LOAD, CGROUP_DEVICE, %zu rules), bpf(PROG_ATTACH)",
		    p->device_rules_count);
}

static const char *clone_words(const Plan *p, const HostFacts *f, Arena *a)
{
	static const ExplainBit bits[] = {
		{ CLONE_VM, "VM" },           { CLONE_VFORK, "VFORK" },
		{ CLONE_NEWUSER, "NEWUSER" }, { CLONE_NEWNS, "NEWNS" },
		{ CLONE_NEWPID, "NEWPID" },   { CLONE_NEWNET, "NEWNET" },
		{ CLONE_NEWIPC, "NEWIPC" },   { CLONE_NEWUTS, "NEWUTS" },
	};
	const char *words = explain_bits(a, p->clone_flags | CLONE_VM | CLONE_VFORK, bits,
					 ARRAY_LEN(bits));
	for (size_t i = 0; i < p->groups_count; i++)
		if (f->cgroups[p->groups[i].hierarchy].is_v2)
			return arena_printf(a, "%s|INTO_CGROUP", words);
	return words;
}

/* What each new namespace means to somebody who is in it. */
static const char *namespaces_why(const Plan *p, Arena *a)
{
	static const struct {
		uint64_t flag;
		const char *what;
	} kinds[] = {
		{ CLONE_NEWUSER, "users and groups" },
		{ CLONE_NEWNS, "mounts" },
		{ CLONE_NEWPID, "process numbers" },
		{ CLONE_NEWNET, "network devices and ports" },
		{ CLONE_NEWIPC, "shared memory and queues" },
		{ CLONE_NEWUTS, "host name" },
	};
	const char *text = "";
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (p->clone_flags & kinds[i].flag)
			text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", kinds[i].what);
	if (!*text)
		return "a process in the host's namespaces";
	return arena_printf(a, "one call for all of it; its own: %s", text);
}

/* Lines of a map as the kernel takes them, in one line. */
static const char *map_words(Arena *a, const char *map)
{
	StrList lines = str_split(a, map, '\n');
	const char *text = "";
	for (size_t i = 0; i < lines.count; i++)
		if (*lines.items[i])
			text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", lines.items[i]);
	return text;
}

/* Written here, or by a set-user-ID program. */
static void explain_map(const char *map, const char *helper, const char *file, Explain *x,
			const char *why)
{
	const char *words = map_words(x->arena, map);
	if (helper)
		explain_add(x, STAGE_MAPPED, why, "clone3(0), execve(\"%s\", PID, \"%s\")", helper,
			    words);
	else
		explain_add(x, STAGE_MAPPED, why, "write(\"/proc/PID/%s\", \"%s\")", file, words);
}

static void explain_idmap(const Plan *p, Explain *x, const char *path, bool recursive,
			  uint32_t idmap, const char *why)
{
	explain_add(x, STAGE_IDMAPS, why, "open_tree(\"%s\", CLONE%s), mount_setattr(IDMAP, %s)", path,
		    recursive ? "|RECURSIVE" : "", map_words(x->arena, p->idmaps[idmap].uid_map));
}

static void explain_idmaps(const Plan *p, Explain *x)
{
	const char *strings = p->wire.strings;
	for (size_t i = 0; i < p->idmaps_count; i++)
		explain_add(x, STAGE_IDMAPS,
			    i ? NULL : "a user namespace that holds the maps, and nothing else; its process ends at once",
			    "clone3(NEWUSER), write(\"/proc/PID/uid_map\", \"%s\"), openat(\"/proc/PID/ns/user\")",
			    map_words(x->arena, p->idmaps[i].uid_map));
	if (p->root_idmap >= 0)
		explain_idmap(p, x, strings + p->wire.head.root, !p->has_root_wire,
			      (uint32_t)p->root_idmap,
			      "the root: what is 0's on disk is 0's inside, whoever that is outside");
	for (size_t i = 0; i < p->idmap_mounts_count; i++) {
		const WireMount *m = &p->wire.mounts[p->idmap_mounts[i].mount];
		explain_idmap(p, x, strings + m->source, m->flags & WIRE_MOUNT_RECURSIVE,
			      p->idmap_mounts[i].idmap, i ? NULL : "volumes");
	}
}

static void explain_maps(const Plan *p, Explain *x)
{
	if (!p->userns.uid_map)
		return;
	if (p->userns.deny_setgroups)
		explain_add(x, STAGE_MAPPED,
			    "the kernel's condition for a map that is made without privilege",
			    "write(\"/proc/PID/setgroups\", \"deny\")");
	explain_map(p->userns.gid_map, p->userns.newgidmap, "gid_map", x,
		    "which groups outside the groups inside are (inside, outside, how many)");
	explain_map(p->userns.uid_map, p->userns.newuidmap, "uid_map", x,
		    "and which users: its root is nobody special outside");
}

static void explain_rdt(const PlanRdt *r, Explain *x)
{
	if (!r->dir)
		return;
	explain_add(x, STAGE_GROUPS, "a class of service of Intel RDT, unless it is there",
		    "mkdir(\"%s\")", r->dir);
	if (r->schemata)
		explain_add(x, STAGE_GROUPS, "what of caches and bandwidth belongs to it",
			    r->is_named ? "write(\"schemata\", \"%s\"), if it was made just now; else it is compared"
					: "write(\"schemata\", \"%s\")",
			    r->schemata);
	if (r->mon_dir)
		explain_add(x, STAGE_GROUPS, "counts what the container takes of them",
			    "mkdir(\"%s\")", r->mon_dir);
}

static void explain_net_devices(const Plan *p, Explain *x)
{
	for (size_t i = 0; i < p->net_devices_count; i++) {
		const SpecNetDevice *n = &p->net_devices[i];
		explain_add(x, STAGE_MAPPED,
			    i ? NULL : "devices of ours become the container's, with their addresses",
			    "netlink: RTM_NEWLINK %s NET_NS_FD IFNAME \"%s\", RTM_NEWADDR, RTM_NEWLINK UP",
			    n->name, n->name_inside ? n->name_inside : n->name);
	}
}

void explain_parent(const Plan *p, const HostFacts *f, Explain *x)
{
	explain_unit(&p->unit, x);
	for (size_t i = 0; i < p->groups_count; i++)
		explain_group(p, f, i, x);
	explain_device_program(p, f, x);
	explain_rdt(&p->rdt, x);
	explain_add(x, STAGE_PROGRAM,
		    "a copy that nobody can change: what runs inside is never a file of the host",
		    "memfd_create(\"mydocker-init\"), sendfile(), fcntl(ADD_SEALS)");
	explain_idmaps(p, x);
	explain_add(x, STAGE_SPAWN, "the one line between the two: steps, errors, the terminal",
		    "socketpair(SEQPACKET)");
	explain_add(x, STAGE_SPAWN, "all that init will do, decided and checked; init decides nothing",
		    "memfd_create(\"mydocker-plan\"), write(), fcntl(ADD_SEALS)");
	explain_add(x, STAGE_SPAWN, namespaces_why(p, x->arena), "clone3(%s)",
		    clone_words(p, f, x->arena));
	if (p->init_nofile)
		explain_add(x, STAGE_SPAWN, "in the new process: init holds a descriptor for each mount",
			    "setrlimit(NOFILE, soft %llu)", (unsigned long long)p->init_nofile);
	explain_add(x, STAGE_SPAWN, "in the new process", "execveat(\"mydocker-init\")");
	if (p->unit.name)
		explain_add(x, STAGE_SPAWN, "the helper leaves the groups to the container",
			    "kill(helper, KILL), waitid()");
	explain_maps(p, x);
	explain_add(x, STAGE_MAPPED,
		    "the process's number and start time, so that nobody takes another for it",
		    "openat(\"process.json.new\"), write(), renameat(\"process.json\")");
	if (p->oom_score_adj)
		explain_add(x, STAGE_MAPPED, "how early the kernel kills it when memory is short",
			    "write(\"/proc/PID/oom_score_adj\", \"%s\")", p->oom_score_adj);
	explain_net_devices(p, x);
	if (p->rdt.dir)
		explain_add(x, STAGE_MAPPED,
			    "its share of the processor's caches, and of the way to memory",
			    "write(\"%s/tasks\", PID)%s", p->rdt.dir,
			    p->rdt.mon_dir ? ", write(\"tasks\" of the monitoring group, PID)" : "");
	explain_add(x, STAGE_MAPPED, NULL, "sendmsg(MAPPED)");
	explain_add(x, STAGE_FOLLOW,
		    "until init has let go of the line, or a signal tells us to give up",
		    "poll(line, signalfd)");
	explain_add(x, STAGE_FOLLOW, "what init said; an error comes the same way, in place of a step",
		    "recvmsg(ROOTFS_READY), recvmsg(EXECING), recvmsg(end of file)");
	if (p->unit.name)
		explain_add(x, STAGE_CLEAN, "its unit, if it is still there", "StopUnit(\"%s\")",
			    p->unit.name);
	for (size_t i = 0; i < p->groups_count; i++)
		explain_add(x, STAGE_CLEAN, "its groups", "rmdir(\"%s\")", p->groups[i].dir);
	if (p->host_root)
		explain_add(x, STAGE_CLEAN, "its root, with all that is mounted in it",
			    "umount2(\"%s\", DETACH)", p->host_root);
	if (p->rdt.mon_dir)
		explain_add(x, STAGE_CLEAN, "its groups", "rmdir(\"%s\")", p->rdt.mon_dir);
	if (p->rdt.dir && !p->rdt.is_named)
		explain_add(x, STAGE_CLEAN, "its groups", "rmdir(\"%s\"), if it was made for it",
			    p->rdt.dir);
}
