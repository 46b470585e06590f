/* layout_source.h - images in an OCI layout on disk, "oci:DIR[:NAME]", as skopeo and podman write it.     (engine/)
 *
 * Input:     HOSTILE as a registry is. Files are opened below the directory, through no symbolic link of it.
 * Source:    image-layout.md; containers-transports(5) for the reference.
 */
#pragma once
#include "base/fd.h"
#include "engine/image_source.h"

typedef struct LayoutSource {
	const char *path, *name; /* name NULL: the only image there is */
	int fd;
} LayoutSource;
#define LAYOUT_SOURCE_NONE ((LayoutSource){ .fd = FD_NONE })

/* text: what follows "oci:". */
int layout_source_open(const char *text, Arena *a, LayoutSource *ret, Err *e);
void layout_source_close(LayoutSource *l);
static inline void layout_source_close_auto(LayoutSource *l)
{
	layout_source_close(l);
}

ImageSource layout_source(LayoutSource *l);
