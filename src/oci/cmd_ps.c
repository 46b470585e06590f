/* runc's `ps`: the processes of the container's groups, as numbers, or as the lines that ps(1) has for them. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/format.h"
#include "cli/out.h"
#include "kern/cgroup_members.h"
#include "kern/exec.h"
#include "kern/process.h"
#include "oci/container.h"

#define OUTPUT_MOST (64u << 20) /* of ps(1) */

typedef struct PsOpts {
	const char *format;
} PsOpts;

static const Opt opts_table[] = {
	OPT_STR('f', "format", PsOpts, format, "FORMAT", "table (default) or json"),
	OPT_END,
};

static bool is_member(const CgroupMembers *m, const char *number)
{
	uint32_t pid;
	if (num_parse_u32(number, INT32_MAX, &pid) < 0)
		return false;
	for (size_t i = 0; i < m->count; i++)
		if (m->pids[i] == (pid_t)pid)
			return true;
	return false;
}

static int numbers_print(const CgroupMembers *m, Arena *a, Err *e)
{
	JsonWriter w = json_writer(a, false);
	json_write_array(&w, NULL);
	for (size_t i = 0; i < m->count; i++)
		json_write_u64(&w, NULL, (uint64_t)m->pids[i]);
	json_write_end(&w);
	return format_print_json(&w, e);
}

/* ---- ps(1) ---- */

static _Noreturn void become_ps(const StrList *args, int output, Arena *a)
{
	char **argv = arena_new_array(a, args->count + 2, char *);
	Err e = { 0 };
	char text[sizeof e.msg + 64];
	argv[0] = arena_strdup(a, "ps");
	for (size_t i = 1; i < args->count; i++) /* after the container's id */
		argv[i] = (char *)(uintptr_t)args->items[i];
	if (args->count == 1)
		argv[1] = arena_strdup(a, "-ef");
	if (dup2(output, 1) < 0 || dup2(output, 2) < 0)
		(void)err_sys(&e, "run ps");
	else
		(void)exec_command(argv, environ, "", &e);
	err_text(&e, text, sizeof text);
	(void)!write(output, text, strlen(text)); /* else the exit status alone tells */
	_exit(127);
}

static int output_read(int fd, Arena *a, char **ret, Err *e)
{
	size_t size = 65536, len = 0;
	char *text = arena_alloc(a, size);
	for (;;) {
		ssize_t n = fd_read_up_to(fd, text + len, size - 1 - len);
		if (n < 0)
			return err_sys(e, "read what ps prints");
		len += (size_t)n;
		if (len < size - 1)
			break;
		if (size >= OUTPUT_MOST)
			return err_make(e, ERR_STATE, EFBIG, "read what ps prints");
		char *more = arena_alloc(a, size * 2);
		memcpy(more, text, len);
		text = more;
		size *= 2;
	}
	text[len] = '\0';
	*ret = text;
	return 0;
}

static int ps_run(const StrList *args, Arena *a, char **ret, Err *e)
{
	int ends[2];
	ProcessEnd end;
	AUTO(fd_close) int pidfd = FD_NONE;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	AUTO(fd_close) int ours = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	pid_t pid = process_clone(0, FD_NONE, &pidfd, e);
	TRY(pid);
	if (pid == 0)
		become_ps(args, theirs, a);
	fd_close(TAKE_FD(theirs));
	int r = output_read(ours, a, ret, e);
	int waited = process_wait(pidfd, &end, r < 0 ? NULL : e);
	TRY(r);
	TRY(waited);
	if (process_end_code(&end) == 0)
		return 0;
	str_mask_controls(*ret);
	return err_make(e, ERR_STATE, 0, "exit status %d: %.300s", process_end_code(&end), *ret);
}

/* The words of a line, by their place. */
static const char *field(Arena *a, const char *line, size_t len, size_t at)
{
	const char *p = line, *end = line + len;
	for (size_t i = 0;; i++) {
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		const char *from = p;
		while (p < end && *p != ' ' && *p != '\t')
			p++;
		if (i == at || from == end)
			return arena_strndup(a, from, (size_t)(p - from));
	}
}

static int lines_print(const CgroupMembers *m, const char *text, Arena *a, Err *e)
{
	Out out;
	size_t pid_at = 0;
	const char *end = strchrnul(text, '\n'), *name;
	while (strcmp(name = field(a, text, (size_t)(end - text), pid_at), "PID") != 0) {
		if (!*name)
			return err_make(e, ERR_STATE, 0, "couldn't find PID field in ps output");
		pid_at++;
	}
	out_init(&out);
	out_bytes(&out, text, (size_t)(end - text));
	out_text(&out, "\n");
	for (const char *line = *end ? end + 1 : end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (!is_member(m, field(a, line, (size_t)(end - line), pid_at)))
			continue;
		out_bytes(&out, line, (size_t)(end - line));
		out_text(&out, "\n");
	}
	return out_flush(&out, e);
}

/* ---- the command ---- */

static int ps_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	const PsOpts *o = opts;
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	CgroupMembers m = { 0 };
	char *text = NULL;
	bool json = o->format && strcmp(o->format, "json") == 0;
	if (o->format && !json && strcmp(o->format, "table") != 0)
		return err_make(e, ERR_USAGE, 0, "invalid format option");
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	const char *group = oci_container_group(&c);
	if (!group)
		return err_make(e, ERR_STATE, 0,
				"container %s has no control group that tells of its processes", c.id);
	TRY(cgroup_members(group, a, &m, e));
	if (json)
		return numbers_print(&m, a, e);
	TRY(ps_run(args, a, &text, e));
	return lines_print(&m, text, a, e);
}

const OciCmd oci_ps = {
	.name = "ps",
	.args = "ID [PS OPTION...]",
	.summary = "Show the processes of a container",
	.opts = { opts_table },
	.opts_size = sizeof(PsOpts),
	.min_args = 1,
	.max_args = SIZE_MAX,
	.stop_at_first_arg = true,
	.run = ps_main,
};
