#include <string.h>

#include "fmt/spec_rows.h"

/* The name of a directory right below the resctrl file system, or "/"; the other directories there are the kernel's own. */
static int decode_clos_id(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	static const char *const taken[] = { ".", "..", "info", "mon_groups", "mon_data" };
	TRY(spec_row_text(d, v, base, row));
	const char *id = ((SpecIntelRdt *)base)->clos_id;
	bool bad = id && strcmp(id, "/") != 0 && (strpbrk(id, "/\n") || strlen(id) > 255);
	for (size_t i = 0; id && i < ARRAY_LEN(taken); i++)
		bad |= strcmp(id, taken[i]) == 0;
	return bad ? spec_fail(d, v, "must be the name of a group, or /, not '%.64s'", id) : 0;
}

/* One line that begins with "L3:"; with code and data apart there are two, "L3CODE:" and "L3DATA:", which callers send as one text. */
static int decode_cache(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_text(d, v, base, row));
	const char *text = ((SpecIntelRdt *)base)->l3_schema;
	for (const char *line = text; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (!str_starts(line, "L3"))
			return spec_fail(d, v, "must have lines of the cache alone, L3:, not '%.64s'",
					 line);
	return 0;
}

static int decode_mem_bw(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_text(d, v, base, row));
	const char *line = ((SpecIntelRdt *)base)->mem_bw_schema;
	if (line && (!str_starts(line, "MB:") || strchr(line, '\n')))
		return spec_fail(d, v, "must be one line that begins with MB:, not '%.64s'", line);
	return 0;
}

static int decode_schemata(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	TRY(spec_row_strings(d, v, base, row));
	const StrList *lines = &((SpecIntelRdt *)base)->schemata;
	for (size_t i = 0; i < lines->count; i++)
		if (!*lines->items[i] || strchr(lines->items[i], '\n'))
			return spec_fail(d, v, "must hold single lines, not '%.64s'", lines->items[i]);
	return 0;
}

static const SpecRow rdt_rows[] = {
	SPEC_ROW("closID", decode_clos_id, .offset = SPEC_FIELD(SpecIntelRdt, clos_id, const char *)),
	SPEC_ROW("l3CacheSchema", decode_cache,
		 .offset = SPEC_FIELD(SpecIntelRdt, l3_schema, const char *)),
	SPEC_ROW("memBwSchema", decode_mem_bw,
		 .offset = SPEC_FIELD(SpecIntelRdt, mem_bw_schema, const char *)),
	SPEC_ROW("schemata", decode_schemata, .offset = SPEC_FIELD(SpecIntelRdt, schemata, StrList)),
	SPEC_BOOL("enableMonitoring", SpecIntelRdt, monitoring),
	SPEC_ROWS_END,
};

int spec_decode_intel_rdt(SpecDecoder *d, const JsonValue *v, void *base, const SpecRow *row)
{
	SpecIntelRdt *r = &((SpecLinux *)base)->intel_rdt;
	(void)row;
	r->given = true;
	return spec_decode_object(d, v, rdt_rows, r);
}
