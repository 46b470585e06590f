/* `run`: from options to the request, and the checks between options. */
#include "unit.h"

#include <string.h>

#include "cli/cmd_run.h"
#include "cli/security_option.h"
#include "fmt/spec.h"

enum { HOST_CPUS = 4 };

typedef struct Run {
	Arena arena;
	RunOpts opts;
	OptRest rest;
	Err err;
	int r;
} Run;

/* Parses the words, which are separated by spaces, and checks them. */
static Run parse(const char *words)
{
	Run run = { .arena = ARENA_EMPTY };
	OptSet set = { .tables = cmd_run.opts, .stop_at_first_arg = cmd_run.stop_at_first_arg };
	StrList argv = str_split(&run.arena, words, ' ');
	cmd_run.opts_init(&run.opts);
	run.r = opt_parse(&set, (int)argv.count, (char **)argv.items, &run.arena, &run.opts,
			  &run.rest, &run.err);
	if (run.r >= 0)
		run.r = security_options_read(&run.opts.security, &run.arena, &run.opts.request,
					      &run.err);
	if (run.r >= 0)
		run.r = run_check(&run.opts.request, HOST_CPUS, &run.err);
	return run;
}

static void expect_error(const char *words, const char *text)
{
	Run run = parse(words);
	assert_true(run.r < 0);
	assert_int_equal(run.err.kind, ERR_USAGE);
	assert_string_equal(run.err.msg, text);
	arena_done(&run.arena);
}

static void the_original_job_is_read(void **state)
{
	(void)state;
	Run run = parse("-t -m 100m --rootfs / stress --vm-bytes 200m --vm-keep -m 1");
	const RunRequest *r = &run.opts.request;
	assert_int_equal(run.r, 0);
	assert_true(r->tty);
	assert_false(r->interactive);
	assert_true(r->memory == 100 << 20);
	assert_true(r->memory_swap == SPEC_UNSET);
	assert_string_equal(r->rootfs, "/");
	assert_int_equal(run.rest.args.count, 6);
	assert_string_equal(run.rest.args.items[4], "-m");
	arena_done(&run.arena);
}

static void options_reach_their_members(void **state)
{
	(void)state;
	Run run = parse(
		"-h box -w /w -u 1:2 --name n --net host --pid host --ipc private --uts host -v /a:/b:ro --tmpfs /t "
		"--cap-add ALL --cap-drop kill --ulimit nofile=1:2 --uidmap 0:0:1 --gidmap 0:1:2 --memory-reservation 1.5g "
		"--memory-swap -1 --shm-size 1m --cpus 1.5 -c 512 --cpuset-cpus 0-1 --cpuset-mems 0 --pids-limit 10 "
		"--cgroup-parent /p --read-only --privileged --rm --entrypoint=");
	const RunRequest *r = &run.opts.request;
	assert_int_equal(run.r, 0);
	assert_string_equal(r->hostname, "box");
	assert_string_equal(r->workdir, "/w");
	assert_string_equal(r->user, "1:2");
	assert_string_equal(r->name, "n");
	assert_string_equal(r->network, "host");
	assert_string_equal(r->pid, "host");
	assert_string_equal(r->ipc, "private");
	assert_string_equal(r->uts, "host");
	assert_string_equal(r->volumes.items[0], "/a:/b:ro");
	assert_string_equal(r->tmpfs.items[0], "/t");
	assert_string_equal(r->cap_add.items[0], "ALL");
	assert_string_equal(r->cap_drop.items[0], "kill");
	assert_string_equal(r->ulimits.items[0], "nofile=1:2");
	assert_string_equal(r->uidmaps.items[0], "0:0:1");
	assert_string_equal(r->gidmaps.items[0], "0:1:2");
	assert_true(r->memory_reservation == 3ll << 29);
	assert_true(r->memory_swap == -1);
	assert_true(r->shm_size == 1 << 20);
	assert_true(r->nano_cpus == 1500000000);
	assert_true(r->cpu_shares == 512);
	assert_string_equal(r->cpuset_cpus, "0-1");
	assert_string_equal(r->cpuset_mems, "0");
	assert_true(r->pids_limit == 10);
	assert_string_equal(r->cgroup_parent, "/p");
	assert_true(r->read_only && r->privileged && r->rm);
	assert_string_equal(r->entrypoint, "");
	arena_done(&run.arena);
}

