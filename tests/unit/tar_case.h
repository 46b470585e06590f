/* tar_case.h - archives made by hand, and a source that gives them in pieces of any size.             (tests/unit/) */
#pragma once
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "fmt/tar.h"

typedef struct TarCase {
	Arena arena;
	unsigned char *bytes;
	size_t size, at, piece; /* piece: bytes given at once; 0: all */
} TarCase;

static inline unsigned char *case_add(TarCase *c, const void *bytes, size_t size)
{
	unsigned char *all = arena_alloc(&c->arena, c->size + size + 1);
	memcpy(all, c->bytes ? c->bytes : (const unsigned char *)"", c->size);
	if (bytes)
		memcpy(all + c->size, bytes, size);
	c->bytes = all;
	c->size += size;
	return all + c->size - size;
}

/* Sums a header that was changed. */
static inline void case_sum(unsigned char *h)
{
	unsigned sum = 0;
	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += h[i];
	(void)snprintf((char *)h + 148, 8, "%06o", sum);
}

/* A ustar header; it is valid until the next case_add(). */
static inline unsigned char *case_header(TarCase *c, char type, const char *name, size_t size)
{
	unsigned char *h = case_add(c, NULL, 512);
	memcpy(h, name, strlen(name) < 100 ? strlen(name) : 100);
	memcpy(h + 100, "0000644", 8);
	memcpy(h + 108, "0001750", 8);
	memcpy(h + 116, "0000144", 8);
	(void)snprintf((char *)h + 124, 12, "%011zo", size & 077777777777);
	memcpy(h + 136, "14757461003", 12);
	h[156] = (unsigned char)type;
	memcpy(h + 257, "ustar\00000", 8);
	case_sum(h);
	return h;
}

static inline void case_content(TarCase *c, const void *bytes, size_t size)
{
	(void)case_add(c, bytes, size);
	(void)case_add(c, NULL, -size % 512);
}

static inline void case_file(TarCase *c, const char *name, const char *text)
{
	(void)case_header(c, '0', name, strlen(text));
	case_content(c, text, strlen(text));
}

/* "LENGTH KEY=VALUE\n"; the length counts its own digits. */
static inline void case_record(char *to, size_t *len, const char *key, const void *value, size_t size)
{
	size_t rest = strlen(key) + size + 3, all = rest;
	char digits[24];
	do
		all = rest + (size_t)snprintf(digits, sizeof digits, "%zu", all);
	while (all != rest + (size_t)snprintf(digits, sizeof digits, "%zu", all));
	*len += (size_t)snprintf(to + *len, 4096 - *len, "%zu %s=", all, key);
	memcpy(to + *len, value, size);
	*len += size;
	to[(*len)++] = '\n';
}

/* A pax header of pairs: key, value, key, value, NULL. */
static inline void case_pax(TarCase *c, char type, const char *const *pairs)
{
	char text[4096];
	size_t len = 0;
	for (; *pairs; pairs += 2)
		case_record(text, &len, pairs[0], pairs[1], strlen(pairs[1]));
	(void)case_header(c, type, "pax", len);
	case_content(c, text, len);
}

static inline void case_end(TarCase *c)
{
	(void)case_add(c, NULL, 1024);
}

static inline int case_source(void *context, const unsigned char **ret, size_t *ret_size, Err *e)
{
	TarCase *c = context;
	size_t left = c->size - c->at;
	(void)e;
	*ret = c->bytes + c->at;
	*ret_size = c->piece && c->piece < left ? c->piece : left;
	c->at += *ret_size;
	return 0;
}
