/* The engine's calls to registries, one at a time, for the tests: driver [OPTION...] VERB ARGUMENT...
 * What comes back is printed as NAME=VALUE lines; an error is one line on standard error, and 1. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/num.h"
#include "engine/fetch.h"
#include "engine/login.h"

typedef struct Driver {
	RegistryOptions options;
	Arena arena;
	Fetch fetch;
	Reference reference;
	unsigned backoff;
	char **args;
	int count;
} Driver;

static int reference_read(Driver *d, const char *text, Err *e)
{
	TRY(reference_parse(text, &d->arena, &d->reference, e));
	reference_add_tag(&d->reference);
	return 0;
}

static int open_for(Driver *d, const char *text, Err *e)
{
	RegistryConfig config;
	TRY(reference_read(d, text, e));
	TRY(registry_config(&d->options, d->reference.domain, d->reference.path, &d->arena, &config, e));
	return fetch_open(&config, 1, d->backoff, &d->arena, &d->fetch, e);
}

static int number(const char *text, uint64_t *ret)
{
	if (strcmp(text, "-") == 0) {
		*ret = FETCH_SIZE_UNKNOWN;
		return 0;
	}
	return num_parse_u64(text, UINT64_MAX, ret);
}

static int do_manifest(Driver *d, Err *e)
{
	FetchManifest m;
	bool head = strcmp(d->args[0], "head") == 0;
	TRY(open_for(d, d->args[1], e));
	TRY(fetch_manifest(&d->fetch, &d->reference, head, &d->arena, &m, e));
	printf("media=%s\ndigest=%s\nsize=%zu\n", m.media_type, m.digest.text, m.size);
	if (m.text)
		printf("text=%.*s\n", (int)m.size, m.text);
	return 0;
}

static int do_tags(Driver *d, Err *e)
{
	StrList tags;
	TRY(open_for(d, d->args[1], e));
	TRY(fetch_tags(&d->fetch, &d->reference, &d->arena, &tags, e));
	printf("count=%zu\n", tags.count);
	for (size_t i = 0; i < tags.count; i++)
		printf("tag=%s\n", tags.items[i]);
	return 0;
}

static int events(Driver *d, int *left, Err *e)
{
	int failed = 0;
	while (*left > 0) {
		FetchEvent x;
		TRY(fetch_next(&d->fetch, &x, e));
		const FetchReply *r = &x.reply;
		if (!r->is_end) {
			printf("progress=%u %llu\n", r->number, (unsigned long long)r->done);
		} else {
			--*left;
			printf("end=%u status=%u done=%llu digest=%s there=%d error=%s\n",
			       r->number, r->status, (unsigned long long)r->done, r->digest,
			       r->was_there, r->err.msg);
			if (r->err.kind != ERR_OK)
				failed = err_make(e, r->err.kind, r->err.sys, "%s", r->err.msg);
		}
		fflush(stdout);
		fetch_event_done(&x);
	}
	return failed;
}

/* blob REFERENCE (DIGEST SIZE OFFSET FILE)...; FILE "-": standard output, and the lines go to standard error. */
static int do_blob(Driver *d, Err *e)
{
	int left = 0;
	TRY(open_for(d, d->args[1], e));
	for (int i = 2; i + 3 < d->count; i += 4) {
		Digest digest;
		uint64_t size, offset;
		uint32_t id;
		if (digest_parse(d->args[i], &digest) < 0 || number(d->args[i + 1], &size) < 0 ||
		    number(d->args[i + 2], &offset) < 0)
			return err_make(e, ERR_USAGE, 0, "a digest, size or offset");
		bool to_stdout = strcmp(d->args[i + 3], "-") == 0;
		AUTO(fd_close)
		int fd = to_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
				   : open(d->args[i + 3], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return err_sys(e, "open %s", d->args[i + 3]);
		if (!to_stdout)
			(void)lseek(fd, (off_t)offset, SEEK_SET); /* a regular file of the test's */
		TRY(fetch_blob_begin(&d->fetch, &d->reference, &digest, size, offset, fd, &id, e));
		if (to_stdout)
			(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		left++;
	}
	return events(d, &left, e);
}

static int do_exists(Driver *d, Err *e)
{
	Digest digest;
	bool there;
	if (digest_parse(d->args[2], &digest) < 0)
		return err_make(e, ERR_USAGE, 0, "a digest");
	TRY(open_for(d, d->args[1], e));
	TRY(fetch_has_blob(&d->fetch, &d->reference, &digest, &there, e));
	printf("exists=%d\n", there);
	return 0;
}

/* upload REFERENCE DIGEST|- SIZE|- FILE|-|none [FROM] */
static int do_upload(Driver *d, Err *e)
{
	Digest digest;
	FetchUpload u = { .fd = FD_NONE, .from = d->count > 5 ? d->args[5] : NULL };
	uint32_t id;
	int left = 1;
	AUTO(fd_close) int fd = FD_NONE;
	if (strcmp(d->args[2], "-") != 0) {
		if (digest_parse(d->args[2], &digest) < 0)
			return err_make(e, ERR_USAGE, 0, "a digest");
		u.digest = &digest;
	}
	if (number(d->args[3], &u.size) < 0)
		return err_make(e, ERR_USAGE, 0, "a size");
	TRY(open_for(d, d->args[1], e));
	if (strcmp(d->args[4], "-") == 0)
		u.fd = fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else if (strcmp(d->args[4], "none") != 0)
		u.fd = fd = open(d->args[4], O_RDONLY | O_CLOEXEC);
	TRY(fetch_upload_begin(&d->fetch, &d->reference, &u, &id, e));
	return events(d, &left, e);
}

/* put REFERENCE MEDIA_TYPE FILE */
static int do_put(Driver *d, Err *e)
{
	static char text[LIMIT_MANIFEST_BYTES];
	AUTO(fd_close) int fd = open(d->args[3], O_RDONLY | O_CLOEXEC);
	ssize_t n = fd_read_up_to(fd, text, sizeof text);
	if (n < 0)
		return err_sys(e, "read %s", d->args[3]);
	TRY(open_for(d, d->args[1], e));
	return fetch_manifest_put(&d->fetch, &d->reference, d->args[2], text, (size_t)n, e);
}

static int do_check(Driver *d, Err *e)
{
	TRY(open_for(d, d->args[1], e));
	TRY(fetch_check(&d->fetch, d->reference.domain, e));
	printf("good=1\n");
	return 0;
}

/* enter DOMAIN USER SECRET: asks the registry first; login DOMAIN USER SECRET: keeps them; logout DOMAIN; find DOMAIN [PATH] */
static int do_login(Driver *d, Err *e)
{
	const char *where;
	bool is_token = strcmp(d->args[2], "<token>") == 0;
	RegistryLogin l = { .username = is_token ? NULL : d->args[2],
			    .secret = is_token ? NULL : d->args[3],
			    .identity_token = is_token ? d->args[3] : NULL };
	if (strcmp(d->args[0], "enter") == 0)
		TRY(engine_login(&d->options, d->args[1], &l, &d->arena, &where, e));
	else
		TRY(registry_login_keep(&d->options, d->args[1], &l, &d->arena, &where, e));
	printf("where=%s\n", where);
	return 0;
}

static int do_logout(Driver *d, Err *e)
{
	bool was;
	TRY(engine_logout(&d->options, d->args[1], &d->arena, &was, e));
	printf("was=%d\n", was);
	return 0;
}

static const char *shown(const char *text)
{
	return text ? text : "";
}

static int do_find(Driver *d, Err *e)
{
	RegistryConfig c;
	TRY(registry_config(&d->options, d->args[1], d->count > 2 ? d->args[2] : NULL, &d->arena, &c, e));
	for (size_t i = 0; i < c.count; i++) {
		const RegistryPlace *p = &c.places[i];
		printf("place=%s mirror=%d verify=%d fallback=%d authorities=%zu certificate=%s key=%s\n",
		       p->url, p->is_mirror, p->verify, p->may_fall_back, p->authorities.count,
		       shown(p->certificate), shown(p->key));
		printf("username=%s\nsecret=%s\nidentity=%s\nregistry=%s\n",
		       shown(p->login.username), shown(p->login.secret),
		       shown(p->login.identity_token), shown(p->login.registry_token));
	}
	return 0;
}

static const struct {
	const char *verb;
	int words;
	int (*run)(Driver *d, Err *e);
} verbs[] = {
	{ "manifest", 2, do_manifest }, { "head", 2, do_manifest }, { "tags", 2, do_tags },
	{ "blob", 6, do_blob },         { "exists", 3, do_exists }, { "upload", 5, do_upload },
	{ "put", 4, do_put },           { "check", 2, do_check },   { "login", 4, do_login },
	{ "enter", 4, do_login },       { "logout", 2, do_logout }, { "find", 2, do_find },
};

static int run(Driver *d, Err *e)
{
	for (size_t i = 0; d->count > 0 && i < ARRAY_LEN(verbs); i++)
		if (strcmp(d->args[0], verbs[i].verb) == 0 && d->count >= verbs[i].words)
			return verbs[i].run(d, e);
	return err_make(e, ERR_USAGE, 0, "no verb, or too few words");
}

/* Returns how many words it was. */
static int option(Driver *d, char **argv)
{
	if (strcmp(argv[0], "--tls-verify") == 0)
		d->options.tls = REGISTRY_TLS_VERIFY;
	else if (strcmp(argv[0], "--no-tls-verify") == 0)
		d->options.tls = REGISTRY_TLS_ANYTHING;
	else if (!argv[1])
		return 0;
	else if (strcmp(argv[0], "--authfile") == 0)
		d->options.auth_file = argv[1];
	else if (strcmp(argv[0], "--certs") == 0)
		d->options.certs_dir = argv[1];
	else if (strcmp(argv[0], "--config") == 0)
		d->options.config_file = argv[1];
	else if (strcmp(argv[0], "--backoff") == 0)
		(void)num_parse_u32(argv[1], 60000, &d->backoff); /* else it is the usual one */
	else
		return 0;
	return str_ends(argv[0], "tls-verify") ? 1 : 2;
}

int main(int argc, char **argv)
{
	Driver d = { .fetch = FETCH_NONE };
	Err e = { 0 };
	char text[1024];
	int at = 1;
	for (int words; at < argc && str_starts(argv[at], "--"); at += words)
		if ((words = option(&d, argv + at)) == 0)
			return 2;
	d.args = argv + at;
	d.count = argc - at;
	int r = run(&d, &e);
	fetch_close(&d.fetch);
	arena_done(&d.arena);
	if (r < 0)
		fprintf(stderr, "kind=%u %s\n", e.kind, err_text(&e, text, sizeof text));
	return r < 0;
}
