/* cmd_version.h - what this program says about itself.                                          (cli/) */
#pragma once
#include "base/err.h"

/* The processor as docker names it ("amd64"), and as uname(2) does ("x86_64"). */
extern const char *const version_arch_docker, *const version_arch_machine;

/* "mydocker version 0.1.0, build abc123", as `docker --version`. */
int version_print_line(Err *e);
