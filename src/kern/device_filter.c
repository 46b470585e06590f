#include "kern/device_filter.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* What the program holds in registers: */
enum {
	RESULT = 0,
	CONTEXT = 1,
	WANTED = 2, /* the kinds of access that no rule has decided yet */
	MAJOR = 3,
	MINOR = 4,
	TYPE = 5,
};

#define ACCESS_ALL (DEVICE_MKNOD | DEVICE_READ | DEVICE_WRITE)

typedef struct Program {
	Arena *arena;
	BpfInsn *insns;
	size_t count;
} Program;

static void emit(Program *p, unsigned code, unsigned dst, unsigned src, int off, uint32_t imm)
{
	*arena_push(p->arena, &p->insns, &p->count, BpfInsn) = (BpfInsn){
		.code = (uint8_t)code,
		.dst = (uint8_t)(dst & 15),
		.src = (uint8_t)(src & 15),
		.off = (int16_t)off,
		.imm = (int32_t)imm,
	};
}

static void emit_load(Program *p, unsigned reg, size_t offset)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, reg, CONTEXT, (int)offset, 0);
}

static void emit_return(Program *p, bool allow)
{
	emit(p, BPF_CLASS_ALU64 | BPF_OP_MOV | BPF_K, RESULT, 0, 0, allow);
	emit(p, BPF_JMP | BPF_OP_EXIT, 0, 0, 0, 0);
}

static void emit_head(Program *p)
{
	emit_load(p, WANTED, offsetof(BpfDeviceContext, access_type));
	emit(p, BPF_ALU | BPF_OP_MOV | BPF_X, TYPE, WANTED, 0, 0);
	emit(p, BPF_ALU | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	emit(p, BPF_ALU | BPF_RSH | BPF_K, WANTED, 0, 0, 16);
	emit_load(p, MAJOR, offsetof(BpfDeviceContext, major));
	emit_load(p, MINOR, offsetof(BpfDeviceContext, minor));
	/* open(2) with access mode 3 neither reads nor writes, but ioctl(2) works on it: that takes both. */
	emit(p, BPF_CLASS_JMP32 | BPF_OP_JNE | BPF_K, WANTED, 0, 1, 0);
	emit(p, BPF_ALU | BPF_OP_MOV | BPF_K, WANTED, 0, 0, DEVICE_READ | DEVICE_WRITE);
}

static uint32_t access_of(const DeviceRule *r)
{
	return (r->mknod ? DEVICE_MKNOD : 0) | (r->read ? DEVICE_READ : 0) |
	       (r->write ? DEVICE_WRITE : 0);
}

/* One rule, met by what the later ones have left undecided. Returns true when it decides about everything. */
static bool emit_rule(Program *p, const DeviceRule *r)
{
	uint32_t access = access_of(r);
	size_t tests[3], tests_count = 0;
	struct {
		unsigned reg;
		int64_t want;
	} conditions[] = {
		{ TYPE, r->type == 'a'   ? -1
			: r->type == 'b' ? DEVICE_BLOCK
					 : DEVICE_CHAR },
		{ MAJOR, r->major },
		{ MINOR, r->minor },
	};
	if (access == 0 || r->major > UINT32_MAX || r->minor > UINT32_MAX)
		return false; /* matches nothing */
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		if (conditions[i].want < 0)
			continue;
		tests[tests_count++] = p->count;
		emit(p, BPF_CLASS_JMP32 | BPF_OP_JNE | BPF_K, conditions[i].reg, 0, 0,
		     (uint32_t)conditions[i].want);
	}
	if (access == ACCESS_ALL) {
		emit_return(p, r->allow);
	} else if (r->allow) {
		emit(p, BPF_ALU | BPF_AND | BPF_K, WANTED, 0, 0, ACCESS_ALL & ~access);
		emit(p, BPF_CLASS_JMP32 | BPF_OP_JNE | BPF_K, WANTED, 0, 2, 0);
		emit_return(p, true);
	} else {
		emit(p, BPF_CLASS_JMP32 | BPF_JSET | BPF_K, WANTED, 0, 1, access);
		emit(p, BPF_JMP | BPF_JA, 0, 0, 2, 0);
		emit_return(p, false);
	}
	for (size_t i = 0; i < tests_count; i++) /* where a test fails, the next rule begins */
		p->insns[tests[i]].off = (int16_t)(p->count - tests[i] - 1);
	return access == ACCESS_ALL && tests_count == 0;
}

void device_filter_compile(const DeviceRule *rules, size_t count, Arena *a, BpfInsn **ret,
			   size_t *ret_count)
{
	Program p = { .arena = a };
	bool decided = false;
	emit_head(&p);
	while (count > 0 && !decided)
		decided = emit_rule(&p, &rules[--count]);
	if (!decided) /* the kernel refuses a program with an end that is never reached */
		emit_return(&p, false);
	*ret = p.insns;
	*ret_count = p.count;
}

/* The beginning of union bpf_attr, as far as these two commands have been since they exist; the kernel takes the rest as zero. */
typedef struct ProgLoad {
	uint32_t prog_type, insn_cnt;
	uint64_t insns, license;
} ProgLoad;
typedef struct ProgAttach {
	uint32_t target_fd, attach_bpf_fd, attach_type, attach_flags;
} ProgAttach;
enum {
	CMD_PROG_LOAD = 5,
	CMD_PROG_ATTACH = 8,
	PROG_TYPE_CGROUP_DEVICE = 15,
	ATTACH_CGROUP_DEVICE = 6,
	ATTACH_ALLOW_MULTI = 2
};

int device_filter_attach(int cgroup_fd, const DeviceRule *rules, size_t count, Arena *a, Err *e)
{
	BpfInsn *insns;
	size_t insns_count;
	device_filter_compile(rules, count, a, &insns, &insns_count);
	ProgLoad load = {
		.prog_type = PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = (uint32_t)insns_count,
		.insns = (uint64_t)(uintptr_t)insns,
		.license = (uint64_t)(uintptr_t) "Apache-2.0",
	};
	AUTO(fd_close) int prog = (int)syscall(SYS_bpf, CMD_PROG_LOAD, &load, sizeof load);
	if (prog < 0)
		return err_sys(e, "load the device rules into the kernel as a BPF program");
	ProgAttach attach = {
		.target_fd = (uint32_t)cgroup_fd,
		.attach_bpf_fd = (uint32_t)prog,
		.attach_type = ATTACH_CGROUP_DEVICE,
		.attach_flags = ATTACH_ALLOW_MULTI, /* as systemd and runc: programs of groups above and below apply, too */
	};
	if (syscall(SYS_bpf, CMD_PROG_ATTACH, &attach, sizeof attach) < 0)
		return err_sys(e, "attach the device rules to the container's group");
	return 0;
}
