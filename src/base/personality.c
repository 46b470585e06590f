#include "base/personality.h"

#include <errno.h>
#include <string.h>

int personality_from_name(const char *name)
{
	if (strcmp(name, "LINUX") == 0)
		return 0;                                  /* PER_LINUX */
	return strcmp(name, "LINUX32") == 0 ? 8 : -EINVAL; /* PER_LINUX32 */
}
