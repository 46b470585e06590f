#include "unit.h"

#include "cli/defaults.h"

#include "../fuzz/fuzz_defaults.c"
#include "../fuzz/replay.h"

static void the_corpus_of_the_fuzzer_passes(void **state)
{
	(void)state;
	assert_true(replay_folder("../fuzz/corpus/defaults", LLVMFuzzerTestOneInput) >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_of_the_fuzzer_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
