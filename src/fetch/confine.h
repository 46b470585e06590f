/* confine.h - what fetch, which speaks with strangers and holds passwords, may not do.        (fetch/, may include base fmt kern)
 *
 * Theory:    no capabilities, no program to execute, nobody else's memory or namespaces, no change of the file system but by what it was handed;
 *            its own memory is nobody's to read, and no core is left of it.
 */
#pragma once
#include "base/err.h"

int confine(Err *e);
