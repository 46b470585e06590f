#include "cli/cli.h"
#include "kern/populate.h"

#define STACK_USED ((size_t)48 << 10) /* by a start */

int main(int argc, char **argv)
{
	populate_program(STACK_USED);
	return cli_main(argc, argv);
}
