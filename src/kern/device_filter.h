/* device_filter.h - which devices a cgroup v2 group may use: rules as a small BPF program.     (kern/, may include base)
 *
 * Runs in:   the parent, with CAP_BPF or CAP_SYS_ADMIN in the first user namespace (Linux 4.15).
 * Theory:    the kernel asks the program at every open(2) and mknod(2) of a device; 1 allows. The last rule that matches wins, for each
 *            of read, write and mknod on its own; what no rule allows is denied. cgroup v1 has its own files for that (runtime/plan_cgroup.c).
 * Lifetime:  an attached program stays until the group is removed; no descriptor of it needs to be kept.
 * Source:    bpf(2), include/uapi/linux/bpf.h, Documentation/admin-guide/cgroup-v2.rst "Device controller".
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf_common.h>

#include "base/arena.h"
#include "base/device_rule.h"
#include "base/err.h"

/* linux/bpf.h cannot be included beside base/banned.h: it lists functions for programs, strtol among them. Of it: */
typedef struct BpfInsn { /* BpfInsn */
	uint8_t code;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint8_t dst : 4, src : 4;
#else
	uint8_t src : 4, dst : 4;
#endif
	int16_t off;
	int32_t imm;
} BpfInsn;
_Static_assert(sizeof(BpfInsn) == 8, "as the kernel has it");

typedef struct BpfDeviceContext { /* struct bpf_cgroup_dev_ctx */
	uint32_t access_type;     /* DEVICE_MKNOD etc. << 16 | DEVICE_BLOCK or DEVICE_CHAR */
	uint32_t major, minor;
} BpfDeviceContext;
enum { DEVICE_MKNOD = 1, DEVICE_READ = 2, DEVICE_WRITE = 4, DEVICE_BLOCK = 1, DEVICE_CHAR = 2 };

enum {
	BPF_CLASS_JMP32 = 0x06,
	BPF_CLASS_ALU64 = 0x07,
	BPF_OP_MOV = 0xb0,
	BPF_OP_JNE = 0x50,
	BPF_OP_EXIT = 0x90
};

/* Compiles the rules; pure. The instructions live in the arena. */
void device_filter_compile(const DeviceRule *rules, size_t count, Arena *a, BpfInsn **ret,
			   size_t *ret_count);

/* Compiles the rules, loads the program and attaches it to the group whose directory is open as cgroup_fd. Programs of groups above
 * still apply. a: for the program, which may go afterwards. */
int device_filter_attach(int cgroup_fd, const DeviceRule *rules, size_t count, Arena *a, Err *e);
