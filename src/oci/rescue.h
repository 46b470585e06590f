/* rescue.h - a container whose files are damaged, so that it can still be deleted.            (oci/)
 *
 * On disk:   record.json is made anew from what else is known; what cannot be read of the others goes. Whole files stay as they are.
 */
#pragma once
#include "oci/oci.h"

/* Each damaged file is a warning. The groups are those that its description asks for, or, without one, those that it has by default; the groups
 * above them stay. Afterwards the container can be opened. */
int oci_rescue(const OciGlobal *g, const char *id, Arena *a, Err *e);
