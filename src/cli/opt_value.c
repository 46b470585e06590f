#include "cli/opt_value.h"

#include <string.h>

#include "base/num.h"
#include "fmt/size.h"

int opt_parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*ret = strcmp(text, yes[i]) == 0;
			return 0;
		}
	return -EINVAL;
}

int opt_parse_number(const char *text, int64_t *ret, Err *e)
{
	int r = num_parse_i64(text, ret);
	if (r == -ERANGE)
		return err_make(e, ERR_USAGE, 0, "too large");
	return r < 0 ? err_make(e, ERR_USAGE, 0, "not a whole number") : 0;
}

int opt_parse_size(const char *text, int64_t *ret, Err *e)
{
	uint64_t bytes;
	int r = size_parse_bytes(text, &bytes); /* at most INT64_MAX */
	if (r == -ERANGE)
		return err_make(e, ERR_USAGE, 0, "too large");
	if (r < 0)
		return err_make(e, ERR_USAGE, 0, "not a size such as 512m or 1.5g");
	*ret = (int64_t)bytes;
	return 0;
}

int opt_parse_swap(const char *text, int64_t *ret, Err *e)
{
	if (strcmp(text, "-1") != 0)
		return opt_parse_size(text, ret, e);
	*ret = -1;
	return 0;
}

int opt_parse_cpus(const char *text, int64_t *ret, Err *e)
{
	uint64_t nano;
	if (size_parse_cpus(text, &nano) < 0 || nano > INT64_MAX)
		return err_make(e, ERR_USAGE, 0, "not a number of CPUs such as 0.5 or 2");
	*ret = (int64_t)nano;
	return 0;
}
