#include "engine/fetch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/signals.h"
#include "build_id.h"
#include "fmt/json_write.h"
#include "kern/memfd.h"
#include "kern/process.h"
#include "kern/unix_socket.h"
#include "runtime/init_exe.h"
#include "version.h"

#define HELPER    "fetch"
#define EXIT_EXEC 127 /* the child could not execute the program */

/* Where proxies are, as curl reads it; Go's programs know the one in capitals, too. */
static const char *const variables[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
					 "ALL_PROXY",  "no_proxy",    "NO_PROXY",    "HTTP_PROXY" };

/* ---- the program ---- */

typedef struct FetchExec {
	const char *path;
	char *argv[FETCH_TALK_ARGS + 1];
	char *envp[ARRAY_LEN(variables) + 1];
	int talk_fd;
	pid_t parent;
} FetchExec;

/* The child. It must neither outlive its parent nor keep what that has open; its standard error is ours: inherited. */
static _Noreturn void fetch_exec(const FetchExec *x)
{
	if (process_reset_signals(NULL) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
	    getppid() == x->parent && dup2(x->talk_fd, STDIN_FILENO) >= 0 &&
	    dup2(x->talk_fd, STDOUT_FILENO) >= 0 && syscall(SYS_close_range, 3, ~0U, 0) == 0)
		(void)execve(x->path, x->argv, x->envp);
	_exit(EXIT_EXEC);
}

static void fetch_prepare(const char *path, Arena *a, FetchExec *ret)
{
	FetchExec x = { .path = path,
			.argv = { arena_strdup(a, path), arena_strdup(a, BUILD_ID) },
			.parent = getpid() };
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = getenv(variables[i]), *name = variables[i];
		if (str_eq(name, "HTTP_PROXY") && !getenv("http_proxy"))
			name = "http_proxy";
		if (value)
			x.envp[n++] = arena_printf(a, "%s=%s", name, value);
	}
	*ret = x;
}

/* Why nothing is said any more. */
static int fetch_gone(const Fetch *f, Err *e)
{
	ProcessEnd end;
	TRY(process_wait(f->pidfd, &end, e));
	if (end.by_signal)
		return err_make(e, ERR_SYS, 0, "libexec/mydocker/" HELPER " was ended by signal %s",
				signal_name(end.number));
	if (end.number == EXIT_EXEC)
		return err_make(e, ERR_SYS, ENOEXEC,
				"libexec/mydocker/" HELPER
				" cannot be executed (it needs the system's libc and libcurl)");
	return err_make(e, ERR_SYS, 0,
			"libexec/mydocker/" HELPER " ended with %d and without a word", end.number);
}

static bool is_ended(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int event_read(const Fetch *f, FetchEvent *ret, Err *e)
{
	FetchEvent x = { .document = FD_NONE };
	ssize_t n = TRY(unix_receive_packet(f->talk_fd, &x.reply, sizeof x.reply, &x.document, e));
	if (n == 0)
		return fetch_gone(f, e);
	const FetchReply *r = &x.reply;
	if (n != (ssize_t)sizeof *r || !is_ended(r->err.msg, sizeof r->err.msg) ||
	    !is_ended(r->media_type, sizeof r->media_type) ||
	    !is_ended(r->digest, sizeof r->digest) || r->has_document != (x.document >= 0)) {
		fetch_event_done(&x);
		return err_make(e, ERR_BUG, EPROTO,
				"libexec/mydocker/" HELPER " says what it should not");
	}
	*ret = x;
	return 0;
}

static int reply_error(const FetchReply *r, Err *e)
{
	if (r->err.kind == ERR_OK)
		return 0;
	return err_make(e, r->err.kind, r->err.sys, "%s", r->err.msg);
}

static void place_write(JsonWriter *w, const RegistryPlace *p)
{
	json_write_object(w, NULL);
	json_write_string(w, "url", p->url);
	json_write_bool(w, "mirror", p->is_mirror);
	json_write_bool(w, "verify", p->verify);
	json_write_bool(w, "fallback", p->may_fall_back);
	json_write_array(w, "authorities");
	for (size_t i = 0; i < p->authorities.count; i++)
		json_write_string(w, NULL, p->authorities.items[i]);
	json_write_end(w);
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "certificate", p->certificate },
		{ "key", p->key },
		{ "username", p->login.username },
		{ "secret", p->login.secret },
		{ "identity_token", p->login.identity_token },
		{ "registry_token", p->login.registry_token },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].value)
			json_write_string(w, texts[i].key, texts[i].value);
	json_write_end(w);
}

