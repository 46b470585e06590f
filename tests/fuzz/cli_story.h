/* cli_story.h - what becomes of a `run` whose options are read, up to its plan, and what must hold of it.    (tests/fuzz/)
 *
 * The product's own functions in the order of cmd_run.c and run.c. What those do besides, and this does not: looking at the host (its
 * facts, ids and network files are made up), and all that comes after the plan: directories, --cidfile, --pidfile, sources of
 * volumes that are made or given away.
 */
#pragma once
#include "check_plan.h"
#include "check_spec.h"
#include "cli/cli.h"
#include "cli/cmd_run.h"
#include "cli_world.h"
#include "engine/container_options.h"
#include "engine/explain.h"
#include "engine/network_text.h"
#include "engine/request_check.h"
#include "engine/root_option.h"
#include "engine/selinux_label.h"

/* An error as the caller sees it: one line, which says something and holds nothing that a terminal would obey, and docker's code. */
static void check_error(const Cmd *cmd, const Err *e)
{
	char line[1024];
	int code = cli_exit_code(cmd, e);
	size_t len = strlen(cli_error_line(cmd, e, line, sizeof line));
	assert(e->kind != ERR_OK && e->kind != ERR_BUG && e->msg[0]);
	assert(str_starts(line, "mydocker: ") && len < sizeof e->msg + 200);
	assert(str_is_printable(line));
	assert(e->kind != ERR_USAGE || (code == 125 && str_ends(line, "--help')")));
	assert(cmd != &cmd_run || (code >= 125 && code <= 127));
}

/* Files of /etc: lines of words. */
static void check_text(const char *text)
{
	for (const char *p = text; *p; p++)
		assert((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
}

static int network_texts(const RunRequest *q, Arena *a, Err *e)
{
	const ResolverOptions resolver = { q->dns, q->dns_search, q->dns_options };
	const char *hosts, *text;
	TRY(network_hosts_lines(&q->add_hosts, a, &hosts, e));
	TRY(network_resolver_text("search a.b\nnameserver 10.0.0.1\nnameserver ::1\noptions ndots:1\n",
				  &resolver, a, &text, e));
	check_text(hosts);
	check_text(text);
	return 0;
}

/* The labels of a host that has SELinux, which the made-up ones do not. */
static int selinux_texts(const RunRequest *q, Arena *a, Err *e)
{
	SelinuxLabels labels;
	TRY(selinux_labels_from("process = \"system_u:system_r:container_t:s0\"\n"
				"file = \"system_u:object_r:container_file_t:s0\"\n",
				&q->selinux, ID, a, &labels, e));
	assert(str_is_printable(labels.process) && str_is_printable(labels.mount));
	return 0;
}

/* The directory is what it is called; what is looked up in it is looked up in ours. */
static int root_look(const RunRequest *q, int root_fd, RunContext *c, Err *e)
{
	RootOption root;
	TRY(root_option_open(q->rootfs, c->arena, &root, e));
	fd_close(root.fd);
	c->root_kind = root.kind;
	c->root_path = root.kind == ROOT_HOST ? "/" : "/srv/root";
	c->root_idmap = root.idmap;
	c->root_fd = root_fd;
	if (root.kind == ROOT_OVERLAY)
		c->overlay_dir = "/var/lib/mydocker/containers/" ID;
	return 0;
}

static int ids_choose(const RunRequest *q, RunContext *c, Err *e)
{
	const UsernsHost h = { .facts = c->facts, .files = &world_subids, .auto_size = 1024 };
	const char *user = q->user ? q->user : userns_default_user(&c->userns, c->facts, c->arena);
	TRY(user_lookup(c->root_fd, user, c->arena, &c->user, e));
	TRY(userns_choose(&c->userns, &h, c->arena, &c->ids, e));
	if (c->ids.idmap_root && !c->root_idmap)
		c->root_idmap = "idmap";
	return 0;
}

static int plan_make(RunContext *c, const ContainerOptions *o, const char **ret, Err *e)
{
	const RunRequest *q = c->request;
	Spec spec;
	Plan plan;
	Explain story = { .arena = c->arena };
	PlanInput in = {
		.container_id = ID,
		.scratch_dir = c->container_dir,
		.stdin_null = !q->interactive && !q->tty,
		.stdout_null = !o->stdout_attached && !q->tty,
		.stderr_null = !o->stderr_attached && !q->tty,
		.reaper = q->init && !q->init_path,
		.keep_fds = o->keep_fds,
		.keep_fds_count = o->keep_fds_count,
	};
	strlist_add(c->arena, &in.masked_host_dirs, "/run/mydocker");
	TRY(spec_fill(c, &spec, e));
	TRY(runtime_plan(&spec, c->facts, &in, c->arena, &plan, e));
	check_spec(&spec);
	engine_explain_story(c, &spec, &story);
	*ret = check_plan(&plan, c->facts, c->arena);
	return 0;
}

/* From options to the plan's text. */
static int story_tell(const CliContext *cli, RunOpts *opts, const HostFacts *facts,
		      const char **ret_dump, Err *e)
{
	const RunRequest *q = &opts->request;
	ContainerOptions options;
	bool json;
	RunContext c = { .request = q,
			 .facts = facts,
			 .arena = cli->arena,
			 .id = ID,
			 .container_dir = "/run/mydocker/containers/" ID };
	world_keep_inside(opts);
	TRY(run_read(cli, opts, &json, e));
	TRY(container_options_read(q, cli->arena, &options, e));
	TRY(request_check(q, e));
	assert(!q->hostname || network_is_word(q->hostname));
	assert(!q->domainname || network_is_word(q->domainname));
	TRY(network_texts(q, cli->arena, e));
	TRY(selinux_texts(q, cli->arena, e));
	TRY(userns_read(q, cli->arena, &c.userns, e));
	c.hostname = q->hostname ? q->hostname : "0123456789ab";
	AUTO(fd_close) int root = openat(world_folder(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	TRY(root_look(q, root, &c, e));
	TRY(ids_choose(q, &c, e));
	return plan_make(&c, &options, ret_dump, e);
}
