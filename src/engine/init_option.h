/* init_option.h - --init-path: a program of the host that becomes pid 1 and starts the command.     (engine/) */
#pragma once
#include "engine/spec_fill.h"

/* Mounts the program read-only on INIT_PLACE and puts "INIT_PLACE --" before the command. Last of the parts: it looks at the mounts. */
#define INIT_PLACE "/dev/init"
int init_option_fill(const RunContext *c, Spec *s, Err *e);
