#include "engine/selinux_label.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/fd.h"

#define CONTEXTS_BYTES ((size_t)64 << 10)
#define CATEGORIES     1024u /* c0 to c1023 of every usual policy */

/* A context, user:role:type[:level]; the level may hold colons itself. */
enum { USER, ROLE, TYPE, LEVEL, FIELDS };
typedef struct Context {
	const char *fields[FIELDS]; /* LEVEL: NULL where the policy has none */
} Context;

static const char *const field_words[FIELDS] = {
	[USER] = "user:", [ROLE] = "role:", [TYPE] = "type:", [LEVEL] = "level:"
};

static const char *file_type_of(const char *word)
{
	return str_after(word, "filetype:");
}

/* The field that a word sets and its value; FIELDS when it is none of these words. */
static int field_of(const char *word, const char **ret_value)
{
	int field = 0;
	while (field < FIELDS && !(*ret_value = str_after(word, field_words[field])))
		field++;
	return field;
}

int selinux_word_check(const char *word, Err *e)
{
	const char *value = file_type_of(word);
	int field = value ? TYPE : field_of(word, &value);
	if (field == FIELDS)
		return err_make(e, ERR_USAGE, 0,
				"--security-opt label takes disable, nested, or one of user:, role:, type:, level:, filetype: with a value, not '%s'",
				word);
	bool good = *value != '\0' && (field == LEVEL || !strchr(value, ':'));
	for (const char *p = value; good && *p; p++)
		good = *p > ' ' && *p < 0x7f;
	return good ? 0 : err_make(e, ERR_USAGE, 0, "--security-opt label=%s has no good value", word);
}

/* ---- the policy's contexts ---- */

/* The value of a line such as: process = "system_u:system_r:container_t:s0" */
static const char *contexts_find(const char *text, const char *key, Arena *a)
{
	static const char space[] = " \t\r";
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *rest = str_after(line + strspn(line, space), key);
		if (!rest)
			continue;
		rest += strspn(rest, space);
		if (*rest++ != '=')
			continue;
		rest += strspn(rest, space);
		rest += *rest == '"';
		return arena_strndup(a, rest, strcspn(rest, "\" \t\r\n"));
	}
	return NULL;
}

static bool context_parse(const char *text, Arena *a, Context *ret)
{
	*ret = (Context){ 0 };
	for (int i = 0; i < LEVEL; i++) {
		size_t len = strcspn(text, ":");
		ret->fields[i] = arena_strndup(a, text, len);
		text += len;
		if (len == 0 || (!*text && i < TYPE))
			return false;
		text += *text == ':';
	}
	ret->fields[LEVEL] = *text ? text : NULL;
	return true;
}

static const char *context_text(const Context *c, Arena *a)
{
	return arena_printf(a, "%s:%s:%s%s%s", c->fields[USER], c->fields[ROLE], c->fields[TYPE],
			    c->fields[LEVEL] ? ":" : "", c->fields[LEVEL] ? c->fields[LEVEL] : "");
}

/* Of three digits of the id. */
static unsigned category_of(const char *digits)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;
	for (int i = 0; i < 3; i++)
		n = n * 16 + strcspn(hex, (char[]){ digits[i], '\0' });
	return (unsigned)(n % CATEGORIES);
}

/* Two categories out of the id's random digits: two containers get the same ones once in half a million times. */
static const char *level_make(const char *id, Arena *a)
{
	unsigned one = category_of(id), two = category_of(id + 3);
	if (one == two)
		two = (one + 1) % CATEGORIES;
	return arena_printf(a, "s0:c%u,c%u", one < two ? one : two, one < two ? two : one);
}

static void word_apply(const char *word, Context *process, Context *file)
{
	const char *value = file_type_of(word);
	if (value) {
		file->fields[TYPE] = value;
		return;
	}
	int field = field_of(word, &value);
	process->fields[field] = value;
	if (field == USER || field == LEVEL)
		file->fields[field] = value;
}

int selinux_labels_from(const char *contexts, const StrList *words, const char *id, Arena *a,
			SelinuxLabels *ret, Err *e)
{
	Context process, file;
	const char *of_process = contexts_find(contexts, "process", a),
		   *of_file = contexts_find(contexts, "file", a);
	if (!of_process || !of_file || !context_parse(of_process, a, &process) ||
	    !context_parse(of_file, a, &file))
		return err_make(e, ERR_SYS, 0,
				"SELinux: the policy's lxc_contexts has no labels for containers (process and file)");
	if (process.fields[LEVEL])
		process.fields[LEVEL] = file.fields[LEVEL] = level_make(id, a);
	for (size_t i = 0; i < words->count; i++)
		word_apply(words->items[i], &process, &file);
	ret->process = context_text(&process, a);
	ret->mount = context_text(&file, a);
	return 0;
}

/* ---- the host ---- */

/* SELINUXTYPE of /etc/selinux/config, by default "targeted". */
static const char *policy_name(Arena *a, char *buf)
{
	if (fd_read_text_at(AT_FDCWD, "/etc/selinux/config", buf, CONTEXTS_BYTES) < 0)
		return "targeted";
	const char *name = contexts_find(buf, "SELINUXTYPE", a);
	return name && *name ? name : "targeted";
}

static int contexts_read(Arena *a, const char **ret, Err *e)
{
	char *text = arena_alloc(a, CONTEXTS_BYTES);
	const char *policy = policy_name(a, text);
	const char *path = arena_printf(a, "/etc/selinux/%s/contexts/lxc_contexts", policy);
	ssize_t n = fd_read_text_at(AT_FDCWD, path, text, CONTEXTS_BYTES);
	if (n < 0)
		return err_make(e, ERR_SYS, (int)-n,
				"SELinux: read the labels for containers in %s", path);
	*ret = text;
	return 0;
}

int selinux_labels_make(const RunContext *c, SelinuxLabels *ret, Err *e)
{
	const RunRequest *r = c->request;
	const char *contexts;
	*ret = (SelinuxLabels){ 0 };
	if (r->label_disable || (r->selinux.count == 0 && !r->label_nested))
		return 0;
	if (!c->facts->selinux)
		return err_make(e, ERR_USAGE, 0,
				"--security-opt label=%s: SELinux is not enabled on this host",
				r->selinux.count > 0 ? r->selinux.items[0] : "nested");
	TRY(contexts_read(c->arena, &contexts, e));
	return selinux_labels_from(contexts, &r->selinux, c->id, c->arena, ret, e);
}

int selinux_files_label(int dir, const char *label, Err *e)
{
	static const char *const names[] = { "hosts", "hostname", "resolv.conf" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(fd_close) int fd = openat(dir, names[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue; /* --no-hosts */
		if (fd < 0 || fsetxattr(fd, "security.selinux", label, strlen(label) + 1, 0) < 0)
			return err_sys(e, "SELinux: give the container's file '%s' the label '%s'",
				       names[i], label);
	}
	return 0;
}
