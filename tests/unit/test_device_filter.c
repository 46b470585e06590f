#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "kern/device_filter.h"
#include "kern/process.h"

#define R DEVICE_READ
#define W DEVICE_WRITE
#define M DEVICE_MKNOD

/* Runs the few instructions that the compiler makes. */
static int interpret(const BpfInsn *insns, size_t count, const BpfDeviceContext *ctx)
{
	uint64_t reg[11] = { 0 };
	for (size_t pc = 0, steps = 0; pc < count && steps <= count; pc++, steps++) {
		const BpfInsn *i = &insns[pc];
		uint64_t *dst = &reg[i->dst];
		uint32_t imm = (uint32_t)i->imm;
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W: {
			uint32_t word;
			assert_int_equal(i->src, 1);
			memcpy(&word, (const char *)ctx + i->off, sizeof word);
			*dst = word;
			break;
		}
		case BPF_ALU | BPF_OP_MOV | BPF_X: *dst = (uint32_t)reg[i->src]; break;
		case BPF_ALU | BPF_OP_MOV | BPF_K: *dst = imm; break;
		case BPF_CLASS_ALU64 | BPF_OP_MOV | BPF_K: *dst = (uint64_t)(int64_t)i->imm; break;
		case BPF_ALU | BPF_AND | BPF_K: *dst = (uint32_t)*dst & imm; break;
		case BPF_ALU | BPF_RSH | BPF_K: *dst = (uint32_t)*dst >> imm; break;
		case BPF_CLASS_JMP32 | BPF_OP_JNE | BPF_K:
			pc += (uint32_t)*dst != imm ? (size_t)i->off : 0;
			break;
		case BPF_CLASS_JMP32 | BPF_JSET | BPF_K:
			pc += (uint32_t)*dst & imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JA: pc += (size_t)i->off; break;
		case BPF_JMP | BPF_OP_EXIT: return (int)reg[0];
		default: fail_msg("instruction %#x is not one of ours", i->code);
		}
	}
	fail_msg("the program has no end");
	return -1;
}

/* What the rules mean, straight from the sentence in the header. */
static bool is_allowed(const DeviceRule *rules, size_t count, char type, uint32_t major,
		       uint32_t minor, uint32_t access)
{
	for (uint32_t bit = 1; bit <= W; bit <<= 1) {
		bool allow = false;
		for (size_t i = 0; i < count; i++) {
			const DeviceRule *r = &rules[i];
			bool has_bit = bit == R ? r->read : bit == W ? r->write : r->mknod;
			if (has_bit && (r->type == 'a' || r->type == type) &&
			    (r->major < 0 || r->major == major) && (r->minor < 0 || r->minor == minor))
				allow = r->allow;
		}
		if ((access & bit) && !allow)
			return false;
	}
	return true;
}

#define DENY_ALL                                                                     \
	{                                                                            \
		.allow = false, .type = 'a', .major = -1, .minor = -1, .read = true, \
		.write = true, .mknod = true                                         \
	}
#define ALLOW_ALL                                                                                  \
	{                                                                                          \
		.allow = true, .type = 'a', .major = -1, .minor = -1, .read = true, .write = true, \
		.mknod = true                                                                      \
	}
#define RULE(a, t, x, y, r, w, m)                                                                \
	{                                                                                        \
		.allow = a, .type = t, .major = x, .minor = y, .read = r, .write = w, .mknod = m \
	}

static const DeviceRule usual[] = {
	DENY_ALL,
	RULE(true, 'c', -1, -1, 0, 0, 1),
	RULE(true, 'b', -1, -1, 0, 0, 1),
	RULE(true, 'c', 1, 3, 1, 1, 1),
	RULE(true, 'c', 1, 5, 1, 1, 1),
	RULE(true, 'c', 136, -1, 1, 1, 1),
};
static const DeviceRule taking_back[] = {
	ALLOW_ALL,
	RULE(false, 'c', 1, -1, 1, 1, 1),
	RULE(true, 'c', 1, 3, 1, 0, 0),
	RULE(false, 'c', 1, 3, 0, 0, 1),
	RULE(true, 'c', 1, 3, 0, 1, 0),
	RULE(false, 'b', -1, 5, 0, 1, 0),
};
static const DeviceRule overridden[] = { RULE(true, 'c', 1, 3, 1, 1, 1), DENY_ALL };
static const DeviceRule odd[] = { RULE(true, 'c', 1, 3, 0, 0, 0),
				  RULE(true, 'c', 1LL << 32, -1, 1, 1, 1),
				  RULE(true, 'a', 1, -1, 1, 1, 0) };

static void programs_mean_what_the_rules_say(void **state)
{
	(void)state;
	static const struct {
		const DeviceRule *rules;
		size_t count;
	} sets[] = {
		{ usual, ARRAY_LEN(usual) },
		{ taking_back, ARRAY_LEN(taking_back) },
		{ overridden, ARRAY_LEN(overridden) },
		{ odd, ARRAY_LEN(odd) },
		{ NULL, 0 },
	};
	static const uint32_t numbers[] = { 0, 1, 3, 5, 7, 136, 1048575 };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	unsigned allowed = 0, denied = 0;
	for (size_t s = 0; s < ARRAY_LEN(sets); s++) {
		BpfInsn *insns;
		size_t count;
		device_filter_compile(sets[s].rules, sets[s].count, &a, &insns, &count);
		for (size_t x = 0; x < ARRAY_LEN(numbers) * ARRAY_LEN(numbers) * 7 * 2; x++) {
			uint32_t access = x % 7 + 1;
			char type = x / 7 % 2 ? 'c' : 'b';
			uint32_t major = numbers[x / 14 % ARRAY_LEN(numbers)],
				 minor = numbers[x / 14 / ARRAY_LEN(numbers)];
			BpfDeviceContext ctx = {
				.access_type = access << 16 | (type == 'c' ? DEVICE_CHAR : DEVICE_BLOCK),
				.major = major,
				.minor = minor,
			};
			bool want = is_allowed(sets[s].rules, sets[s].count, type, major, minor, access);
			if (interpret(insns, count, &ctx) != want)
				fail_msg("set %zu: %c %u:%u access %u should be %d", s, type, major,
					 minor, access, want);
			*(want ? &allowed : &denied) += 1;
		}
	}
	assert_true(allowed > 500 && denied > 500);
}

