#include "kern/netlink.h"

#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/fd.h"

int netlink_open(int *ret_sock, Err *e)
{
	*ret_sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return *ret_sock < 0 ? err_sys(e, "open a netlink socket") : 0;
}

void netlink_add(struct nlmsghdr *request, unsigned type, const void *data, size_t len)
{
	struct rtattr *a = (void *)((char *)request + NLMSG_ALIGN(request->nlmsg_len));
	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	request->nlmsg_len = (uint32_t)(NLMSG_ALIGN(request->nlmsg_len) + RTA_ALIGN(a->rta_len));
}

int netlink_do(int sock, const struct nlmsghdr *request, const char *what, Err *e)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr body;
		char more[256]; /* the kernel's extended acknowledgement */
	} answer;
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

int netlink_link_up_by(int sock, int index, const char *name, Err *e)
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
	int r = netlink_do(sock, &request.head, "set the link up", e);
	return r < 0 ? err_wrap(e, r, "network device %s", name) : 0;
}

int netlink_link_up(int index, const char *name, Err *e)
{
	AUTO(fd_close) int sock = FD_NONE;
	TRY(netlink_open(&sock, e));
	return netlink_link_up_by(sock, index, name, e);
}
