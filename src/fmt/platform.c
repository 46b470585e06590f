#include "fmt/platform.h"

#include <string.h>

#include "base/str.h"

typedef struct ArchName {
	const char *name, *arch, *variant;
} ArchName;

/* What else the machines are called, by the kernel, compilers and distributions. */
static const ArchName arch_names[] = {
	{ "x86_64", "amd64", NULL },      { "x86-64", "amd64", NULL },
	{ "i386", "386", NULL },          { "i486", "386", NULL },
	{ "i586", "386", NULL },          { "i686", "386", NULL },
	{ "aarch64", "arm64", NULL },     { "armhf", "arm", "v7" },
	{ "armel", "arm", "v6" },         { "armv8l", "arm", "v8" },
	{ "armv7l", "arm", "v7" },        { "armv6l", "arm", "v6" },
	{ "armv5tel", "arm", "v5" },      { "armv5l", "arm", "v5" },
	{ "mips64el", "mips64le", NULL }, { "loongarch64", "loong64", NULL },
};

static const ArchName *find_arch(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(arch_names); i++)
		if (str_eq(arch_names[i].name, name))
			return &arch_names[i];
	return NULL;
}

static char *lower(const char *s, Arena *a)
{
	char *copy = arena_strdup(a, s);
	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

/* "8" is "v8"; what an architecture has anyway is none. */
static const char *normal_variant(const char *arch, const char *variant, Arena *a)
{
	if (!variant || !*variant)
		return str_eq(arch, "arm") ? "v7" : NULL;
	if (*variant >= '0' && *variant <= '9')
		variant = arena_printf(a, "v%s", variant);
	if ((str_eq(arch, "arm64") && str_eq(variant, "v8")) ||
	    (str_eq(arch, "amd64") && str_eq(variant, "v1")))
		return NULL;
	return variant;
}

Platform platform_normal(Platform p, Arena *a)
{
	p.os = lower(p.os, a);
	p.arch = lower(p.arch, a);
	p.variant = p.variant ? lower(p.variant, a) : NULL;
	if (str_eq(p.os, "macos"))
		p.os = "darwin";
	const ArchName *known = find_arch(p.arch);
	if (known) {
		p.arch = known->arch;
		p.variant = known->variant ? known->variant : p.variant;
	}
	p.variant = normal_variant(p.arch, p.variant, a);
	return p;
}

Platform platform_of_machine(const char *machine)
{
	const ArchName *known = find_arch(machine);
	return (Platform){ "linux", known ? known->arch : machine, known ? known->variant : NULL };
}

static bool is_os(const char *s)
{
	static const char *const systems[] = { "linux",   "windows", "darwin",  "macos", "freebsd",
					       "openbsd", "netbsd",  "solaris", "aix" };
	for (size_t i = 0; i < ARRAY_LEN(systems); i++)
		if (str_eq(systems[i], s))
			return true;
	return false;
}

static bool is_word(const char *s)
{
	return *s &&
	       s[strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-")] == '\0';
}

int platform_parse(const char *text, const Platform *host, Arena *a, Platform *ret, Err *e)
{
	StrList parts = str_split(a, text, '/');
	Platform p = *host;
	for (size_t i = 0; i < parts.count; i++)
		if (parts.count > 3 || !is_word(parts.items[i]))
			return err_make(e, ERR_USAGE, 0,
					"'%.64s' is no platform: OS/ARCH[/VARIANT], such as linux/arm64",
					text);
	if (parts.count == 1 && is_os(lower(parts.items[0], a))) {
		p.os = parts.items[0];
	} else if (parts.count == 1) {
		p.arch = parts.items[0];
		p.variant = NULL;
	} else {
		p = (Platform){ parts.items[0], parts.items[1],
				parts.count == 3 ? parts.items[2] : NULL };
	}
	*ret = platform_normal(p, a);
	return 0;
}

/* The number of "v7", which grows with what a machine can do; 0 for what is no such number. */
static unsigned level(const char *arch, const char *variant)
{
	if (!variant)
		return str_eq(arch, "arm64") ? 8 : 1;
	return variant[0] == 'v' && variant[1] >= '0' && variant[1] <= '9' && !variant[2]
		       ? (unsigned)(variant[1] - '0')
		       : 0;
}

unsigned platform_match(const Platform *wanted, const Platform *offered)
{
	if (!str_eq(wanted->os, offered->os) || !str_eq(wanted->arch, offered->arch))
		return 0;
	if (str_eq(wanted->variant, offered->variant))
		return 100;
	bool ordered = str_eq(wanted->arch, "arm") || str_eq(wanted->arch, "amd64") ||
		       str_eq(wanted->arch, "arm64");
	unsigned can = level(wanted->arch, wanted->variant),
		 needs = level(offered->arch, offered->variant);
	return ordered && needs > 0 && needs < can ? needs : 0;
}

char *platform_text(const Platform *p, Arena *a)
{
	return arena_printf(a, "%s/%s%s%s", p->os, p->arch, p->variant ? "/" : "",
			    p->variant ? p->variant : "");
}
