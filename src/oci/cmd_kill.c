#include <signal.h>

#include "base/signals.h"
#include "kern/process.h"
#include "oci/container.h"

static int signal_read(const char *text, int *ret, Err *e)
{
	int n = signal_from_name(text);
	if (n <= 0)
		return err_make(e, ERR_USAGE, 0, "unknown signal \"%s\"", text);
	*ret = n;
	return 0;
}

static int kill_main(const OciGlobal *g, void *opts, const StrList *args, Arena *a, Err *e)
{
	AUTO(oci_container_close) OciContainer c = OCI_CONTAINER_NONE;
	int number = SIGTERM;
	(void)opts;
	if (args->count > 1)
		TRY(signal_read(args->items[1], &number, e));
	TRY(oci_container_open(g, args->items[0], a, &c, e));
	int r = c.pid ? process_signal(c.pidfd, number) : -ESRCH;
	if (r == -ESRCH)
		return err_make(e, ERR_STATE, 0, "container not running");
	return r < 0 ? err_make(e, ERR_SYS, -r, "send signal %d to container %s", number, c.id) : 0;
}

const OciCmd oci_kill = {
	.name = "kill",
	.args = "ID [SIGNAL]",
	.summary = "Send a signal to the container's first process (default: SIGTERM)",
	.min_args = 1,
	.max_args = 2,
	.run = kill_main,
};
