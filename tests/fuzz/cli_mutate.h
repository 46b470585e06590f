/* cli_mutate.h - changes a command line as somebody does who knows the options but not what they take.    (tests/fuzz/)
 *
 * Option names come from the tables of `run`: a new row is fuzzed without being named here. What is changed besides are values, whole,
 * and now and then any bytes. The dictionary cli.dict has words that values are made of.
 */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli_world.h"

/* libFuzzer's own; where the corpus is replayed there is none, and nobody calls us. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
				 size_t size2, uint8_t *out, size_t max_size, unsigned seed);

enum { LINE_MOST = 512 };

/* xorshift: its own, so that a seed always does the same. */
static size_t draw(unsigned *seed, size_t below)
{
	*seed = *seed ? *seed : 1;
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return below ? *seed % below : 0;
}

/* One of the rows that say something; those that are refused by name come seldom. */
static const Opt *draw_option(unsigned *seed)
{
	for (;;) {
		size_t left = 0;
		for (int pass = 0; pass < 2; pass++) {
			size_t at = pass ? draw(seed, left) : 0;
			for (size_t t = 0; t < OPT_TABLES; t++)
				for (const Opt *o = cmd_run.opts[t]; o && o->kind != OPT_KIND_END; o++) {
					left += !pass;
					if (!pass || at-- > 0)
						continue;
					bool there = o->kind < OPT_KIND_GROUP || draw(seed, 16) == 0;
					if (there && *o->name)
						return o;
				}
		}
	}
}

/* The line that some byte lies in, with its newline. */
static size_t draw_line(const uint8_t *data, size_t size, unsigned *seed, size_t *ret_len)
{
	size_t at = draw(seed, size);
	while (at > 0 && data[at - 1] != '\n')
		at--;
	const uint8_t *end = memchr(data + at, '\n', size - at);
	*ret_len = end ? (size_t)(end - data) + 1 - at : size - at;
	return at;
}

/* Puts new bytes in the place of old ones. Returns the new size, or the old one when there is no room. */
static size_t replace(uint8_t *data, size_t size, size_t max, size_t at, size_t old,
		      const void *bytes, size_t len)
{
	if (size - old + len > max)
		return size;
	memmove(data + at + len, data + at + old, size - at - old);
	memcpy(data + at, bytes, len);
	return size - old + len;
}

/* Changes the value that stands on a line: behind '=', or the whole line. */
static size_t change_value(uint8_t *data, size_t size, size_t max, unsigned *seed)
{
	uint8_t value[LINE_MOST];
	size_t len, at = draw_line(data, size, seed, &len);
	len -= len > 0 && data[at + len - 1] == '\n';
	const uint8_t *equals = len > 2 && memcmp(data + at, "--", 2) == 0
					? memchr(data + at, '=', len)
					: NULL;
	size_t name = equals ? (size_t)(equals - data) + 1 - at : 0;
	if (len - name > LINE_MOST / 2)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(value, data + at + name, len - name);
	size_t now = LLVMFuzzerMutate(value, len - name, LINE_MOST);
	for (size_t i = 0; i < now; i++)
		value[i] = value[i] == '\n' ? '\0' : value[i];
	return replace(data, size, max, at + name, len - name, value, now);
}

static size_t add_option(uint8_t *data, size_t size, size_t max, unsigned *seed)
{
	char line[LINE_MOST];
	const Opt *o = draw_option(seed);
	size_t unused, at = draw_line(data, size, seed, &unused), len;
	const char *values[] = { "", "0", "1", "true", "/a", "a=b", "a:b", "/a:/b", "host", "512m" };
	const char *equals = o->arg ? draw(seed, 4) ? "=" : "\n" : "";
	len = (size_t)snprintf(line, sizeof line, "--%s%s%s\n", o->name, equals,
			       o->arg ? values[draw(seed, ARRAY_LEN(values))] : "");
	return replace(data, size, max, at, 0, line, len);
}

/* Gives one of the values that are there to another option. */
static size_t change_name(uint8_t *data, size_t size, size_t max, unsigned *seed)
{
	char name[64];
	const Opt *o = draw_option(seed);
	size_t len, at = draw_line(data, size, seed, &len);
	if (len < 3 || memcmp(data + at, "--", 2) != 0)
		return add_option(data, size, max, seed);
	const uint8_t *equals = memchr(data + at, '=', len);
	size_t old = equals ? (size_t)(equals - data) - at : len - (data[at + len - 1] == '\n');
	return replace(data, size, max, at, old, name,
		       (size_t)snprintf(name, sizeof name, "--%s", o->name));
}

static size_t drop_line(uint8_t *data, size_t size, size_t max, unsigned *seed)
{
	size_t len, at = draw_line(data, size, seed, &len);
	return len < size ? replace(data, size, max, at, len, "", 0) : size;
}

static size_t change_host(uint8_t *data, size_t size, size_t max, unsigned *seed)
{
	const uint8_t *end = memchr(data, '\n', size);
	const char *name = world_hosts[draw(seed, ARRAY_LEN(world_hosts))].name;
	return replace(data, size, max, 0, end ? (size_t)(end - data) : size, name, strlen(name));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	if (size == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	switch (draw(&seed, 17)) {
	case 16: return change_host(data, size, max_size, &seed);
	case 0: return LLVMFuzzerMutate(data, size, max_size);
	case 1:
	case 2:
	case 3: return add_option(data, size, max_size, &seed);
	case 4:
	case 5: return change_name(data, size, max_size, &seed);
	case 6: return drop_line(data, size, max_size, &seed);
	default: return change_value(data, size, max_size, &seed);
	}
}

/* A line of the one goes into the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
				 size_t size2, uint8_t *out, size_t max_size, unsigned seed)
{
	size_t len, at, unused, size = size1 < max_size ? size1 : max_size;
	memcpy(out, data1, size);
	if (size == 0 || size2 == 0)
		return size;
	at = draw_line(data2, size2, &seed, &len);
	return replace(out, size, max_size, draw_line(out, size, &seed, &unused), 0, data2 + at, len);
}