static const char *hello_text(const RegistryConfig *configs, size_t count, unsigned backoff_ms,
			      Arena *a, size_t *ret_len)
{
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_string(&w, "agent", "mydocker/" MYDOCKER_VERSION);
	if (backoff_ms > 0)
		json_write_u64(&w, "backoff", backoff_ms);
	json_write_array(&w, "registries");
	for (size_t i = 0; i < count; i++) {
		json_write_object(&w, NULL);
		json_write_string(&w, "domain", configs[i].domain);
		json_write_array(&w, "endpoints");
		for (size_t k = 0; k < configs[i].count; k++)
			place_write(&w, &configs[i].places[k]);
		json_write_end(&w);
		json_write_end(&w);
	}
	json_write_end(&w);
	json_write_end(&w);
	return json_write_done(&w, ret_len);
}

static int fetch_hello(const Fetch *f, const char *text, size_t len, Err *e)
{
	FetchEvent x;
	if (len > FETCH_TALK_BYTES)
		return err_make(e, ERR_STATE, EFBIG,
				"the configuration of registries has %zu bytes", len);
	int r = unix_send_packet(f->talk_fd, text, len, FD_NONE, 0, e);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET) /* then what it has said, or its end, says why */
		return r;
	TRY(event_read(f, &x, e));
	r = reply_error(&x.reply, e);
	fetch_event_done(&x);
	return r;
}

int fetch_open(const RegistryConfig *configs, size_t count, unsigned backoff_ms, Arena *a,
	       Fetch *ret, Err *e)
{
	AUTO(fetch_close) Fetch f = FETCH_NONE;
	const char *path;
	FetchExec x;
	int ends[2];
	size_t len;
	TRY(libexec_path(HELPER, a, &path, e));
	if (access(path, X_OK) < 0)
		return err_sys(e, "execute %s, which belongs beside this program", path);
	fetch_prepare(path, a, &x);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, "make a pair of sockets");
	f.talk_fd = ends[0];
	AUTO(fd_close) int theirs = ends[1];
	x.talk_fd = theirs;
	pid_t pid = process_clone(0, FD_NONE, &f.pidfd, e);
	TRY(pid);
	if (pid == 0)
		fetch_exec(&x);
	fd_close(TAKE_FD(theirs)); /* so that its end is seen here */
	const char *text = hello_text(configs, count, backoff_ms, a, &len);
	TRY(fetch_hello(&f, text, len, e));
	*ret = TAKE(f, FETCH_NONE);
	return 0;
}

/* It holds nothing but connections: it need not be asked. */
void fetch_close(Fetch *f)
{
	ProcessEnd end;
	for (size_t i = 0; i < f->ended_count; i++)
		fetch_event_done(&f->ended[i]);
	free(f->ended);
	fd_close_auto(&f->talk_fd);
	if (f->pidfd >= 0) {
		(void)process_signal(f->pidfd, SIGKILL); /* ended already is as good */
		(void)process_wait(f->pidfd, &end, NULL);
	}
	fd_close_auto(&f->pidfd);
	*f = FETCH_NONE;
}

void fetch_event_done(FetchEvent *x)
{
	fd_close_auto(&x->document);
	x->document = FD_NONE;
}

/* ---- requests ---- */

static int text_fill(char *ret, size_t size, const char *text, Err *e)
{
	return str_format(ret, size, "%s", text) < 0
		       ? err_make(e, ERR_SPEC, ENAMETOOLONG, "'%.80s...'", text)
		       : 0;
}

static int request_fill(FetchVerb verb, const Reference *r, const char *reference,
			FetchRequest *ret, Err *e)
{
	*ret = (FetchRequest){ .verb = verb, .size = FETCH_SIZE_UNKNOWN };
	TRY(text_fill(ret->domain, sizeof ret->domain, r->domain, e));
	TRY(text_fill(ret->path, sizeof ret->path, r->path ? r->path : "", e));
	return text_fill(ret->reference, sizeof ret->reference, reference ? reference : "", e);
}

