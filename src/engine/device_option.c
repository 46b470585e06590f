#include "engine/device_option.h"

#include <string.h>

#include "base/num.h"
#include "base/str.h"

/* Each of the letters at most once, and one of them at least. */
static bool permissions_parse(const char *text, bool *ret_read, bool *ret_write, bool *ret_mknod)
{
	bool read = false, write = false, make = false;
	for (const char *p = text; *p; p++) {
		bool *flag = *p == 'r' ? &read : *p == 'w' ? &write : *p == 'm' ? &make : NULL;
		if (!flag || *flag)
			return false;
		*flag = true;
	}
	*ret_read = read;
	*ret_write = write;
	*ret_mknod = make;
	return *text != '\0';
}

static int host_check(const char *host, Err *e)
{
	const char *slash = strchr(host, '/');
	if (*host == '/')
		return 0;
	if (slash && strchr(slash, '='))
		return err_make(e, ERR_USAGE, 0,
				"CDI devices are not there yet; give the path of a device");
	return err_make(e, ERR_USAGE, 0, "'%s' is not an absolute path", host);
}

static int device_parse(const char *text, Arena *a, DeviceOption *d, Err *e)
{
	StrList parts = str_split(a, text, ':');
	const char *permissions = "rwm", *inside = NULL;
	bool r, w, m;
	TRY(host_check(parts.items[0], e));
	if (parts.count > 3)
		return err_make(e, ERR_USAGE, 0, "not of the form HOST[:CONTAINER][:rwm]");
	if (parts.count == 2 && permissions_parse(parts.items[1], &r, &w, &m))
		permissions = parts.items[1];
	else if (parts.count > 1)
		inside = parts.items[1];
	if (parts.count == 3)
		permissions = parts.items[2];
	if (!permissions_parse(permissions, &d->read, &d->write, &d->mknod))
		return err_make(e, ERR_USAGE, 0, "the permissions '%s' are not made of r, w and m",
				permissions);
	if (inside && *inside != '/')
		return err_make(e, ERR_USAGE, 0,
				"'%s' is neither an absolute path nor made of r, w and m", inside);
	d->host = parts.items[0];
	d->inside = path_clean(a, inside ? inside : d->host);
	return 0;
}

int device_option_parse(const char *text, Arena *a, DeviceOption *ret, Err *e)
{
	DeviceOption d = { 0 };
	int r = device_parse(text, a, &d, e);
	if (r < 0)
		return err_wrap(e, r, "--device '%s'", text);
	*ret = d;
	return 0;
}

static bool number_parse(const char *text, int64_t *ret)
{
	uint32_t n;
	if (strcmp(text, "*") == 0) {
		*ret = -1;
		return true;
	}
	if (num_parse_u32(text, UINT32_MAX, &n) < 0)
		return false;
	*ret = n;
	return true;
}

int device_rule_parse(const char *text, Arena *a, DeviceRule ret[2], Err *e)
{
	DeviceRule rule = { .allow = true };
	StrList words = str_split(a, text, ' ');
	StrList numbers = words.count == 3 ? str_split(a, words.items[1], ':') : (StrList){ 0 };
	if (numbers.count != 2 || strlen(words.items[0]) != 1 ||
	    !strchr("abc", words.items[0][0]) || !number_parse(numbers.items[0], &rule.major) ||
	    !number_parse(numbers.items[1], &rule.minor) ||
	    !permissions_parse(words.items[2], &rule.read, &rule.write, &rule.mknod))
		return err_make(e, ERR_USAGE, 0,
				"--device-cgroup-rule '%s': not of the form 'TYPE MAJOR:MINOR rwm' with the type a, b or c",
				text);
	ret[0] = ret[1] = rule;
	ret[0].type = words.items[0][0];
	bool all = rule.major < 0 && rule.minor < 0 && rule.read && rule.write && rule.mknod;
	if (ret[0].type != 'a' || all)
		return 1;
	ret[0].type = 'b';
	ret[1].type = 'c';
	return 2;
}
