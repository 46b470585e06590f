/* help.h - what --help and --version print, in runc's form.                                 (oci/)
 *
 * Runs in:   the command's process, before anything else is done.
 */
#pragma once
#include "oci/oci.h"

int oci_help(const OciGlobal *g, const OciCmd *const *cmds, size_t count, const Opt *const *options,
	     Err *e);
int oci_help_command(const OciGlobal *g, const OciCmd *cmd, Err *e);
int oci_version_print(const OciGlobal *g, Err *e);
