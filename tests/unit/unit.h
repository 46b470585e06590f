/* unit.h - what every unit test includes first: cmocka and the headers that it wants before itself.   (tests/unit/) */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __GLIBC__
#include <cmocka.h>
#else
#include "unit_musl.h"
#endif
