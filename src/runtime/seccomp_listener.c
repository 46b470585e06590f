#include "runtime/seccomp_listener.h"

#include "base/fd.h"
#include "fmt/json_write.h"
#include "kern/unix_socket.h"

/* The container's state is whole JSON already, so the rest is put around it. */
static const char *process_state(const Plan *plan, const char *state, pid_t pid, Arena *a)
{
	JsonWriter w = json_writer(a, false);
	json_write_string(&w, NULL, plan->listener_metadata ? plan->listener_metadata : "");
	const char *metadata = json_write_done(&w, NULL);
	return arena_printf(a,
			    "{\"ociVersion\":\"" SPEC_OCI_VERSION "\",\"fds\":[\"seccompFd\"],\"pid\":%d,"
			    "\"metadata\":%s,\"state\":%s,\"status\":\"creating\",\"pid\":%d}}",
			    (int)pid, metadata, state, (int)pid);
}

int seccomp_listener_send(const Plan *plan, const char *state, pid_t pid, int listener, Arena *a, Err *e)
{
	const char *path = plan->listener_path;
	AUTO(fd_close) int fd = FD_NONE;
	if (listener < 0 || !state)
		return err_make(e, ERR_BUG, EPROTO, "the seccomp listener did not come");
	int r = unix_connect(path, &fd, e);
	if (r == 0)
		r = unix_send_fd(fd, process_state(plan, state, pid, a), listener, e);
	return r < 0 ? err_wrap(e, r, "failed to connect with seccomp agent: listenerPath '%s'", path)
		     : 0;
}
