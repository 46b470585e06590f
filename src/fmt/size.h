/* size.h - sizes and shares of a CPU as people write them.                                    (fmt/, may include base)
 *
 * All return 0, -EINVAL (not of this form) or -ERANGE (too large), and make no message: the caller knows what the number is for.
 * Exact: nothing here uses floating point. *ret is written on success only.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Docker's sizes (go-units, RAMInBytes): "512", "64k", "1.5g", "100 MB", "2GiB": decimals, one optional space, b k m g t p of any
 * case in powers of 1024, an optional "b" or "ib" behind the letter. A part of a byte is dropped. At most INT64_MAX. No sign. */
int size_parse_bytes(const char *s, uint64_t *ret);

/* A number of CPUs ("1.5", "2", ".25") in billionths. More than nine decimals is -EINVAL, as for docker ("too precise"). */
int size_parse_cpus(const char *s, uint64_t *ret_nano);

/* "100 MiB", "1.5 GiB", "976.6 KiB", "12 B": one decimal where it is not zero, rounded half up. Returns buf, which 16 bytes suffice for. */
const char *size_format(char *buf, size_t size, uint64_t bytes);
