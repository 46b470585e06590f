/* help.h - --help, made from the tables.                                                    (cli/)
 *
 * Goes to standard output. Options that are not there yet are left out: what --help shows works.
 */
#pragma once
#include "cli/cmd.h"

/* "mydocker run --help": usage, summary, options in the alphabet's order, wrapped at the terminal's width. */
int help_command(const Cmd *cmd, Err *e);

/* "mydocker --help": the commands by group and the global options. */
int help_overview(Err *e);