static void limits_beyond_memory_and_cpu_reach_theirs(void **state)
{
	(void)state;
	Run run = parse(
		"--memory-swappiness 7 --oom-kill-disable --cpu-rt-period 100 --cpu-rt-runtime 50 --blkio-weight 10 "
		"--blkio-weight-device /dev/a:1 --device-read-bps /dev/a:2 --device-write-bps /dev/a:3 --device-read-iops /dev/a:4 "
		"--device-write-iops /dev/a:5 --cgroup-conf a.b=c,d --cgroup-conf e.f=g --cgroups no-conmon --cgroupns host "
		"--security-opt writable-cgroups");
	const RunRequest *r = &run.opts.request;
	assert_int_equal(run.r, 0);
	assert_true(r->memory_swappiness == 7 && r->oom_kill_disable);
	assert_true(r->cpu_rt_period == 100 && r->cpu_rt_runtime == 50 && r->blkio_weight == 10);
	assert_string_equal(r->blkio_weight_devices.items[0], "/dev/a:1");
	assert_string_equal(r->device_read_bps.items[0], "/dev/a:2");
	assert_string_equal(r->device_write_bps.items[0], "/dev/a:3");
	assert_string_equal(r->device_read_iops.items[0], "/dev/a:4");
	assert_string_equal(r->device_write_iops.items[0], "/dev/a:5");
	assert_int_equal(r->cgroup_conf.count, 2);
	assert_string_equal(r->cgroup_conf.items[0], "a.b=c,d");
	assert_string_equal(r->cgroups, "no-conmon");
	assert_string_equal(r->cgroupns, "host");
	assert_true(r->writable_cgroups);
	arena_done(&run.arena);
	expect_error("--memory-swappiness 101",
		     "--memory-swappiness is not between 0 and 100 (-1: the host's)");
	expect_error("--memory-swappiness -2",
		     "--memory-swappiness is not between 0 and 100 (-1: the host's)");
	expect_error("--blkio-weight 9", "--blkio-weight is not between 10 and 1000");
	expect_error("--blkio-weight 1001", "--blkio-weight is not between 10 and 1000");
	expect_error("--cpu-rt-period -1", "--cpu-rt-period is negative");
	expect_error("--cpu-rt-runtime -1", "--cpu-rt-runtime is negative");
	expect_error("--cpu-rt-runtime 11 --cpu-rt-period 10",
		     "--cpu-rt-runtime is larger than --cpu-rt-period");
	expect_error("--kernel-memory 1g",
		     "option --kernel-memory is gone from Linux; --memory counts the kernel's memory, too");
	expect_error("--security-opt writable-cgroups=x",
		     "--security-opt writable-cgroups takes true or false, not 'x'");
	run = parse("--memory-swappiness 0 --blkio-weight 0 --cpu-rt-runtime 0 --cpu-rt-period 0 --cgroups= --cgroupns=");
	r = &run.opts.request;
	assert_true(r->memory_swappiness == 0); /* here 0 is a value */
	assert_true(r->blkio_weight == SPEC_UNSET && r->cpu_rt_runtime == SPEC_UNSET &&
		    r->cpu_rt_period == SPEC_UNSET);
	arena_done(&run.arena);
}

static void zero_means_not_given(void **state)
{
	(void)state;
	Run run = parse(
		"-m 0 --memory-swap 0 --memory-reservation 0 --shm-size 0 --cpus 0 -c 0 --cpu-period 0 --cpu-quota 0 --pids-limit 0");
	const RunRequest *r = &run.opts.request;
	assert_int_equal(run.r, 0);
	assert_true(r->memory == SPEC_UNSET && r->memory_swap == SPEC_UNSET &&
		    r->memory_reservation == SPEC_UNSET);
	assert_true(r->shm_size == SPEC_UNSET && r->nano_cpus == SPEC_UNSET &&
		    r->cpu_shares == SPEC_UNSET);
	assert_true(r->cpu_period == SPEC_UNSET && r->cpu_quota == SPEC_UNSET);
	assert_true(r->pids_limit == -1);
	arena_done(&run.arena);
}

