#include "runtime/hooks.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "kern/hook.h"

const char *runtime_hooks_state(const char *id, const char *bundle, const Spec *s, Arena *a)
{
	size_t len;
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_string(&w, "ociVersion", SPEC_OCI_VERSION);
	json_write_string(&w, "id", id);
	json_write_string(&w, "bundle", bundle);
	json_write_object(&w, "annotations");
	for (size_t i = 0; i < s->annotations_count; i++)
		json_write_string(&w, s->annotations[i].key, s->annotations[i].value);
	json_write_end(&w);
	json_write_end(&w);
	const char *text = json_write_done(&w, &len);
	return arena_strndup(a, text, len - 1); /* without the last bracket */
}

/* runtime.md, "State": what it is when a hook of that kind runs. */
static const char *status_of(SpecHookKind kind)
{
	switch (kind) {
	case SPEC_HOOK_POSTSTART: return "running";
	case SPEC_HOOK_POSTSTOP: return "stopped";
	default: return "creating";
	}
}

static char **vector(const char *first, const StrList *l, Arena *a)
{
	char **v = arena_new_array(a, l->count + 2, char *);
	size_t n = 0;
	if (l->count == 0 && first)
		v[n++] = (char *)(uintptr_t)first;
	for (size_t i = 0; i < l->count; i++)
		v[n++] = (char *)(uintptr_t)l->items[i];
	v[n] = NULL;
	return v;
}

#define ANNOTATION_OUTPUT "run.oci.hooks.stdout" /* crun's */
#define ANNOTATION_ERROR  "run.oci.hooks.stderr"

RuntimeHooks runtime_hooks(const SpecHooks *of_kind, const char *state, const Spec *annotated)
{
	return (RuntimeHooks){
		.of_kind = of_kind,
		.state = state,
		.output = spec_annotation(annotated, ANNOTATION_OUTPUT),
		.error = spec_annotation(annotated, ANNOTATION_ERROR),
	};
}

static int file_open(const char *path, const char *annotation, int *ret, Err *e)
{
	*ret = FD_NONE;
	if (!path)
		return 0;
	*ret = openat(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0600);
	return *ret < 0 ? err_sys(e, "annotation %s: open '%s'", annotation, path) : 0;
}

int runtime_hooks_open_files(const RuntimeHooks *h, int *ret_output, int *ret_error, Err *e)
{
	AUTO(fd_close) int output = FD_NONE;
	TRY(file_open(h->output, ANNOTATION_OUTPUT, &output, e));
	TRY(file_open(h->error, ANNOTATION_ERROR, ret_error, e));
	*ret_output = TAKE_FD(output);
	return 0;
}

/* Without an environment of its own a hook has ours, as with runc. */
static int hook_one(const RuntimeHooks *h, const SpecHook *spec, SpecHookKind kind, pid_t pid,
		    Arena *a, Err *e)
{
	AUTO(fd_close) int input = FD_NONE;
	AUTO(fd_close) int output = FD_NONE;
	AUTO(fd_close) int error = FD_NONE;
	const char *number = pid ? arena_printf(a, ",\"pid\":%d", (int)pid) : "";
	const char *end = arena_printf(a, ",\"status\":\"%s\"%s}", status_of(kind), number);
	TRY(hook_input(h->state, end, &input, e));
	TRY(runtime_hooks_open_files(h, &output, &error, e));
	const Hook hook = {
		.path = spec->path,
		.argv = vector(spec->path, &spec->args, a),
		.envp = spec->env.count ? vector(NULL, &spec->env, a) : environ,
		.timeout = spec->timeout,
		.input_fd = input,
		.output_fd = output,
		.error_fd = error,
	};
	return hook_run(&hook, e);
}

int runtime_hooks_run(const RuntimeHooks *h, SpecHookKind kind, pid_t pid, Arena *a, Err *e)
{
	for (size_t i = 0; i < h->of_kind[kind].count; i++) {
		int r = hook_one(h, &h->of_kind[kind].items[i], kind, pid, a, e);
		if (r < 0)
			return err_wrap(e, r, "error running %s hook #%zu",
					spec_hook_kind_name(kind), i);
	}
	return 0;
}

void runtime_hooks_run_all(const RuntimeHooks *h, SpecHookKind kind, Arena *a)
{
	for (size_t i = 0; i < h->of_kind[kind].count; i++) {
		Err e = { 0 };
		char text[sizeof e.msg + 64];
		if (hook_one(h, &h->of_kind[kind].items[i], kind, 0, a, &e) < 0)
			log_warn("error running %s hook #%zu: %s", spec_hook_kind_name(kind), i,
				 err_text(&e, text, sizeof text));
	}
}
