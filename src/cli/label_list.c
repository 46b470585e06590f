#include "cli/label_list.h"

#include "cli/option_file.h"

int label_list_resolve(const StrList *files, const StrList *labels, Arena *a, StrList *ret, Err *e)
{
	StrList list = { 0 };
	for (size_t i = 0; i < files->count; i++)
		TRY(option_file_read("label", files->items[i], a, &list, e));
	for (size_t i = 0; i < labels->count; i++)
		strlist_add(a, &list, labels->items[i]);
	*ret = list;
	return 0;
}