static void limits_must_agree(void **state)
{
	(void)state;
	expect_error("-m 5m", "--memory is too small, the least is 6m");
	expect_error("--memory-reservation 5m", "--memory-reservation is too small, the least is 6m");
	expect_error("-m 10m --memory-reservation 11m", "--memory-reservation is larger than --memory");
	expect_error("--memory-swap 1g",
		     "--memory-swap is the limit of memory and swap together and needs --memory, too");
	expect_error("-m 10m --memory-swap 9m",
		     "--memory-swap is the limit of memory and swap together and is smaller than --memory");
	expect_error("--cpus 1 --cpu-period 10000", "--cpus and --cpu-period exclude each other");
	expect_error("--cpus 1 --cpu-quota 10000", "--cpus and --cpu-quota exclude each other");
	expect_error("--cpus 4.1", "--cpus is too large, this host has 4");
	expect_error("--cpus 0.001", "--cpus is too small, the least is 0.01");
	expect_error("--cpu-period 999", "--cpu-period is not between 1000 and 1000000 microseconds");
	expect_error("--cpu-period 1000001",
		     "--cpu-period is not between 1000 and 1000000 microseconds");
	expect_error("--cpu-quota 999",
		     "--cpu-quota is too small, the least is 1000 microseconds (-1: no limit)");
	expect_error("--cpu-quota -2",
		     "--cpu-quota is too small, the least is 1000 microseconds (-1: no limit)");
	expect_error("-c -1", "--cpu-shares is negative");
	expect_error("--pids-limit -2", "--pids-limit is negative (-1: no limit)");
	Run run = parse("--cpus 4 -m 6m --memory-swap 6m --pids-limit -1");
	assert_int_equal(run.r, 0);
	arena_done(&run.arena);
}

static void values_that_are_none_are_refused(void **state)
{
	(void)state;
	expect_error("-m 5x", "invalid value '5x' for -m: not a size such as 512m or 1.5g");
	expect_error("--memory=-1", "invalid value '-1' for --memory: not a size such as 512m or 1.5g");
	expect_error("--memory-swap -2",
		     "invalid value '-2' for --memory-swap: not a size such as 512m or 1.5g");
	expect_error("-m 99999999999g", "invalid value '99999999999g' for -m: too large");
	expect_error("--cpus x", "invalid value 'x' for --cpus: not a number of CPUs such as 0.5 or 2");
	expect_error("--cpus 99999999999",
		     "invalid value '99999999999' for --cpus: not a number of CPUs such as 0.5 or 2");
}

static void what_is_not_there_yet_is_named(void **state)
{
	(void)state;
	expect_error("-d", "option -d (--detach) is not there yet");
	expect_error("-p 80:80", "option -p (--publish) is not there yet");
	expect_error("--restart=always", "option --restart is not there yet");
	expect_error("--isolation hyperv", "option --isolation is for Windows");
	expect_error("--kernel-memory=1g",
		     "option --kernel-memory is gone from Linux; --memory counts the kernel's memory, too");
}

static Run read_security(const char *words)
{
	Run run = parse(words);
	if (run.r < 0)
		fail_msg("%s: %s", words, run.err.msg);
	return run;
}

static void expect_no_new_privs(const char *words, bool want)
{
	Run run = read_security(words);
	assert_int_equal(run.opts.request.no_new_privs, want);
	arena_done(&run.arena);
}

static void no_new_privileges_is_a_switch(void **state)
{
	(void)state;
	expect_no_new_privs("x", false);
	expect_no_new_privs("--security-opt no-new-privileges", true);
	expect_no_new_privs("--security-opt no-new-privileges:true", true);
	expect_no_new_privs("--security-opt no-new-privileges=1", true);
	expect_no_new_privs("--security-opt=no-new-privileges=true --security-opt no-new-privileges=F",
			    false);
	expect_error("--security-opt no-new-privileges=2",
		     "--security-opt no-new-privileges takes true or false, not '2'");
	expect_error("--security-opt no-new-privileges=",
		     "--security-opt no-new-privileges has no value");
}

static void expect_seccomp(const char *words, const char *want)
{
	Run run = read_security(words);
	const char *got = run.opts.request.seccomp;
	assert_string_equal(got ? got : "(none)", want);
	arena_done(&run.arena);
}

static void filters_are_named(void **state)
{
	(void)state;
	expect_seccomp("x", "(none)");
	expect_seccomp("--security-opt seccomp=unconfined", "unconfined");
	expect_seccomp("--security-opt seccomp:unconfined --security-opt seccomp=builtin", "builtin");
	expect_seccomp("--security-opt seccomp=./a=b:c.json", "./a=b:c.json");
	expect_error("--security-opt seccomp", "--security-opt seccomp has no value");
	expect_error("--security-opt seccomp=", "--security-opt seccomp has no value");
}

