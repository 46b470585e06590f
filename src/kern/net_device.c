#include "kern/net_device.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/fd.h"
#include "base/str.h"
#include "kern/netlink.h"
#include "kern/sys.h"

#define TEMPLATE_MAX 65536 /* numbers that are tried */
#define DUMPS_MAX    16    /* how often a list is asked for that changes meanwhile */
#define MESSAGE_SIZE 512   /* a request with all its attributes */

/* ---- the two namespaces ---- */

/* One socket is opened over there, by the only thread, which then comes back. */
static int there_open(int ns, int home, int *ret_sock, Err *e)
{
	if (syscall(SYS_setns, ns, CLONE_NEWNET) < 0)
		return err_sys(e, "enter the container's network namespace");
	int r = netlink_open(ret_sock, e);
	if (syscall(SYS_setns, home, CLONE_NEWNET) < 0)
		return err_sys(e, "come back from the container's network namespace");
	return r;
}

int net_move_open(int ns, NetMove *ret, Err *e)
{
	AUTO(net_move_close) NetMove m = NET_MOVE_NONE;
	AUTO(fd_close) int home = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct stat ours, theirs;
	if (home < 0 || fstat(home, &ours) < 0 || fstat(ns, &theirs) < 0)
		return err_sys(e, "look at the network namespaces");
	if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
		return err_make(e, ERR_SPEC, EEXIST,
				"the container's network namespace is the runtime's own");
	TRY(netlink_open(&m.here, e));
	TRY(there_open(ns, home, &m.there, e));
	m.ns = ns;
	*ret = TAKE(m, NET_MOVE_NONE);
	return 0;
}

void net_move_close(NetMove *m)
{
	fd_close_auto(&m->here);
	fd_close_auto(&m->there);
}

/* ---- names ---- */

/* Of the socket's namespace. *ret_index is 0 where there is none. */
static int device_find(int sock, const char *name, int *ret_index, Err *e)
{
	struct ifreq r = { 0 };
	if (str_format(r.ifr_name, sizeof r.ifr_name, "%s", name) < 0)
		return err_make(e, ERR_SPEC, ENAMETOOLONG, "the name is too long");
	int n = ioctl(sock, SIOCGIFINDEX, &r);
	if (n < 0 && errno != ENODEV)
		return err_sys(e, "look for it");
	*ret_index = n < 0 ? 0 : r.ifr_ifindex;
	return 0;
}

/* As the kernel would do it, which then tells nobody. */
static int name_resolve(int sock, const char *wanted, char ret[static IFNAMSIZ], Err *e)
{
	const char *number = strstr(wanted, "%d");
	int index = 1;
	for (int i = 0; index > 0 && i < TEMPLATE_MAX; i++) {
		int r = number ? str_format(ret, IFNAMSIZ, "%.*s%d%s", (int)(number - wanted),
					    wanted, i, number + 2)
			       : str_format(ret, IFNAMSIZ, "%s", wanted);
		if (r < 0)
			return err_make(e, ERR_SPEC, ENAMETOOLONG, "the name '%s' is too long", wanted);
		TRY(device_find(sock, ret, &index, e));
		if (!number)
			break;
	}
	return index > 0 ? err_make(e, ERR_SPEC, EEXIST,
				    "the container's network namespace has a device '%s'", wanted)
			 : 0;
}

/* ---- addresses ---- */

typedef struct Request {
	_Alignas(4) char bytes[MESSAGE_SIZE];
} Request;

typedef struct Addresses {
	Request *items; /* to be sent, but for the index of the device */
	size_t count;
} Addresses;

/* Who put it there, and for good: what a router or a lease gave belongs to where the device was. */
static bool is_kept(const struct ifaddrmsg *m, uint32_t flags, int index)
{
	return m->ifa_index == (uint32_t)index && m->ifa_scope == RT_SCOPE_UNIVERSE &&
	       (flags & IFA_F_PERMANENT);
}

static uint32_t flags_of(const struct ifaddrmsg *m, unsigned len)
{
	int left = (int)len;
	for (const struct rtattr *a = IFA_RTA(m); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		uint32_t flags;
		if (a->rta_type == IFA_FLAGS && RTA_PAYLOAD(a) >= sizeof flags) {
			memcpy(&flags, RTA_DATA(a), sizeof flags);
			return flags;
		}
	}
	return m->ifa_flags; /* a kernel that has only these */
}

/* The request that makes it anew: the flags that can be asked for, and what it consists of. */
static void address_add(Addresses *l, const struct ifaddrmsg *m, unsigned len, uint32_t flags, Arena *a)
{
	static const unsigned kept[] = { IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST, IFA_RT_PRIORITY };
	const uint32_t asked = flags & (IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
					IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN);
	Request *r = arena_push(a, &l->items, &l->count, Request);
	struct nlmsghdr *h = (void *)r->bytes;
	struct ifaddrmsg *own = NLMSG_DATA(h);
	*r = (Request){ 0 };
	*h = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(sizeof *own),
		.nlmsg_type = RTM_NEWADDR,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
		.nlmsg_seq = 1,
	};
	own->ifa_family = m->ifa_family;
	own->ifa_prefixlen = m->ifa_prefixlen;
	own->ifa_scope = m->ifa_scope;
	netlink_add(h, IFA_FLAGS, &asked, sizeof asked);
	int left = (int)len;
	for (const struct rtattr *x = IFA_RTA(m); RTA_OK(x, left); x = RTA_NEXT(x, left))
		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			if (x->rta_type == kept[i] && RTA_PAYLOAD(x) <= 16)
				netlink_add(h, x->rta_type, RTA_DATA(x), RTA_PAYLOAD(x));
}

