/* Becoming the command. */
#include <sys/mman.h>

#include "init/init.h"
#include "kern/exec.h"

/* argv and envp as execve(2) wants them: both, each ended by NULL, in one piece of fresh memory. */
static int vectors_make(const WirePlan *p, char ***ret_argv, char ***ret_envp, Err *e)
{
	size_t count = (size_t)p->argv.count + p->envp.count + 2;
	char **v = mmap(NULL, count * sizeof *v, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v == MAP_FAILED)
		return err_sys(e, "memory for %zu arguments and variables", count);
	*ret_argv = v;
	*ret_envp = v + p->argv.count + 1;
	for (uint32_t i = 0; i < p->argv.count; i++)
		(*ret_argv)[i] = (char *)(uintptr_t)wire_text(p, WIRE_ITEMS(p, argv, WireStr)[i]);
	for (uint32_t i = 0; i < p->envp.count; i++)
		(*ret_envp)[i] = (char *)(uintptr_t)wire_text(p, WIRE_ITEMS(p, envp, WireStr)[i]);
	return 0;
}

int command_find(const Init *in, Err *e)
{
	char **argv = NULL, **envp = NULL;
	TRY(vectors_make(in->plan, &argv, &envp, e));
	return exec_find(argv[0], envp, " in the container", e);
}

int command_exec(const Init *in, Err *e)
{
	char **argv = NULL, **envp = NULL;
	if (in->plan->argv.count == 0)
		return err_make(e, ERR_SPEC, 0, "no command is given");
	TRY(vectors_make(in->plan, &argv, &envp, e));
	return exec_command(argv, envp, " in the container", e);
}
