/* device_defaults.h - the devices that every container may use.                              (oci/) */
#pragma once
#include "base/arena.h"
#include "fmt/spec.h"

/* config-linux.md, "Default Devices", says which there are; callers leave it to the runtime to allow them: after their own rules, as runc
 * does. Without any rule nothing else is allowed. Nodes may be made of whatever there is, but not opened. */
void oci_device_defaults(SpecLinux *l, Arena *a);
