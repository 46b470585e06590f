/* Any text as config.json: it is refused with a message, or the structure keeps what spec.h promises of it. */
#include "base/arena.h"
#include "check_spec.h"
#include "fmt/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena a = ARENA_EMPTY;
	Spec s;
	SeccompProgram program;
	Err e = { 0 };
	if (spec_decode((const char *)data, size, &a, &s, &e) < 0) {
		assert(e.kind == ERR_SPEC && e.msg[0] && e.msg[0] != ' ');
	} else {
		check_spec(&s);
		for (size_t i = 0; i < s.linux_.sysctl_count; i++)
			assert(!strstr(s.linux_.sysctl[i].key, ".."));
		if (s.linux_.seccomp && seccomp_compile(s.linux_.seccomp, &a, &program, &e) < 0)
			assert(e.msg[0]);
	}
	arena_done(&a);
	return 0;
}