static void opening_for_ioctl_alone_takes_read_and_write(void **state)
{
	(void)state;
	static const DeviceRule read_only[] = { RULE(true, 'c', 1, 3, 1, 0, 0) },
				both[] = { RULE(true, 'c', 1, 3, 1, 1, 0) };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	BpfInsn *insns;
	size_t count;
	BpfDeviceContext ctx = { .access_type = DEVICE_CHAR, .major = 1, .minor = 3 };
	device_filter_compile(read_only, 1, &a, &insns, &count);
	assert_int_equal(interpret(insns, count, &ctx), 0);
	device_filter_compile(both, 1, &a, &insns, &count);
	assert_int_equal(interpret(insns, count, &ctx), 1);
}

/* ---- with the kernel ---- */

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return errno;
	fd_close(fd);
	return 0;
}

static int try_mknod(char *dir, dev_t device)
{
	char path[64];
	(void)snprintf(path, sizeof path, "%s/node", dir);
	int r = mknod(path, S_IFCHR | 0600, device) < 0 ? errno : 0;
	(void)unlink(path);
	return r;
}

/* In a process of the group: the number of the first line that is not as expected. */
static int devices_in_group(void)
{
	static char dir[] = "/tmp/mydocker-test-devices.XXXXXX";
	if (!mkdtemp(dir))
		return 100;
	int r = 0;
	if (try_open("/dev/null", O_RDWR) != 0)
		r = 1;
	else if (try_open("/dev/zero", O_RDONLY) != 0)
		r = 2;
	else if (try_open("/dev/zero", O_RDWR) != EPERM)
		r = 3;
	else if (try_open("/dev/full", O_RDONLY) != EPERM)
		r = 4;
	else if (try_mknod(dir, makedev(1, 3)) != 0)
		r = 5;
	else if (try_mknod(dir, makedev(1, 7)) != EPERM)
		r = 6;
	(void)rmdir(dir);
	return r;
}

static const char *v2_mount(void)
{
	return access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0           ? "/sys/fs/cgroup"
	       : access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0 ? "/sys/fs/cgroup/unified"
									  : NULL;
}

static void run_in_group(const char *dir)
{
	static const DeviceRule rules[] = {
		DENY_ALL,
		RULE(true, 'c', 1, 3, 1, 1, 1),
		RULE(true, 'c', 1, 5, 1, 1, 0),
		RULE(false, 'c', 1, 5, 0, 1, 0),
		RULE(true, 'c', 5, 0, 1, 1, 0),
	};
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	AUTO(fd_close) int group = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Err e = { 0 };
	int pidfd;
	ProcessEnd end;
	if (device_filter_attach(group, rules, ARRAY_LEN(rules), &a, &e) < 0)
		fail_msg("%s: %s", e.msg, strerror(e.sys));
	pid_t pid = process_clone(0, group, &pidfd, &e);
	if (pid == 0)
		_exit(devices_in_group());
	assert_true(pid > 0);
	assert_int_equal(process_wait(pidfd, &end, &e), 0);
	fd_close(pidfd);
	assert_int_equal(process_end_code(&end), 0);
}

/* All sets must get past the kernel's verifier. */
static void load_all(const char *dir)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	AUTO(fd_close) int group = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Err e = { 0 };
	assert_int_equal(device_filter_attach(group, taking_back, ARRAY_LEN(taking_back), &a, &e), 0);
	assert_int_equal(device_filter_attach(group, overridden, ARRAY_LEN(overridden), &a, &e), 0);
	assert_int_equal(device_filter_attach(group, odd, ARRAY_LEN(odd), &a, &e), 0);
	assert_int_equal(device_filter_attach(group, NULL, 0, &a, &e), 0);
}

static void the_kernel_obeys(void **state)
{
	(void)state;
	const char *mount = v2_mount();
	if (geteuid() != 0 || !mount) {
		print_message("needs root and a cgroup v2 tree\n");
		skip();
	}
	char dir[128];
	(void)snprintf(dir, sizeof dir, "%s/mydocker-test-devices-%d", mount, (int)getpid());
	assert_int_equal(mkdir(dir, 0755), 0);
	run_in_group(dir);
	load_all(dir);
	assert_int_equal(rmdir(dir), 0);
}

static void a_failure_is_told(void **state)
{
	(void)state;
	Err e = { 0 };
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	assert_true(device_filter_attach(FD_NONE, usual, 1, &a, &e) < 0);
	assert_non_null(strstr(e.msg, "device rules"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_mean_what_the_rules_say),
		cmocka_unit_test(opening_for_ioctl_alone_takes_read_and_write),
		cmocka_unit_test(the_kernel_obeys),
		cmocka_unit_test(a_failure_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
