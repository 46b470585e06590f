#include "fmt/tar.h"

#include <string.h>

#include "base/limits.h"
#include "fmt/tar_parts.h"

/* Where the fields of a header are, and how long. */
enum {
	NAME = 0,
	NAME_SIZE = 100,
	MODE = 100,
	UID = 108,
	GID = 116,
	SHORT_SIZE = 8,
	SIZE = 124,
	MTIME = 136,
	LONG_SIZE = 12,
	SUM = 148,
	TYPE = 156,
	LINK = 157,
	MAGIC = 257,
	MAJOR = 329,
	MINOR = 337,
	PREFIX = 345,
	PREFIX_SIZE = 155,
};

void tar_init(TarReader *t, TarSource source, void *context)
{
	*t = (TarReader){ .source = source, .context = context };
}

void tar_done(TarReader *t)
{
	arena_done(&t->arena);
}

/* ---- bytes ---- */

static int fail(Err *e, const char *what)
{
	return err_make(e, ERR_SPEC, 0, "the archive %s", what);
}

/* Something to take, or 0 at the end. */
static int fill(TarReader *t, Err *e)
{
	if (t->left > 0)
		return 1;
	if (t->ended)
		return 0;
	TRY(t->source(t->context, &t->at, &t->left, e));
	t->ended = t->left == 0;
	return !t->ended;
}

static void take(TarReader *t, size_t size)
{
	t->at += size;
	t->left -= size;
}

int tar_block(TarReader *t, const unsigned char **ret, Err *e)
{
	size_t have = 0;
	if (t->left >= TAR_BLOCK_SIZE) {
		*ret = t->at;
		take(t, TAR_BLOCK_SIZE);
		return 1;
	}
	while (have < TAR_BLOCK_SIZE) {
		if (TRY(fill(t, e)) == 0)
			return have == 0 ? 0 : fail(e, "ends within a block");
		size_t n = t->left < TAR_BLOCK_SIZE - have ? t->left : TAR_BLOCK_SIZE - have;
		memcpy(t->block + have, t->at, n);
		take(t, n);
		have += n;
	}
	*ret = t->block;
	return 1;
}

static int skip(TarReader *t, uint64_t *left, Err *e)
{
	while (*left > 0) {
		if (TRY(fill(t, e)) == 0)
			return fail(e, "ends within an entry");
		size_t n = t->left < *left ? t->left : (size_t)*left;
		take(t, n);
		*left -= n;
	}
	return 0;
}

int tar_content(TarReader *t, const unsigned char **ret, size_t *ret_size, Err *e)
{
	*ret_size = 0;
	if (t->content == 0)
		return 0;
	if (TRY(fill(t, e)) == 0)
		return fail(e, "ends within an entry");
	size_t n = t->left < t->content ? t->left : (size_t)t->content;
	*ret = t->at;
	*ret_size = n;
	take(t, n);
	t->content -= n;
	return 0;
}

int tar_slurp(TarReader *t, size_t size, char **ret, Err *e)
{
	char *text = arena_alloc(&t->arena, size + 1);
	for (size_t have = 0; have < size;) {
		const unsigned char *piece = NULL;
		size_t n = 0;
		TRY(tar_content(t, &piece, &n, e));
		if (!piece)
			return fail(e, "ends within an entry");
		memcpy(text + have, piece, n);
		have += n;
	}
	TRY(skip(t, &t->padding, e));
	*ret = text;
	return 0;
}

/* ---- numbers and sums ---- */

/* The bits behind the first, the highest byte first; a number below zero begins with 0xff. */
static int base_256(const unsigned char *field, size_t size, const char *what, uint64_t *ret, Err *e)
{
	uint64_t n = field[0] & 0x7f;
	if (field[0] == 0xff)
		return err_make(e, ERR_SPEC, 0, "the archive has a negative %s", what);
	for (size_t i = 1; i < size; i++) {
		if (n >> 56)
			return err_make(e, ERR_SPEC, ERANGE,
					"the archive has a %s that is too large", what);
		n = n << 8 | field[i];
	}
	*ret = n;
	return 0;
}

int tar_number(const unsigned char *field, size_t size, const char *what, uint64_t *ret, Err *e)
{
	uint64_t n = 0;
	size_t i = 0;
	if (field[0] & 0x80)
		return base_256(field, size, what, ret, e);
	while (i < size && (field[i] == ' ' || field[i] == '\0'))
		i++;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		n = n << 3 | (field[i] - '0'); /* at most 12 digits */
	for (; i < size; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return err_make(e, ERR_SPEC, 0,
					"the archive has a %s that is no octal number", what);
	*ret = n;
	return 0;
}

static bool is_empty(const unsigned char *block)
{
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		if (block[i])
			return false;
	return true;
}

/* The sum of all bytes, its own field taken as blanks. Old writers summed signed characters. */
static int check_sum(const unsigned char *h, Err *e)
{
	uint64_t said = 0;
	int64_t plain = INT64_C(8) * ' ', as_signed = plain;
	TRY(tar_number(h + SUM, SHORT_SIZE, "checksum", &said, e));
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) {
		if (i >= SUM && i < SUM + SHORT_SIZE)
			continue;
		plain += h[i];
		as_signed += (signed char)h[i];
	}
	if ((int64_t)said != plain && (int64_t)said != as_signed)
		return fail(e, "has a header with a wrong checksum; it is damaged, or no tar archive");
	return 0;
}

