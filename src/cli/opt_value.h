/* opt_value.h - the values that options take.                                                (cli/)
 *
 * OptParseFn for OPT_PARSE rows. Pure; on failure they raise ERR_USAGE with what is wrong with the text ("not a size such as 512m"), to
 * which the parser adds option and text.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

int opt_parse_number(const char *text, int64_t *ret, Err *e); /* a whole number, which may be negative */
int opt_parse_size(const char *text, int64_t *ret, Err *e); /* bytes: "512m", "1.5g" (fmt/size.h) */
int opt_parse_swap(const char *text, int64_t *ret, Err *e); /* the same, or -1 */
int opt_parse_cpus(const char *text, int64_t *ret, Err *e); /* "1.5" CPUs in 10^-9 of one */

/* The words that Go's strconv.ParseBool takes: 1, t, true, 0, f, false, ... -EINVAL, without a message, for others. */
int opt_parse_bool(const char *text, bool *ret);
