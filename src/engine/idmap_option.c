#include "engine/idmap_option.h"

#include "base/num.h"
#include "base/str.h"

int idmap_option_parse(const char *option, const char *text, Arena *a, SpecIdMap *ret, Err *e)
{
	StrList parts = str_split(a, text, ':');
	SpecIdMap m = { .size = 1 };
	if ((parts.count != 2 && parts.count != 3) ||
	    num_parse_u32(parts.items[0], UINT32_MAX - 1, &m.container_id) < 0 ||
	    num_parse_u32(parts.items[1], UINT32_MAX - 1, &m.host_id) < 0 ||
	    (parts.count == 3 && num_parse_u32(parts.items[2], UINT32_MAX, &m.size) < 0))
		return err_make(e, ERR_USAGE, 0, "%s '%s': not of the form CONTAINER:HOST[:SIZE]",
				option, text);
	*ret = m;
	return 0;
}
