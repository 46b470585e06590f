/* cli.h - the whole command line: from arguments to exit code.                              (cli/)
 *
 * Errors are printed here, once, as one line on standard error; exit codes come from one table.
 */
#pragma once
#include "cli/cmd.h"

/* Runs `mydocker` with these arguments (argv[0] is the program) and returns its exit code. */
int cli_main(int argc, char **argv);

/* The exit code for an error of this command (NULL: before one was found): 125 for a usage error, 126 and 127 for a container's
 * command that cannot be run or is not there, else the command's failure_code. */
int cli_exit_code(const Cmd *cmd, const Err *e);

/* The error as it is printed, without newline: "mydocker: MESSAGE (see 'mydocker run --help')", the hint for usage errors only.
 * Returns buf. */
const char *cli_error_line(const Cmd *cmd, const Err *e, char *buf, size_t size);