/* ---- one header ---- */

static const char *field_text(const unsigned char *field, size_t size, Arena *a)
{
	return arena_strndup(a, (const char *)field, strnlen((const char *)field, size));
}

/* ustar has room for the folders apart; GNU keeps other things there. */
static const char *header_path(const unsigned char *h, Arena *a)
{
	const char *name = field_text(h + NAME, NAME_SIZE, a);
	if (memcmp(h + MAGIC, "ustar\0", 6) != 0 || !h[PREFIX])
		return name;
	return arena_printf(a, "%s/%s", field_text(h + PREFIX, PREFIX_SIZE, a), name);
}

static int id_number(const unsigned char *field, const char *what, uint32_t *ret, Err *e)
{
	uint64_t n = 0;
	TRY(tar_number(field, SHORT_SIZE, what, &n, e));
	if (n >= UINT32_MAX) /* chown(2) takes -1 for "as it is" */
		return err_make(e, ERR_SPEC, ERANGE, "the archive has a %s that is too large", what);
	*ret = (uint32_t)n;
	return 0;
}

static int type_of(const unsigned char *h, const char *path, TarType *ret, Err *e)
{
	switch (h[TYPE]) {
	case '\0': /* v7, whose directories are known by their slash */
	case '0':
	case '7':
		*ret = *path && path[strlen(path) - 1] == '/' ? TAR_DIRECTORY : TAR_FILE;
		return 0;
	case 'S': *ret = TAR_FILE; return 0;
	case '1': *ret = TAR_HARD_LINK; return 0;
	case '2': *ret = TAR_SYMLINK; return 0;
	case '3': *ret = TAR_CHAR; return 0;
	case '4': *ret = TAR_BLOCK; return 0;
	case '5': *ret = TAR_DIRECTORY; return 0;
	case '6': *ret = TAR_FIFO; return 0;
	default:
		return err_make(e, ERR_SPEC, 0,
				"the archive has '%.200s' of the unknown type 0x%02x", path, h[TYPE]);
	}
}

static int device_number(const unsigned char *h, TarEntry *entry, Err *e)
{
	uint64_t major = 0, minor = 0;
	if (entry->type != TAR_CHAR && entry->type != TAR_BLOCK)
		return 0;
	TRY(tar_number(h + MAJOR, SHORT_SIZE, "device number", &major, e));
	TRY(tar_number(h + MINOR, SHORT_SIZE, "device number", &minor, e));
	if (major >= 1 << 12 || minor >= 1 << 20) /* mknod(2): 12 and 20 bits */
		return err_make(e, ERR_SPEC, ERANGE,
				"the archive has the device '%.200s' with numbers that Linux has not",
				entry->path);
	entry->major = (uint32_t)major;
	entry->minor = (uint32_t)minor;
	return 0;
}

static void expect_content(TarReader *t, uint64_t size)
{
	t->content = size;
	t->padding = -size % TAR_BLOCK_SIZE;
}

/* The header's own numbers, where no extended header has said others. */
static int take_numbers(const unsigned char *h, const TarExtra *x, TarEntry *entry,
			uint64_t *ret_size, Err *e)
{
	uint64_t mode, mtime = 0;
	TRY(tar_number(h + MODE, SHORT_SIZE, "mode", &mode, e));
	entry->mode = (uint32_t)mode & 07777;
	entry->uid = x->uid;
	entry->gid = x->gid;
	entry->mtime = x->mtime;
	entry->mtime_nsec = x->mtime_nsec;
	*ret_size = x->size;
	if (!x->has_uid)
		TRY(id_number(h + UID, "user id", &entry->uid, e));
	if (!x->has_gid)
		TRY(id_number(h + GID, "group id", &entry->gid, e));
	if (!x->has_mtime && h[MTIME] != 0xff) /* one before 1970 is taken as 1970 */
		TRY(tar_number(h + MTIME, LONG_SIZE, "time", &mtime, e));
	if (!x->has_mtime)
		entry->mtime = mtime > INT32_MAX * INT64_C(1000) ? 0 : (int64_t)mtime;
	if (!x->has_size)
		TRY(tar_number(h + SIZE, LONG_SIZE, "size", ret_size, e));
	if (*ret_size > INT64_MAX - TAR_BLOCK_SIZE)
		return fail(e, "has a size that is too large");
	return 0;
}

/* A link's size says nothing here: some writers put there what its target has, and no content follows. */
static bool has_content(const TarEntry *entry)
{
	return entry->type == TAR_FILE;
}

