/* Hooks of the container's namespaces: createContainer with the host's tree still there, startContainer with the command's own privileges. */
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/str.h"
#include "init/init.h"
#include "kern/hook.h"

/* The container's state, and this process's own number in it. */
static int state_make(const Init *in, const WireHook *h, int *ret_fd, Err *e)
{
	char end[24];
	(void)str_format(end, sizeof end, "%d}", (int)getpid()); /* it fits */
	return hook_input(wire_text(in->plan, h->state), end, ret_fd, e);
}

/* The words as execve(2) wants them, in fresh memory. */
static int vectors_make(const WirePlan *p, const WireHook *h, char ***ret, Err *e)
{
	const WireStr *words = WIRE_ITEMS(p, hook_words, WireStr) + h->words_first;
	size_t size = ((size_t)h->args + h->env + 3) * sizeof **ret;
	char **v = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v == MAP_FAILED)
		return err_sys(e, "memory for its arguments");
	*ret = v;
	for (uint32_t i = 0; i < h->args; i++)
		*v++ = (char *)(uintptr_t)wire_text(p, words[i]);
	if (h->args == 0)
		*v++ = (char *)(uintptr_t)wire_text(p, h->path);
	v++;
	for (uint32_t i = 0; i < h->env; i++)
		*v++ = (char *)(uintptr_t)wire_text(p, words[h->args + i]);
	return 0;
}

static int hook_one(const Init *in, const WireHook *h, Err *e)
{
	AUTO(fd_close) int input = FD_NONE;
	char **argv;
	TRY(state_make(in, h, &input, e));
	TRY(vectors_make(in->plan, h, &argv, e));
	const Hook hook = {
		.path = wire_text(in->plan, h->path),
		.argv = argv,
		.envp = argv + (h->args ? h->args : 1) + 1,
		.timeout = h->timeout,
		.input_fd = input,
		.output_fd = in->plan->hook_output_fd,
		.error_fd = in->plan->hook_error_fd,
	};
	return hook_run(&hook, e);
}

int hooks_run(Init *in, WireHookStage stage, Err *e)
{
	for (uint32_t i = 0; i < in->plan->hooks.count; i++) {
		const WireHook *h = &WIRE_ITEMS(in->plan, hooks, WireHook)[i];
		if (h->stage != (uint32_t)stage)
			continue;
		if (stage == WIRE_HOOK_CREATE_CONTAINER)
			umask(022); /* as the parent's have it; nothing is made by us after them */
		int r = hook_one(in, h, e);
		if (r < 0)
			return err_wrap(e, r, "error running %s hook #%u",
					stage == WIRE_HOOK_CREATE_CONTAINER ? "createContainer"
									    : "startContainer",
					h->number);
	}
	return 0;
}
