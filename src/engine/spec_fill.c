#include "engine/spec_fill.h"

#include <string.h>

#include "engine/container_options.h"
#include "engine/init_option.h"

bool run_shares(const char *option)
{
	return option && strcmp(option, "host") == 0;
}

bool run_has_userns(const RunContext *c)
{
	return c->ids.uids.count > 0;
}

bool run_is_inner(const RunContext *c)
{
	return run_has_userns(c) || !c->facts->first_user_ns;
}

static void spec_fill_root(const RunContext *c, Spec *s)
{
	s->root.kind = c->root_kind;
	s->root.path = c->root_path;
	s->root.readonly = c->request->read_only;
	s->root.overlay_dir = c->overlay_dir;
	s->root.idmap = c->root_idmap;
	if (!run_shares(c->request->uts))
		s->hostname = c->hostname;
	s->domainname = c->request->domainname;
}

int spec_fill(const RunContext *c, Spec *ret, Err *e)
{
	spec_init(ret);
	ret->oci_version = "1.3.0";
	spec_fill_root(c, ret);
	TRY(spec_fill_linux(c, ret, e)); /* first: what can be mapped decides about groups */
	TRY(spec_fill_resources(c, ret, e));
	TRY(spec_fill_process(c, ret, e));
	TRY(spec_fill_privileges(c, ret, e));
	TRY(spec_fill_mounts(c, ret, e));
	TRY(init_option_fill(c, ret, e));
	return container_options_pairs("--annotation", &c->request->annotations, c->arena,
				       &ret->annotations, &ret->annotations_count, e);
}