static int request_begin(Fetch *f, FetchRequest *r, int fd, uint32_t *ret_number, Err *e)
{
	if (f->open == FETCH_TALK_REQUESTS)
		return err_make(e, ERR_BUG, EBUSY, "more than %u requests at once", FETCH_TALK_REQUESTS);
	r->number = ++f->last;
	int failed = unix_send_packet(f->talk_fd, r, sizeof *r, fd, 0, e);
	if (failed == -EPIPE || failed == -ECONNRESET)
		return fetch_gone(f, e);
	TRY(failed);
	f->open++;
	*ret_number = r->number;
	return 0;
}

static void ended_take(Fetch *f, size_t i, FetchEvent *ret)
{
	*ret = f->ended[i];
	f->ended[i] = f->ended[--f->ended_count];
}

int fetch_next(Fetch *f, FetchEvent *ret, Err *e)
{
	if (f->ended_count > 0) {
		ended_take(f, 0, ret);
		return 0;
	}
	if (f->open == 0)
		return err_make(e, ERR_BUG, ESRCH, "nothing is asked of registries");
	TRY(event_read(f, ret, e));
	f->open -= ret->reply.is_end;
	return 0;
}

static int ended_keep(Fetch *f, FetchEvent *x, Err *e)
{
	FetchEvent *more = realloc(f->ended, (f->ended_count + 1) * sizeof *more);
	if (!more) {
		fetch_event_done(x);
		return err_sys(e, "keep what a registry says");
	}
	f->ended = more;
	f->ended[f->ended_count++] = *x;
	return 0;
}

static int wait_for(Fetch *f, uint32_t number, FetchEvent *ret, Err *e)
{
	for (size_t i = 0; i < f->ended_count; i++)
		if (f->ended[i].reply.number == number) {
			ended_take(f, i, ret);
			return 0;
		}
	for (;;) {
		FetchEvent x = { .document = FD_NONE };
		TRY(event_read(f, &x, e));
		f->open -= x.reply.is_end;
		if (x.reply.is_end && x.reply.number == number) {
			*ret = x;
			return 0;
		}
		if (x.reply.is_end)
			TRY(ended_keep(f, &x, e));
	}
}

int fetch_wait(Fetch *f, uint32_t number, FetchEvent *ret, Err *e)
{
	FetchEvent x;
	TRY(wait_for(f, number, &x, e));
	int r = reply_error(&x.reply, e);
	if (r < 0) {
		fetch_event_done(&x);
		/* What the text says already need not be added to it, but callers want to know. */
		return x.reply.err.kind == ERR_NOT_FOUND                ? -ENOENT
		       : x.reply.status == 401 || x.reply.status == 403 ? -EACCES
									: r;
	}
	*ret = x;
	return 0;
}

static int request_do(Fetch *f, FetchRequest *r, int fd, FetchEvent *ret, Err *e)
{
	uint32_t number;
	TRY(request_begin(f, r, fd, &number, e));
	return fetch_wait(f, number, ret, e);
}

/* ---- what is asked and waited for ---- */

static int document_read(int fd, uint64_t most, Arena *a, const char **ret, size_t *ret_size, Err *e)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 0 || (uint64_t)st.st_size > most)
		return err_make(e, ERR_BUG, EPROTO,
				"libexec/mydocker/" HELPER " hands over no document");
	char *text = arena_alloc(a, (size_t)st.st_size + 1);
	if (pread(fd, text, (size_t)st.st_size, 0) != (ssize_t)st.st_size)
		return err_sys(e, "read what libexec/mydocker/" HELPER " hands over");
	*ret = text;
	*ret_size = (size_t)st.st_size;
	return 0;
}

/* The program is where strangers' bytes are parsed: what it says of digests is not believed. */
static int manifest_verify(const Reference *r, const char *text, size_t size, Digest *ret, Err *e)
{
	digest_sum(r->digest.algorithm ? r->digest.algorithm : DIGEST_SHA256, text, size, ret);
	if (r->digest.algorithm == DIGEST_NONE || digest_equal(ret, &r->digest))
		return 0;
	return err_make(e, ERR_SPEC, 0, "a manifest has the digest %s, not %s", ret->text,
			r->digest.text);
}

