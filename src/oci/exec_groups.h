/* exec_groups.h - the control groups that a further process of a container starts in.         (oci/) */
#pragma once
#include "oci/container.h"
#include "runtime/facts.h"

/* The container's own, or by `asked` ("PATH", "cpu,memory:PATH") groups below them; directories, in the order of the record. A v2 group that has
 * handed controllers on takes no processes: then it is the one that the container's first process is in. */
int oci_exec_groups(const OciContainer *c, const HostFacts *f, const StrList *asked, Arena *a,
		    StrList *ret, Err *e);
