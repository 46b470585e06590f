#include "engine/container_options.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/signals.h"
#include "fmt/json.h"

/* ---- --attach ---- */

static int attach_read(const StrList *words, ContainerOptions *o, Err *e)
{
	o->stdout_attached = o->stderr_attached = words->count == 0;
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		if (strcasecmp(word, "stdout") == 0)
			o->stdout_attached = true;
		else if (strcasecmp(word, "stderr") == 0)
			o->stderr_attached = true;
		else if (strcasecmp(word, "stdin") != 0) /* which -i alone decides about */
			return err_make(e, ERR_USAGE, 0,
					"--attach '%s': not one of stdin, stdout and stderr", word);
	}
	return 0;
}

/* ---- --preserve-fds, --preserve-fd ---- */

static int fd_add(uint32_t fd, Arena *a, ContainerOptions *o, Err *e)
{
	if (fcntl((int)fd, F_GETFD) < 0)
		return err_make(e, ERR_USAGE, 0,
				"descriptor %u is to be preserved, but is not open", fd);
	*arena_push(a, &o->keep_fds, &o->keep_fds_count, int) = (int)fd;
	return 0;
}

static int fd_list_read(const char *text, Arena *a, ContainerOptions *o, Err *e)
{
	StrList parts = str_split(a, text, ',');
	uint32_t fd;
	if (*text == '\0')
		return 0; /* a variable that is not set, as in --preserve-fd=$FD */
	for (size_t i = 0; i < parts.count; i++) {
		if (num_parse_u32(parts.items[i], INT32_MAX, &fd) < 0 || fd < 3)
			return err_make(e, ERR_USAGE, 0,
					"--preserve-fd '%s': '%s' is not a descriptor from 3 on",
					text, parts.items[i]);
		TRY(fd_add(fd, a, o, e));
	}
	return 0;
}

static int fds_read(const RunRequest *r, Arena *a, ContainerOptions *o, Err *e)
{
	if (r->preserve_fds != 0 && r->preserve_fd.count > 0)
		return err_make(e, ERR_USAGE, 0, "--preserve-fds and --preserve-fd exclude each other");
	if (r->preserve_fds < 0 || r->preserve_fds > INT32_MAX)
		return err_make(e, ERR_USAGE, 0, "--preserve-fds %lld: not a number of descriptors",
				(long long)r->preserve_fds);
	for (int64_t i = 0; i < r->preserve_fds; i++)
		TRY(fd_add((uint32_t)i + 3, a, o, e));
	for (size_t i = 0; i < r->preserve_fd.count; i++)
		TRY(fd_list_read(r->preserve_fd.items[i], a, o, e));
	return 0;
}

/* ---- --label, --annotation ---- */

/* Two keys that are none would become the same one in the record. */
static bool is_utf8(const char *s)
{
	for (size_t n; *s; s += n) {
		n = json_utf8_length(s, strlen(s));
		if (n == 0)
			return false;
	}
	return true;
}

static void pair_set(SpecPair pair, Arena *a, SpecPair **pairs, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp((*pairs)[i].key, pair.key) == 0) {
			(*pairs)[i] = pair;
			return;
		}
	*arena_push(a, pairs, count, SpecPair) = pair;
}

int container_options_pairs(const char *option, const StrList *texts, Arena *a, SpecPair **ret,
			    size_t *ret_count, Err *e)
{
	SpecPair *pairs = NULL;
	size_t count = 0;
	for (size_t i = 0; i < texts->count; i++) {
		const char *text = texts->items[i];
		size_t len = strcspn(text, "=");
		const SpecPair pair = { arena_strndup(a, text, len), text[len] ? text + len + 1 : "" };
		if (len == 0)
			return err_make(e, ERR_USAGE, 0, "%s '%s': the key is empty", option, text);
		if (!is_utf8(text))
			return err_make(e, ERR_USAGE, 0, "%s '%s': not UTF-8", option, text);
		pair_set(pair, a, &pairs, &count);
	}
	*ret = pairs;
	*ret_count = count;
	return 0;
}

static int labels_check(const ContainerOptions *o, Err *e)
{
	for (size_t i = 0; i < o->labels_count; i++)
		if (strpbrk(o->labels[i].key, " \t"))
			return err_make(e, ERR_USAGE, 0, "--label '%s': white space in the key",
					o->labels[i].key);
	return 0;
}

/* ---- --stop-signal, --stop-timeout, --timeout ---- */

static int stop_read(const RunRequest *r, ContainerOptions *o, Err *e)
{
	o->stop_signal = r->stop_signal ? signal_from_name(r->stop_signal) : SIGTERM;
	o->stop_timeout = r->stop_timeout == SPEC_UNSET ? STOP_TIMEOUT_DEFAULT : r->stop_timeout;
	if (o->stop_signal < 0)
		return err_make(e, ERR_USAGE, 0,
				"--stop-signal '%s': not a signal such as SIGINT, 2 or RTMIN+3",
				r->stop_signal);
	if (o->stop_timeout < -1)
		return err_make(e, ERR_USAGE, 0,
				"--stop-timeout %lld: not a number of seconds (-1: wait for ever)",
				(long long)o->stop_timeout);
	if (r->timeout < 0)
		return err_make(e, ERR_USAGE, 0, "--timeout %lld: not a number of seconds",
				(long long)r->timeout);
	return 0;
}

int container_options_read(const RunRequest *r, Arena *a, ContainerOptions *ret, Err *e)
{
	ContainerOptions o = { 0 };
	TRY(fds_read(r, a, &o, e));
	TRY(attach_read(&r->attach, &o, e));
	TRY(container_options_pairs("--label", &r->labels, a, &o.labels, &o.labels_count, e));
	TRY(labels_check(&o, e));
	TRY(stop_read(r, &o, e));
	*ret = o;
	return 0;
}
