/* device_value.h - "DEVICE:VALUE" of --device-read-bps and its kind: a block device of the host, and a number.   (engine/)
 *
 * Runs in:   the engine, before anything is made. The device is looked up by stat(2) and not opened; links are followed.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "fmt/spec_resources.h"

/* A rate of at least 1; is_size: bytes with a unit ("1mb"), else a plain number. `option` is for messages. */
int device_value_rate(const char *option, const char *text, bool is_size, Arena *a,
		      SpecDeviceRate *ret, Err *e);

/* A weight, whose range is the plan's to check. */
int device_value_weight(const char *option, const char *text, Arena *a, SpecDeviceWeight *ret, Err *e);
