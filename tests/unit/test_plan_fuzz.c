#include "unit.h"

#include "engine/run.h"

#include "../fuzz/fuzz_plan.c"
#include "../fuzz/replay.h"

static void the_corpus_of_the_fuzzer_passes(void **state)
{
	(void)state;
	assert_true(replay_folder("../fuzz/corpus/plan", LLVMFuzzerTestOneInput) >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_of_the_fuzzer_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
