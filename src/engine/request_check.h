/* request_check.h - what can be said of a request without looking at the host: names and namespaces.   (engine/) */
#pragma once
#include "base/err.h"
#include "engine/run.h"

/* ERR_USAGE names the option and what is wrong with it. */
int request_check(const RunRequest *q, Err *e);
