/* remove.h - what `delete` does with a container that runs no more, and `checkpoint` with one that is in its images.   (oci/) */
#pragma once
#include "oci/container.h"

/* Takes back all that it has left, and runs its poststop hooks. -EBUSY (ERR_STATE): somebody holds it. */
int oci_container_remove(OciContainer *c, Arena *a, Err *e);
