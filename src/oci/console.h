/* console.h - what a caller that does not stay gets by sockets: the terminal, and the process.        (oci/)
 *
 * Source:    runc's docs/terminals.md; SCM_RIGHTS, unix(7).
 */
#pragma once
#include "oci/oci.h"
#include "runtime/parent.h"

typedef struct OciConsole {
	const char *socket, *pidfd_socket;
} OciConsole;
#define OCI_CONSOLE_OPTS(T, member)                                          \
	OPT_STR(0, "console-socket", T, member.socket, "SOCKET",             \
		"The Unix socket that gets the descriptor of the terminal"), \
		OPT_STR(0, "pidfd-socket", T, member.pidfd_socket, "SOCKET", \
			"The Unix socket that gets a pidfd of the process")

/* A terminal needs a socket where nobody stays, and a socket a terminal. */
int oci_console_check(const OciConsole *c, bool terminal, bool detached, Err *e);

/* Sends what there is a socket for. */
int oci_console_send(const OciConsole *c, const Container *container, Err *e);