static void expect_list(Run *run, const StrList *list, const char *want)
{
	char *got = arena_strdup(&run->arena, "");
	for (size_t i = 0; i < list->count; i++)
		got = arena_printf(&run->arena, "%s%s%s", got, i ? " " : "", list->items[i]);
	assert_string_equal(got, want);
}

static void paths_are_masked_and_unmasked(void **state)
{
	(void)state;
	Run run = read_security(
		"--security-opt mask=/a:/b/../c --security-opt mask:/d --security-opt unmask=/proc/*:/x "
		"--security-opt unmask=all --security-opt systempaths=unconfined");
	const RunRequest *r = &run.opts.request;
	expect_list(&run, &r->mask, "/a /b/../c /d");
	expect_list(&run, &r->unmask, "/proc/* /x all");
	assert_true(r->systempaths_unconfined);
	arena_done(&run.arena);
	expect_error("--security-opt mask=proc", "--security-opt mask: 'proc' is no absolute path");
	expect_error("--security-opt mask=/a:", "--security-opt mask: '' is no absolute path");
	expect_error("--security-opt mask=/x/..",
		     "--security-opt mask: the root itself cannot be masked");
	expect_error("--security-opt unmask=ALL:/a", "--security-opt unmask: 'ALL' is no absolute path");
	expect_error("--security-opt mask=", "--security-opt mask has no value");
	expect_error("--security-opt unmask", "--security-opt unmask has no value");
	expect_error("--security-opt systempaths=confined",
		     "--security-opt systempaths takes unconfined, not 'confined'");
}

static void labels_are_named(void **state)
{
	(void)state;
	Run run = read_security(
		"--security-opt apparmor=p --security-opt apparmor:my-profile --security-opt label=type:a_t "
		"--security-opt label:level:s0:c1,c2 --security-opt label=nested --security-opt label=disable "
		"--security-opt proc-opts=hidepid=2,subset=pid");
	const RunRequest *r = &run.opts.request;
	assert_string_equal(r->apparmor, "my-profile");
	expect_list(&run, &r->selinux, "type:a_t level:s0:c1,c2");
	assert_true(r->label_nested && r->label_disable);
	expect_list(&run, &r->proc_opts, "hidepid=2 subset=pid");
	arena_done(&run.arena);
	expect_error("--security-opt label=x:y",
		     "--security-opt label takes disable, nested, or one of user:, role:, type:, level:, filetype: with a value, "
		     "not 'x:y'");
	expect_error("--security-opt label=type:", "--security-opt label=type: has no good value");
	expect_error("--security-opt label=role:a:b", "--security-opt label=role:a:b has no good value");
	expect_error("--security-opt label=user:\x7f",
		     "--security-opt label=user:\x7f has no good value");
	expect_error("--security-opt label", "--security-opt label has no value");
	expect_error("--security-opt apparmor=", "--security-opt apparmor has no value");
	expect_error("--security-opt proc-opts=", "--security-opt proc-opts has no value");
}

static void unknown_security_words_are_refused(void **state)
{
	(void)state;
	expect_error("--security-opt seccompx",
		     "unknown --security-opt 'seccompx', did you mean seccomp?");
	expect_error("--security-opt lable=disable",
		     "unknown --security-opt 'lable=disable', did you mean label?");
	expect_error("--security-opt disable", "unknown --security-opt 'disable'");
	expect_error("--security-opt=", "unknown --security-opt ''");
	expect_error("--security-opt==", "unknown --security-opt '='");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_original_job_is_read),
		cmocka_unit_test(options_reach_their_members),
		cmocka_unit_test(limits_beyond_memory_and_cpu_reach_theirs),
		cmocka_unit_test(zero_means_not_given),
		cmocka_unit_test(limits_must_agree),
		cmocka_unit_test(values_that_are_none_are_refused),
		cmocka_unit_test(what_is_not_there_yet_is_named),
		cmocka_unit_test(no_new_privileges_is_a_switch),
		cmocka_unit_test(filters_are_named),
		cmocka_unit_test(paths_are_masked_and_unmasked),
		cmocka_unit_test(labels_are_named),
		cmocka_unit_test(unknown_security_words_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
