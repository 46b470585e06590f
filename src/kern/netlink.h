/* netlink.h - rtnetlink without a library: one request, one acknowledgement.                (kern/, may include base)
 *
 * Runs in:   init and the parent, in the network namespace that shall change. Nothing here allocates.
 * Source:    netlink(7), rtnetlink(7); linux/rtnetlink.h.
 */
#pragma once
#include "base/err.h"

/* The loopback device has index 1 in every network namespace (LOOPBACK_IFINDEX, linux/net_namespace). */
#define NETLINK_LOOPBACK 1

/* Sets the network device with this index up. `name` is for the message. */
int netlink_link_up(int index, const char *name, Err *e);
