#include "kern/netlink.h"

#include <net/if.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/fd.h"

/* Sends the request, which begins with its header, and waits for its acknowledgement. Returns 0 or the kernel's -errno. */
static int request_do(const struct nlmsghdr *request, const char *what, Err *e)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr body;
		char more[256]; /* the kernel's extended acknowledgement */
	} answer;
	AUTO(fd_close) int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (sock < 0)
		return err_sys(e, "%s: open a netlink socket", what);
	if (send(sock, request, request->nlmsg_len, 0) < 0)
		return err_sys(e, "%s: send to netlink", what);
	ssize_t n = recv(sock, &answer, sizeof answer, 0);
	if (n < 0)
		return err_sys(e, "%s: receive from netlink", what);
	if ((size_t)n < NLMSG_LENGTH(sizeof answer.body) || answer.head.nlmsg_type != NLMSG_ERROR)
		return err_make(e, ERR_BUG, EPROTO,
				"%s: netlink answered with message type %u of %zd bytes", what,
				answer.head.nlmsg_type, n);
	if (answer.body.error != 0)
		return err_make(e, ERR_SYS, -answer.body.error, "%s", what);
	return 0;
}

int netlink_link_up(int index, const char *name, Err *e)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} request = {
		.head = {
			.nlmsg_len = sizeof request,
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			.nlmsg_seq = 1,
		},
		.link = { .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
	};
	int r = request_do(&request.head, "set the link up", e);
	return r < 0 ? err_wrap(e, r, "network device %s", name) : 0;
}
