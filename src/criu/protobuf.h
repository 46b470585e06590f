/* protobuf.h - the wire format of protocol buffers: numbered fields, one after the other.       (criu/, may include base)
 *
 * Runs in:   the command's process. Pure.
 * Input:     what is read comes from criu, a program of the host; still every length is checked against what is there.
 * Source:    protobuf.dev, "Encoding": wire types 0 (a number, seven bits a byte), 2 (bytes with their length), 1 and 5 (8 and 4 bytes).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct PbWriter {
	Arena *arena;
	uint8_t *data;
	size_t len, room;
} PbWriter;

void pb_number(PbWriter *w, unsigned field, uint64_t value); /* a negative int32 is written as int64 has it */
void pb_flag(PbWriter *w, unsigned field, bool value);
void pb_string(PbWriter *w, unsigned field, const char *text); /* NULL: left out */
void pb_message(PbWriter *w, unsigned field, const PbWriter *inner);

typedef struct PbReader {
	const uint8_t *data;
	size_t len;
} PbReader;

typedef struct PbField {
	unsigned number;
	uint64_t value; /* of a number */
	PbReader bytes; /* of a string or message; { NULL, 0 } for a number */
} PbField;

/* Takes the next field. 1: there is one; 0: the end; -EBADMSG: it is none. */
int pb_next(PbReader *r, PbField *ret);
