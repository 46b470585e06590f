/* What is read from registries but for blobs: manifests, tags, and whether credentials are good. */
#include <string.h>

#include "base/limits.h"
#include "fetch/job.h"
#include "fetch/words.h"
#include "fmt/image.h"
#include "fmt/json.h"

#define ACCEPT                                              \
	"Accept: application/vnd.oci.image.index.v1+json, " \
	"application/vnd.oci.image.manifest.v1+json, "      \
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
#define TAG_PAGES_MAX 10000u
#define TAGS_PAGE     (4u << 20)

/* ---- a manifest ---- */

static bool is_vague(const char *type)
{
	return !*type || str_eq(type, "application/json") || str_eq(type, "text/plain") ||
	       str_eq(type, "application/octet-stream") || str_eq(type, "text/html");
}

/* Content-Type without its parameters. */
static const char *content_type(Job *j, Exchange *x)
{
	const char *type = http_header(x, "Content-Type", 0);
	if (!type)
		type = "";
	char *bare = arena_strndup(&j->arena, type, strcspn(type, "; \t"));
	return strlen(bare) < FETCH_MEDIA_SIZE ? str_mask_controls(bare) : "";
}

/* A document that says it is one thing, of which the registry says it is another, could be read as both. */
static int media_check(Job *j, const HttpAnswer *answer, const char *type, Err *e)
{
	const JsonValue *v;
	const char *own = "";
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	int r = json_parse(answer->body ? answer->body : "", answer->size, &a, &v, e);
	if (r < 0)
		return err_wrap(e, r, "the manifest of %.150s", job_name(j, true));
	(void)json_get_string(json_member(v, "mediaType"), &own, NULL); /* it may be missing */
	if (*own && !is_vague(type) && !str_eq(own, type))
		return err_make(e, ERR_SPEC, 0,
				"the manifest of %.150s says it is '%.80s', the registry '%.80s'",
				job_name(j, true), own, type);
	(void)str_format(j->reply.media_type, sizeof j->reply.media_type, "%s",
			 *own ? own : type); /* what does not fit is none that is known */
	return 0;
}

/* The digest by which it was asked for, else the registry's, is what it must have. */
static int manifest_verify(Job *j, const HttpAnswer *answer, const Digest *said, Err *e)
{
	Digest is, asked = { 0 };
	(void)digest_parse(j->request.reference, &asked); /* a tag is none */
	const Digest *wanted = asked.algorithm ? &asked : said;
	digest_sum(wanted->algorithm ? wanted->algorithm : DIGEST_SHA256,
		   answer->body ? answer->body : "", answer->size, &is);
	if (wanted->algorithm && !digest_equal(&is, wanted))
		return err_make(e, ERR_SPEC, 0, "the manifest of %.100s has the digest %s, not %s",
				job_name(j, false), is.text, wanted->text);
	(void)str_format(j->reply.digest, sizeof j->reply.digest, "%s", is.text); /* it fits */
	j->reply.size = answer->size;
	return 0;
}

static CallVerdict manifest_check(Call *c, Exchange *x, Err *e)
{
	Job *j = c->context;
	const HttpAnswer *answer = http_answer(x);
	const char *digest = http_header(x, "Docker-Content-Digest", 0);
	const char *type = content_type(j, x);
	Digest said = { 0 };
	if (answer->status != 200) {
		(void)words_of_answer(c, x, e); /* the verdict says that it is one */
		return CALL_REFUSE;
	}
	if (digest && digest_parse(digest, &said) < 0)
		said = (Digest){ 0 };
	if (image_media(type) == MEDIA_SCHEMA_1) { /* its digest is not that of its bytes */
		(void)err_make(e, ERR_SPEC, 0,
			       "%.150s has a manifest of docker's schema 1, which is not supported any more",
			       job_name(j, true));
		return CALL_REFUSE;
	}
	if (j->request.verb == FETCH_MANIFEST_HEAD) {
		(void)str_format(j->reply.media_type, sizeof j->reply.media_type, "%s", type); /* it fits */
		(void)str_format(j->reply.digest, sizeof j->reply.digest, "%s", said.text); /* it fits */
		j->reply.size = answer->length;
		return CALL_ACCEPT;
	}
	if (manifest_verify(j, answer, &said, e) < 0 || media_check(j, answer, type, e) < 0 ||
	    job_document(j, answer->body ? answer->body : "", answer->size, e) < 0)
		return CALL_REFUSE;
	return CALL_ACCEPT;
}

static void manifest_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	j->reply.status = x ? (uint16_t)http_answer(x)->status : 0;
	if (r == -ENOENT)
		r = err_wrap(&c->err, r, "manifest for %.150s not found", job_name(j, true));
	job_end_pull(j, r);
}

