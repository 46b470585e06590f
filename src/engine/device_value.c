#include "engine/device_value.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "fmt/size.h"

/* The value stands behind the last colon, for there are colons in names such as /dev/disk/by-path/pci-0000:00:1f.2. */
static int split(const char *option, const char *text, Arena *a, const char **ret_path,
		 const char **ret_value, Err *e)
{
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || !colon[1])
		return err_make(e, ERR_USAGE, 0, "%s %s: not of the form DEVICE:VALUE", option, text);
	*ret_path = arena_strndup(a, text, (size_t)(colon - text));
	*ret_value = colon + 1;
	return 0;
}

/* The kernel knows limits of whole disks only; sysfs has a partition's folder in its disk's. */
static int refuse_partition(const char *option, const char *path, dev_t dev, Err *e)
{
	char file[64], target[512];
	(void)str_format(file, sizeof file, "/sys/dev/block/%u:%u/partition", major(dev),
			 minor(dev)); /* fits */
	if (access(file, F_OK) < 0)
		return 0;
	*strrchr(file, '/') = '\0';
	ssize_t n = readlink(file, target, sizeof target - 1);
	target[n < 0 ? 0 : n] = '\0';
	char *slash = strrchr(target, '/');
	if (slash)
		*slash = '\0';
	return err_make(e, ERR_USAGE, 0,
			"%s: %s is a partition, and the kernel limits whole disks: name the disk%s%s",
			option, path, slash ? " /dev/" : "", slash ? err_basename(target) : "");
}

static int look_up(const char *option, const char *path, dev_t *ret, Err *e)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return err_sys(e, "%s: look up the device %s", option, path);
	if (!S_ISBLK(st.st_mode))
		return err_make(e, ERR_USAGE, 0, "%s: %s is not a block device", option, path);
	TRY(refuse_partition(option, path, st.st_rdev, e));
	*ret = st.st_rdev;
	return 0;
}

int device_value_rate(const char *option, const char *text, bool is_size, Arena *a,
		      SpecDeviceRate *ret, Err *e)
{
	const char *path, *value;
	uint64_t rate;
	dev_t dev;
	TRY(split(option, text, a, &path, &value, e));
	int r = is_size ? size_parse_bytes(value, &rate) : num_parse_u64(value, UINT64_MAX, &rate);
	if (r < 0 || rate == 0)
		return err_make(e, ERR_USAGE, 0, "%s %s: the rate '%s' is not %s", option, text, value,
				is_size ? "a size such as 1mb, of at least one byte"
					: "a whole number of at least 1");
	TRY(look_up(option, path, &dev, e));
	*ret = (SpecDeviceRate){ .major = major(dev), .minor = minor(dev), .rate = rate };
	return 0;
}

int device_value_weight(const char *option, const char *text, Arena *a, SpecDeviceWeight *ret, Err *e)
{
	const char *path, *value;
	uint32_t weight;
	dev_t dev;
	TRY(split(option, text, a, &path, &value, e));
	if (num_parse_u32(value, UINT16_MAX, &weight) < 0)
		return err_make(e, ERR_USAGE, 0, "%s %s: the weight '%s' is not a whole number",
				option, text, value);
	TRY(look_up(option, path, &dev, e));
	*ret = (SpecDeviceWeight){
		.major = major(dev), .minor = minor(dev), .weight = weight, .leaf_weight = SPEC_UNSET
	};
	return 0;
}