static int check_names(const TarEntry *entry, Err *e)
{
	bool is_link = entry->type == TAR_HARD_LINK || entry->type == TAR_SYMLINK;
	if (!*entry->path)
		return fail(e, "has an entry without a name");
	if (strlen(entry->path) > LIMIT_TAR_PATH)
		return err_make(e, ERR_SPEC, ENAMETOOLONG,
				"the archive has '%.100s...': at most %u bytes are allowed",
				entry->path, LIMIT_TAR_PATH);
	if (is_link && (!*entry->link || strlen(entry->link) > LIMIT_TAR_PATH))
		return err_make(e, ERR_SPEC, 0,
				"the archive has the link '%.200s' with no target, or one that is too long",
				entry->path);
	return 0;
}

static int take_entry(TarReader *t, const unsigned char *header, const TarExtra *x, TarEntry *ret,
		      Err *e)
{
	unsigned char h[TAR_BLOCK_SIZE];
	uint64_t size;
	memcpy(h, header, sizeof h); /* more blocks may follow before all of it is read */
	TarEntry entry = { .path = x->sparse_name ? x->sparse_name
				   : x->path      ? x->path
						  : header_path(h, &t->arena),
			   .xattrs = x->xattrs,
			   .xattrs_count = x->xattrs_count };
	TRY(type_of(h, entry.path, &entry.type, e));
	if (entry.type == TAR_HARD_LINK || entry.type == TAR_SYMLINK)
		entry.link = x->link ? x->link : field_text(h + LINK, NAME_SIZE, &t->arena);
	TRY(check_names(&entry, e));
	TRY(take_numbers(h, x, &entry, &size, e));
	TRY(device_number(h, &entry, e));
	expect_content(t, has_content(&entry) || entry.type == TAR_DIRECTORY ? size : 0);
	if (entry.type == TAR_DIRECTORY) /* some writers give one a size; what follows is passed over */
		TRY(skip(t, &t->content, e));
	entry.size = has_content(&entry) ? size : 0;
	if (h[TYPE] == 'S')
		TRY(tar_sparse_old(t, h, &entry, e));
	else if (x->is_sparse && has_content(&entry)) {
		entry.is_sparse = true;
		entry.size = x->has_real_size ? x->real_size : size;
		entry.spans = x->spans;
		entry.spans_count = x->spans_count;
		if (x->has_map)
			TRY(tar_sparse_map(t, &entry, e));
	}
	if (entry.is_sparse)
		TRY(tar_sparse_check(t, &entry, e));
	*ret = entry;
	return 1;
}

/* ---- the archive ---- */

/* What an extended header holds, in memory. */
static int read_extra(TarReader *t, const unsigned char *h, size_t *total, char **ret,
		      size_t *ret_size, Err *e)
{
	uint64_t size;
	TRY(tar_number(h + SIZE, LONG_SIZE, "size", &size, e));
	if (size > LIMIT_TAR_EXTRA_BYTES - *total)
		return err_make(e, ERR_SPEC, E2BIG,
				"the archive has extended headers of more than %u bytes for one entry",
				LIMIT_TAR_EXTRA_BYTES);
	*total += size + TAR_BLOCK_SIZE; /* empty ones are counted, too: they could go on for ever */
	if (*total > LIMIT_TAR_EXTRA_BYTES)
		*total = LIMIT_TAR_EXTRA_BYTES;
	expect_content(t, size);
	*ret_size = (size_t)size;
	return tar_slurp(t, *ret_size, ret, e);
}

/* An extended header is taken in; 0: this one is an entry's own. */
static int take_extra(TarReader *t, const unsigned char *h, size_t *total, TarExtra *x, Err *e)
{
	char type = (char)h[TYPE];
	char *text;
	size_t size;
	if (type != 'L' && type != 'K' && type != 'x' && type != 'g')
		return 0;
	if (*total >= LIMIT_TAR_EXTRA_BYTES)
		return fail(e, "has too many extended headers for one entry");
	TRY(read_extra(t, h, total, &text, &size, e));
	x->given |= type != 'g';
	if (type == 'L')
		x->path = text;
	else if (type == 'K')
		x->link = text;
	else if (type == 'x')
		TRY(tar_pax_read(text, size, x, &t->arena, e));
	return 1;
}

int tar_next(TarReader *t, TarEntry *ret, Err *e)
{
	const unsigned char *h;
	TarExtra x = { 0 };
	size_t total = 0;
	TRY(skip(t, &t->content, e));
	TRY(skip(t, &t->padding, e));
	arena_done(&t->arena);
	for (;;) {
		if (TRY(tar_block(t, &h, e)) == 0)
			return x.given ? fail(e, "ends behind an extended header") : 0;
		if (is_empty(h)) /* the second such block, and what may follow, is the caller's to pass over */
			return x.given ? fail(e, "ends behind an extended header") : 0;
		TRY(check_sum(h, e));
		if (TRY(take_extra(t, h, &total, &x, e)) == 0)
			return take_entry(t, h, &x, ret, e);
	}
}