void manifest_start(Job *j)
{
	const char *path = arena_printf(&j->arena, "/v2/%s/manifests/%s", j->request.path,
					j->request.reference);
	Call c = job_call(j, j->request.verb == FETCH_MANIFEST ? "GET" : "HEAD", path, manifest_done);
	c.use_mirrors = true;
	c.answer_max = LIMIT_MANIFEST_BYTES;
	c.check = manifest_check;
	strlist_add(&j->arena, &c.headers, ACCEPT);
	strlist_add(&j->arena, &c.headers, "Accept-Encoding: identity");
	job_scope(j, &c, j->request.path, "pull");
	job_call_start(j, &c);
}

/* ---- tags ---- */

static bool is_tag(const char *tag)
{
	size_t n = strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
	return n > 0 && n <= LIMIT_TAG && !tag[n] && tag[0] != '.' && tag[0] != '-';
}

static int tags_add(Job *j, const char *tag, Err *e)
{
	size_t len = strlen(tag);
	if (j->text_size + len + 1 > LIMIT_TAGS_BYTES)
		return err_make(e, ERR_SPEC, EFBIG, "the tags of %.150s are more than %u bytes",
				job_name(j, false), LIMIT_TAGS_BYTES);
	memcpy(j->text + j->text_size, tag, len);
	j->text_size += len;
	j->text[j->text_size++] = '\n';
	return 0;
}

/* Tags that cannot be such are left out: nobody could ask for them. */
static int tags_read(Job *j, const HttpAnswer *answer, Err *e)
{
	AUTO(arena_done) Arena a = ARENA_EMPTY;
	const JsonValue *v, *m;
	const char *tag;
	int r = json_parse(answer->body ? answer->body : "", answer->size, &a, &v, e);
	if (r < 0)
		return err_wrap(e, r, "the tags of %.150s", job_name(j, false));
	m = json_member(v, "tags");
	if (m && m->type == JSON_NULL)
		return 0;
	r = json_expect_array(m, e);
	if (r < 0)
		return err_wrap(e, r, "the tags of %.150s", job_name(j, false));
	for (m = m ? m->as.list.first : NULL; m; m = m->next)
		if (json_get_string(m, &tag, NULL) == 0 && is_tag(tag))
			TRY(tags_add(j, tag, e));
	return 0;
}

static CallVerdict tags_check(Call *c, Exchange *x, Err *e)
{
	const HttpAnswer *answer = http_answer(x);
	if (answer->status == 200)
		return tags_read(c->context, answer, e) < 0 ? CALL_REFUSE : CALL_ACCEPT;
	(void)words_of_answer(c, x, e); /* the verdict says that it is one */
	return CALL_REFUSE;
}

/* RFC 8288: <URL>; rel="next" */
static const char *next_page(Job *j, Exchange *x)
{
	const char *link;
	for (size_t i = 0; i < 16 && (link = http_header(x, "Link", i)); i++) {
		const char *at = strchr(link, '<'), *end = at ? strchr(at, '>') : NULL;
		if (end && (strstr(end, "rel=\"next\"") || strstr(end, "rel=next")))
			return arena_strndup(&j->arena, at + 1, (size_t)(end - at - 1));
	}
	return NULL;
}

static void tags_ask(Job *j, const char *url);

static void tags_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	const char *next = r == 0 ? next_page(j, x) : NULL, *url;
	j->reply.status = x ? (uint16_t)http_answer(x)->status : 0;
	if (next && ++j->pages >= TAG_PAGES_MAX)
		r = err_make(&c->err, ERR_SPEC, EFBIG, "the tags of %.150s have more than %u pages",
			     job_name(j, false), TAG_PAGES_MAX);
	else if (next)
		r = call_follow(c, next, &url, &c->err);
	if (next && r == 0) {
		tags_ask(j, url);
		return;
	}
	if (r == 0)
		r = job_document(j, j->text, j->text_size, &c->err);
	job_end_pull(j, r);
}

static void tags_ask(Job *j, const char *url)
{
	Call c = job_call(j, "GET", arena_printf(&j->arena, "/v2/%s/tags/list", j->request.path),
			  tags_done);
	c.url = url;
	c.answer_max = TAGS_PAGE;
	c.check = tags_check;
	job_scope(j, &c, j->request.path, "pull");
	job_call_start(j, &c);
}

void tags_start(Job *j)
{
	Err e = { 0 };
	j->text = malloc(LIMIT_TAGS_BYTES); /* pages that stay untouched cost nothing */
	if (j->text)
		tags_ask(j, NULL);
	else
		job_end(j, err_sys(&e, "make room for tags"), &e);
}

/* ---- credentials ---- */

static void check_done(Call *c, Exchange *x, int r)
{
	Job *j = c->context;
	j->reply.status = x ? (uint16_t)http_answer(x)->status : 0;
	job_end(j, r, &c->err);
}

void check_start(Job *j)
{
	Call c = job_call(j, "GET", "/v2/", check_done);
	job_call_start(j, &c);
}
