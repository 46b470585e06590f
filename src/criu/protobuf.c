#include "criu/protobuf.h"

#include <errno.h>
#include <string.h>

enum { NUMBER = 0, FIXED_8 = 1, BYTES = 2, FIXED_4 = 5 };
#define VARINT_BYTES 10

static uint8_t *room_for(PbWriter *w, size_t len)
{
	if (w->room - w->len < len) {
		size_t room = (w->room + len) * 2;
		uint8_t *data = arena_alloc(w->arena, room);
		if (w->len > 0)
			memcpy(data, w->data, w->len);
		w->data = data;
		w->room = room;
	}
	return w->data + w->len;
}

static void put_varint(PbWriter *w, uint64_t n)
{
	uint8_t *at = room_for(w, VARINT_BYTES);
	for (; n > 0x7f; n >>= 7)
		*at++ = (uint8_t)(n | 0x80);
	*at++ = (uint8_t)n;
	w->len = (size_t)(at - w->data);
}

static void put_bytes(PbWriter *w, unsigned field, const void *data, size_t len)
{
	put_varint(w, (uint64_t)field << 3 | BYTES);
	put_varint(w, len);
	if (len > 0)
		memcpy(room_for(w, len), data, len);
	w->len += len;
}

void pb_number(PbWriter *w, unsigned field, uint64_t value)
{
	put_varint(w, (uint64_t)field << 3 | NUMBER);
	put_varint(w, value);
}

void pb_flag(PbWriter *w, unsigned field, bool value)
{
	pb_number(w, field, value);
}

void pb_string(PbWriter *w, unsigned field, const char *text)
{
	if (text)
		put_bytes(w, field, text, strlen(text));
}

void pb_message(PbWriter *w, unsigned field, const PbWriter *inner)
{
	put_bytes(w, field, inner->data, inner->len);
}

static int take_varint(PbReader *r, uint64_t *ret)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < VARINT_BYTES && r->len > 0; i++) {
		uint8_t byte = *r->data++;
		r->len--;
		n |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (!(byte & 0x80)) {
			*ret = n;
			return 0;
		}
	}
	return -EBADMSG;
}

static int take_bytes(PbReader *r, uint64_t len, PbReader *ret)
{
	if (len > r->len)
		return -EBADMSG;
	*ret = (PbReader){ .data = r->data, .len = (size_t)len };
	r->data += len;
	r->len -= (size_t)len;
	return 0;
}

int pb_next(PbReader *r, PbField *ret)
{
	uint64_t key, len = 0;
	PbField f = { 0 };
	if (r->len == 0)
		return 0;
	if (take_varint(r, &key) < 0 || key >> 3 == 0 || key >> 3 > INT32_MAX)
		return -EBADMSG;
	f.number = (unsigned)(key >> 3);
	int n = -EBADMSG;
	switch (key & 7) {
	case NUMBER: n = take_varint(r, &f.value); break;
	case FIXED_8: n = take_bytes(r, 8, &f.bytes); break;
	case FIXED_4: n = take_bytes(r, 4, &f.bytes); break;
	case BYTES:
		n = take_varint(r, &len);
		if (n == 0)
			n = take_bytes(r, len, &f.bytes);
		break;
	default: break;
	}
	if (n < 0)
		return n;
	*ret = f;
	return 1;
}
