/* netlink.h - rtnetlink without a library: one request, one acknowledgement.                (kern/, may include base)
 *
 * Runs in:   init and the parent. A socket belongs to the network namespace in which it was opened. Nothing here allocates.
 * Source:    netlink(7), rtnetlink(7); linux/rtnetlink.h.
 */
#pragma once
#include <stddef.h>

#include "base/err.h"

/* The loopback device has index 1 in every network namespace (LOOPBACK_IFINDEX, linux/net_namespace). */
#define NETLINK_LOOPBACK 1

struct nlmsghdr;

int netlink_open(int *ret_sock, Err *e);

/* Adds an attribute to a request, whose buffer, aligned to 4, has room for it. */
void netlink_add(struct nlmsghdr *request, unsigned type, const void *data, size_t len);

/* Sends the request, which begins with its header, and waits for its acknowledgement. Returns 0 or the kernel's -errno. */
int netlink_do(int sock, const struct nlmsghdr *request, const char *what, Err *e);

/* Sets the network device with this index up. `name` is for the message. netlink_link_up() opens a socket for it. */
int netlink_link_up_by(int sock, int index, const char *name, Err *e);
int netlink_link_up(int index, const char *name, Err *e);
