#include "engine/network_text.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_address(const char *text)
{
	unsigned char bytes[16];
	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

bool network_is_word(const char *text)
{
	return *text && !strpbrk(text, " #") && str_is_printable(text);
}

static int hosts_line(const char *text, Arena *a, const char **ret, Err *e)
{
	size_t len = strcspn(text, "=:");
	const char *name = arena_strndup(a, text, len), *address = text[len] ? text + len + 1 : "";
	size_t address_len = strlen(address);
	if (address_len > 2 && address[0] == '[' && address[address_len - 1] == ']')
		address = arena_strndup(a, address + 1, address_len - 2);
	if (!network_is_word(name) || !is_address(address))
		return err_make(e, ERR_USAGE, 0, "--add-host '%s': not of the form NAME:ADDRESS", text);
	*ret = arena_printf(a, "%s\t%s\n", address, name);
	return 0;
}

int network_hosts_lines(const StrList *add, Arena *a, const char **ret, Err *e)
{
	const char *text = "", *line;
	for (size_t i = 0; i < add->count; i++) {
		TRY(hosts_line(add->items[i], a, &line, e));
		text = arena_printf(a, "%s%s", text, line);
	}
	*ret = text;
	return 0;
}

static int check_words(const StrList *words, const char *option, Err *e)
{
	for (size_t i = 0; i < words->count; i++)
		if (!network_is_word(words->items[i]))
			return err_make(e, ERR_USAGE, 0, "%s '%s': not a single word", option,
					words->items[i]);
	return 0;
}

static int check(const ResolverOptions *o, Err *e)
{
	for (size_t i = 0; i < o->servers.count; i++)
		if (!is_address(o->servers.items[i]))
			return err_make(e, ERR_USAGE, 0, "--dns '%s': not an address",
					o->servers.items[i]);
	TRY(check_words(&o->search, "--dns-search", e));
	return check_words(&o->options, "--dns-option", e);
}

/* True for a line of the host's file whose kind is given anew. */
static bool is_replaced(const char *line, const ResolverOptions *o)
{
	line += strspn(line, " \t");
	size_t len = strcspn(line, " \t");
	const struct {
		const char *word;
		bool given;
	} kinds[] = {
		{ "nameserver", o->servers.count > 0 },
		{ "search", o->search.count > 0 },
		{ "domain", o->search.count > 0 },
		{ "options", o->options.count > 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].given && strlen(kinds[i].word) == len &&
		    memcmp(line, kinds[i].word, len) == 0)
			return true;
	return false;
}

static const char *join(const char *word, const StrList *values, Arena *a)
{
	const char *line = word;
	for (size_t i = 0; i < values->count; i++)
		line = arena_printf(a, "%s %s", line, values->items[i]);
	return arena_printf(a, "%s\n", line);
}

int network_resolver_text(const char *host, const ResolverOptions *o, Arena *a, const char **ret, Err *e)
{
	const char *text = "";
	TRY(check(o, e));
	if (o->servers.count + o->search.count + o->options.count == 0) {
		*ret = host;
		return 0;
	}
	StrList lines = str_split(a, host, '\n');
	for (size_t i = 0; i < lines.count; i++)
		if (*lines.items[i] && !is_replaced(lines.items[i], o))
			text = arena_printf(a, "%s%s\n", text, lines.items[i]);
	for (size_t i = 0; i < o->servers.count; i++)
		text = arena_printf(a, "%snameserver %s\n", text, o->servers.items[i]);
	bool no_search = o->search.count == 1 && strcmp(o->search.items[0], ".") == 0;
	if (o->search.count > 0 && !no_search)
		text = arena_printf(a, "%s%s", text, join("search", &o->search, a));
	if (o->options.count > 0)
		text = arena_printf(a, "%s%s", text, join("options", &o->options, a));
	*ret = text;
	return 0;
}
