#include <string.h>

#include "base/own.h"
#include "fmt/variant.h"
#include "libexec/systemd.h"

static int append(sd_bus_message *m, const Variant *v);

/* sd-bus wants a pointer to a number of the type's own size, and to an int for a truth value. */
static int append_number(sd_bus_message *m, const Variant *v)
{
	const uint8_t byte = (uint8_t)v->number;
	const uint16_t half = (uint16_t)v->number;
	const uint32_t word = (uint32_t)v->number;
	switch (v->signature[0]) {
	case 'd': return sd_bus_message_append_basic(m, 'd', &v->real);
	case 'x':
	case 't': return sd_bus_message_append_basic(m, v->signature[0], &v->number);
	case 'n':
	case 'q': return sd_bus_message_append_basic(m, v->signature[0], &half);
	case 'y': return sd_bus_message_append_basic(m, 'y', &byte);
	default: /* i u b */ return sd_bus_message_append_basic(m, v->signature[0], &word);
	}
}

static int append_container(sd_bus_message *m, const Variant *v)
{
	char type = v->signature[0], contents[256];
	size_t len = strlen(v->signature);
	const char *inner = v->signature + 1;
	if (len >= sizeof contents)
		return -EINVAL;
	if (type == '(' || type == '{') {
		memcpy(contents, inner, len - 2);
		contents[len - 2] = '\0';
		inner = contents;
		type = type == '(' ? SD_BUS_TYPE_STRUCT : SD_BUS_TYPE_DICT_ENTRY;
	}
	if (type == 'v')
		inner = v->items[0].signature;
	TRY(sd_bus_message_open_container(m, type, inner));
	for (size_t i = 0; i < v->count; i++)
		TRY(append(m, &v->items[i]));
	return sd_bus_message_close_container(m);
}

static int append(sd_bus_message *m, const Variant *v)
{
	if (strchr("a({v", v->signature[0]))
		return append_container(m, v);
	if (strchr("sog", v->signature[0]))
		return sd_bus_message_append_basic(m, v->signature[0], v->text);
	return append_number(m, v);
}

int systemd_append(sd_bus_message *m, const Property *p, Arena *a, Err *e)
{
	Variant v;
	int r = variant_parse(p->value, a, &v, e);
	if (r < 0)
		return err_wrap(e, r, "property %s", p->name);
	const Variant whole = { .signature = "v", .items = &v, .count = 1 };
	r = sd_bus_message_open_container(m, SD_BUS_TYPE_STRUCT, "sv");
	if (r >= 0)
		r = sd_bus_message_append_basic(m, 's', p->name);
	if (r >= 0)
		r = append(m, &whole);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? err_make(e, ERR_SPEC, -r, "property %s=%s cannot be told to systemd",
				p->name, p->value)
		     : 0;
}