/* A list as it is read. */
typedef struct Listing {
	int index; /* of the device whose addresses count */
	Addresses *into;
	bool changed; /* meanwhile: it may be wrong */
	Arena *arena;
} Listing;

/* One part of it. 1: it was the last. */
static int part_read(const char *part, size_t size, Listing *l, Err *e)
{
	int left = (int)size;
	for (const struct nlmsghdr *h = (const void *)part; NLMSG_OK(h, (unsigned)left);
	     h = NLMSG_NEXT(h, left)) {
		const struct ifaddrmsg *m = NLMSG_DATA(h);
		l->changed |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR)
			return err_make(e, ERR_SYS, -((const struct nlmsgerr *)NLMSG_DATA(h))->error,
					"list its addresses");
		if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof *m))
			continue;
		unsigned len = (unsigned)IFA_PAYLOAD(h);
		uint32_t flags = flags_of(m, len);
		if (is_kept(m, flags, l->index))
			address_add(l->into, m, len, flags, l->arena);
	}
	return 0;
}

/* To its end in any case: what is left of it would be taken for the next answer. */
static int list_read(int sock, Listing *l, Err *e)
{
	_Alignas(8) char part[8192]; /* which is what the kernel then keeps to */
	int r = 0;
	while (r == 0) {
		ssize_t n = recv(sock, part, sizeof part, 0);
		if (n < 0)
			return err_sys(e, "list its addresses");
		r = part_read(part, (size_t)n, l, e);
	}
	return r < 0 ? r : 0;
}

static int addresses_list(int sock, int index, Addresses *ret, Arena *a, Err *e)
{
	const struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
	} request = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof request.body),
			  .nlmsg_type = RTM_GETADDR,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			  .nlmsg_seq = 1 },
	};
	for (int i = 0; i < DUMPS_MAX; i++) {
		Listing l = { .index = index, .into = ret, .arena = a };
		*ret = (Addresses){ 0 };
		if (send(sock, &request, request.head.nlmsg_len, 0) < 0)
			return err_sys(e, "list its addresses");
		TRY(list_read(sock, &l, e));
		if (!l.changed)
			return 0;
	}
	return err_make(e, ERR_STATE, EAGAIN, "list its addresses: they do not stop changing");
}

static int addresses_set(int sock, int index, const Addresses *l, Err *e)
{
	for (size_t i = 0; i < l->count; i++) {
		struct nlmsghdr *h = (void *)l->items[i].bytes;
		((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_index = (uint32_t)index;
		TRY(netlink_do(sock, h, "give it its addresses back", e));
	}
	return 0;
}

/* ---- the move ---- */

/* With its name, so that it is never there by one that another has. */
static int device_send(const NetMove *m, int index, const char *name_inside, Err *e)
{
	Request r = { 0 };
	struct nlmsghdr *h = (void *)r.bytes;
	*h = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
		.nlmsg_type = RTM_NEWLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.nlmsg_seq = 1,
	};
	((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index = index;
	netlink_add(h, IFLA_IFNAME, name_inside, strlen(name_inside) + 1);
	netlink_add(h, IFLA_NET_NS_FD, &m->ns, sizeof(uint32_t));
	int n = netlink_do(m->here, h, "move it to the container's network namespace", e);
	if (n == -EINVAL)
		return err_make(e, ERR_SPEC, EINVAL,
				"it is of a kind that stays in its network namespace");
	return n;
}

static int move(const NetMove *m, const char *name, const char *name_inside, Arena *a, Err *e)
{
	Addresses addresses;
	char inside[IFNAMSIZ];
	int index;
	TRY(device_find(m->here, name, &index, e));
	if (index == 0)
		return err_make(e, ERR_SPEC, ENODEV,
				"the runtime's network namespace has none of that name");
	TRY(name_resolve(m->there, name_inside, inside, e));
	TRY(addresses_list(m->here, index, &addresses, a, e));
	TRY(device_send(m, index, inside, e));
	TRY(device_find(m->there, inside, &index, e)); /* its number may have been somebody's there */
	if (index == 0)
		return err_make(e, ERR_STATE, ENODEV,
				"it is gone from the container's network namespace");
	TRY(addresses_set(m->there, index, &addresses, e));
	return netlink_link_up_by(m->there, index, inside, e);
}

int net_device_move(const NetMove *m, const char *name, const char *name_inside, Arena *a, Err *e)
{
	int r = move(m, name, name_inside, a, e);
	return r < 0 ? err_wrap(e, r, "network device '%s'", name) : 0;
}
