/* label_list.h - --label and --label-file: the labels of a container.                              (cli/) */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Files (option_file.h), then labels, into *ret; later ones win. A KEY alone has the empty value, in a file, too. What a label must look like is
 * the engine's to check. */
int label_list_resolve(const StrList *files, const StrList *labels, Arena *a, StrList *ret, Err *e);
