#include "unit.h"

#include "fmt/seccomp.h"

#include "../fuzz/fuzz_seccomp.c"
#include "../fuzz/replay.h"

static void the_corpus_of_the_fuzzer_passes(void **state)
{
	(void)state;
	assert_true(replay_folder("../fuzz/corpus/seccomp", LLVMFuzzerTestOneInput) >= 8);
}

/* The profiles of the tests, too, which are larger than most that a fuzzer makes. */
static void the_profiles_of_the_tests_pass(void **state)
{
	(void)state;
	assert_int_equal(replay_folder("data/seccomp", LLVMFuzzerTestOneInput), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_of_the_fuzzer_passes),
		cmocka_unit_test(the_profiles_of_the_tests_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