int fetch_manifest(Fetch *f, const Reference *r, bool head, Arena *a, FetchManifest *ret, Err *e)
{
	FetchRequest q;
	FetchEvent x;
	FetchManifest m = { 0 };
	const char *reference = r->digest.algorithm ? r->digest.text : r->tag;
	TRY(request_fill(head ? FETCH_MANIFEST_HEAD : FETCH_MANIFEST, r, reference, &q, e));
	TRY(request_do(f, &q, FD_NONE, &x, e));
	AUTO(fd_close) int document = x.document;
	m.media_type = arena_strdup(a, x.reply.media_type);
	if (!head) {
		TRY(document_read(document, LIMIT_MANIFEST_BYTES, a, &m.text, &m.size, e));
		TRY(manifest_verify(r, m.text, m.size, &m.digest, e));
	} else {
		m.size = x.reply.size == FETCH_SIZE_UNKNOWN ? 0 : (size_t)x.reply.size;
		if (digest_parse(x.reply.digest, &m.digest) < 0)
			m.digest = (Digest){ 0 };
	}
	*ret = m;
	return 0;
}

int fetch_tags(Fetch *f, const Reference *r, Arena *a, StrList *ret, Err *e)
{
	FetchRequest q;
	FetchEvent x;
	const char *text;
	size_t size;
	StrList tags = { 0 };
	TRY(request_fill(FETCH_TAGS, r, NULL, &q, e));
	TRY(request_do(f, &q, FD_NONE, &x, e));
	AUTO(fd_close) int document = x.document;
	TRY(document_read(document, LIMIT_TAGS_BYTES, a, &text, &size, e));
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		strlist_add(a, &tags, arena_strndup(a, text, len));
	}
	*ret = tags;
	return 0;
}

int fetch_has_blob(Fetch *f, const Reference *r, const Digest *d, bool *ret, Err *e)
{
	FetchRequest q;
	FetchEvent x;
	TRY(request_fill(FETCH_BLOB_HEAD, r, d->text, &q, e));
	TRY(request_do(f, &q, FD_NONE, &x, e));
	fetch_event_done(&x);
	*ret = x.reply.status == 200;
	return 0;
}

int fetch_manifest_put(Fetch *f, const Reference *r, const char *media_type, const char *text,
		       size_t size, Err *e)
{
	FetchRequest q;
	FetchEvent x;
	AUTO(fd_close) int fd = FD_NONE;
	TRY(request_fill(FETCH_MANIFEST_PUT, r, r->tag ? r->tag : r->digest.text, &q, e));
	TRY(text_fill(q.media_type, sizeof q.media_type, media_type, e));
	TRY(memfd_open("mydocker-manifest", false, &fd, e));
	TRY(fd_write_all(fd, text, size, "a manifest in memory", e));
	TRY(request_do(f, &q, fd, &x, e));
	fetch_event_done(&x);
	return 0;
}

int fetch_check(Fetch *f, const char *domain, Err *e)
{
	FetchRequest q;
	FetchEvent x;
	TRY(request_fill(FETCH_CHECK, &(Reference){ .domain = domain }, NULL, &q, e));
	TRY(request_do(f, &q, FD_NONE, &x, e));
	fetch_event_done(&x);
	return 0;
}

/* ---- what is begun ---- */

int fetch_blob_begin(Fetch *f, const Reference *r, const Digest *d, uint64_t size, uint64_t offset,
		     int fd, uint32_t *ret_number, Err *e)
{
	FetchRequest q;
	TRY(request_fill(FETCH_BLOB, r, d->text, &q, e));
	q.size = size;
	q.offset = offset;
	return request_begin(f, &q, fd, ret_number, e);
}

int fetch_upload_begin(Fetch *f, const Reference *r, const FetchUpload *u, uint32_t *ret_number, Err *e)
{
	FetchRequest q;
	TRY(request_fill(FETCH_UPLOAD, r, u->digest ? u->digest->text : NULL, &q, e));
	TRY(text_fill(q.from, sizeof q.from, u->from ? u->from : "", e));
	q.size = u->size;
	return request_begin(f, &q, u->fd, ret_number, e);
}
