/* reference.h - names of images as people write them: "alpine", "ghcr.io/a/b:1.2", "localhost:5000/x@sha256:...".     (fmt/, may include base)
 *
 * Input:     of the command line, Dockerfiles and archives: HOSTILE. What comes out holds only the characters that the grammar allows, so its
 *            parts can be used in URLs; a path has no part that is "." or "..".
 * Ownership: strings live in the arena.
 * Source:    distribution-spec spec.md ("Pulling manifests": name, reference), and what docker adds on top: a name without a registry is one of
 *            docker.io, and there one without a folder is in "library".
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "fmt/digest.h"

#define REFERENCE_DEFAULT_DOMAIN "docker.io"
#define REFERENCE_DEFAULT_TAG    "latest"

typedef struct Reference {
	const char *domain; /* "docker.io", "localhost:5000", "[::1]:5000" */
	const char *path;   /* "library/alpine" */
	const char *tag;    /* NULL: none was given */
	Digest digest;      /* DIGEST_NONE: none was given */
} Reference;

/* Reads all of text. ERR_USAGE with docker's words ("invalid reference format: repository name must be lowercase"); 64 hexadecimal digits alone
 * are an id and no name. No tag is added: see reference_add_tag(). */
int reference_parse(const char *text, Arena *a, Reference *ret, Err *e);

/* The tag "latest" where neither tag nor digest was given. */
void reference_add_tag(Reference *r);

/* Whether text is the name of a registry: a host's name or address, perhaps with a port. Alone it needs neither a dot nor a colon. */
bool reference_is_domain(const char *text);

/* All of it ("docker.io/library/alpine:latest"), and as docker shows it ("alpine:latest"). */
char *reference_text(const Reference *r, Arena *a);
char *reference_familiar(const Reference *r, Arena *a);

/* The name alone as docker shows it: "alpine", "localhost:5000/x". */
char *reference_familiar_name(const Reference *r, Arena *a);
