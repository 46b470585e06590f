#include "unit.h"

#include "fmt/challenge.h"

#include "../fuzz/fuzz_registry.c"
#include "../fuzz/replay.h"

static void the_corpus_of_the_fuzzer_passes(void **state)
{
	(void)state;
	assert_true(replay_folder("../fuzz/corpus/registry", LLVMFuzzerTestOneInput) >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_corpus_of_the_fuzzer_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
