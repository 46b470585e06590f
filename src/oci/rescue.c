#include "oci/rescue.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "kern/process.h"
#include "oci/container.h"
#include "runtime/facts.h"

static void say_damaged(const Err *why)
{
	char text[sizeof why->msg + 64];
	log_warn("%s", err_text(why, text, sizeof text));
}

static const char *asked_path(const OciContainer *c, Arena *a)
{
	Spec s;
	return oci_container_spec(c, a, &s, NULL) == 0 ? s.linux_.cgroups_path : NULL;
}

/* Where its groups are below each hierarchy's top: as plan_groups.c puts them. */
static const char *group_path(const OciContainer *c, Arena *a)
{
	const char *asked = asked_path(c, a);
	return asked ? path_clean(a, asked) : arena_printf(a, "/mydocker/%s", c->id);
}

/* The one that systemd would have made of it, if there is a systemd. Groups that are not there are passed over. */
static void unit_find(const OciGlobal *g, const OciContainer *c, HostFacts *f, Record *r, Arena *a)
{
	AUTO(systemd_close) Systemd s = SYSTEMD_NONE;
	PlanUnitName name;
	bool is_user = oci_has_user_systemd(g, f);
	if (plan_unit_name(asked_path(c, a), c->id, is_user, a, &name, NULL) < 0 ||
	    systemd_open(is_user, a, &s, NULL) < 0 || systemd_facts(&s, a, f, NULL) < 0)
		return;
	for (size_t i = 0; i < f->cgroups_count; i++) {
		const char *dir = arena_printf(a, "%s%s%s", f->cgroups[i].mountpoint,
					       f->manager_group, name.path);
		if (access(dir, F_OK) < 0)
			continue;
		strlist_add(a, &r->groups, dir);
		r->unit = name.name;
		r->is_user_unit = is_user;
	}
}

static int record_make_anew(const OciGlobal *g, const OciContainer *c, Arena *a, Err *e)
{
	HostFacts f;
	char boot[BOOT_ID_SIZE];
	const char *path = group_path(c, a);
	Record r = { .id = c->id, .created = (uint64_t)time(NULL), .boot_id = boot, .stop_timeout = -1 };
	TRY(boot_id(boot, e));
	TRY(host_facts_probe("", 0, a, &f, e));
	for (size_t i = 0; i < f.cgroups_count; i++) {
		const HostCgroup *h = &f.cgroups[i];
		const char *dir = arena_printf(a, "%s%s%s", h->mountpoint,
					       h->delegated ? h->delegated : "", path);
		if (strcmp(path, "/") != 0 && access(dir, F_OK) == 0)
			strlist_add(a, &r.groups, dir);
	}
	unit_find(g, c, &f, &r, a);
	return record_write(c->dir_fd, &r, a, e);
}

static int file_remove(const OciContainer *c, const char *name, Err *e)
{
	if (unlinkat(c->dir_fd, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "remove the damaged %s", name);
	return 0;
}

static int files_mend(const OciGlobal *g, const OciContainer *c, Arena *a, Err *e)
{
	Record record;
	RecordProcess process;
	Err why = { 0 };
	bool had_process = record_has_process(c->dir_fd);
	int r = record_read_process(c->dir_fd, a, &process, &why);
	if (r < 0 && r != -ENOENT) {
		say_damaged(&why);
		TRY(file_remove(c, "process.json", e)); /* its groups have it, if it lives */
	}
	r = oci_container_read(c->dir_fd, a, &why);
	if (r < 0) {
		say_damaged(&why);
		TRY(file_remove(c, "oci.json", e));
	}
	r = record_read(c->dir_fd, a, &record, &why);
	if (r == 0 || (r == -ENOENT && !had_process))
		return 0;
	if (r != -ENOENT)
		say_damaged(&why);
	return record_make_anew(g, c, a, e);
}

int oci_rescue(const OciGlobal *g, const char *id, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	const char *dir;
	TRY(oci_state_dir(g, a, &dir, e));
	TRY(state_open(dir, a, &c.state, e));
	c.id = id;
	c.dir_fd = openat(c.state.containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c.dir_fd < 0)
		return err_sys(e, "open %s/containers/%s", dir, id);
	return files_mend(g, &c, a, e);
}
