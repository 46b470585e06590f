/* net_device.h - moves network devices to another network namespace.                        (kern/, may include base)
 *
 * Runs in:   the parent, which has CAP_NET_ADMIN over both namespaces, and CAP_SYS_ADMIN over the other one. It has one thread.
 * Theory:    the kernel keeps what a device is (its address in the link layer, its MTU), and forgets its IP addresses when it goes.
 * Undo:      none: a device that was moved stays where it is. When that namespace ends, the kernel gives physical devices back to the
 *            first namespace and removes the others (network_namespaces(7)).
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

typedef struct NetMove {
	int ns;          /* the other namespace; the caller's */
	int here, there; /* netlink sockets of the two namespaces */
} NetMove;
#define NET_MOVE_NONE ((NetMove){ .ns = -EBADF, .here = -EBADF, .there = -EBADF })

/* Opens the sockets. -EEXIST: ns is our own namespace. */
int net_move_open(int ns, NetMove *ret, Err *e);
void net_move_close(NetMove *m);
static inline void net_move_close_auto(NetMove *m)
{
	net_move_close(m);
}

/* Moves the device `name`, which is name_inside there (a "%d" in it is the first number that is free), gives it the addresses back that
 * it had, those of global scope that somebody set, and sets it up. -ENODEV: no such device; -EEXIST: one is there of that name. */
int net_device_move(const NetMove *m, const char *name, const char *name_inside, Arena *a, Err *e);
