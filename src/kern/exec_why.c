/* Why execve(2) failed, in words: the errno alone is famous for misleading (ENOENT for a file that is there). */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "kern/exec.h"

#if defined(__x86_64__)
#define MACHINE_OURS EM_X86_64
#elif defined(__aarch64__)
#define MACHINE_OURS EM_AARCH64
#else
#error "which ELF machine is this?"
#endif

static const struct {
	uint16_t number;
	char name[12]; /* a pointer would be a relocation at the start */
} machines[] = {
	{ EM_386, "i386" },    { EM_X86_64, "x86_64" },
	{ EM_ARM, "arm" },     { EM_AARCH64, "aarch64" },
	{ EM_RISCV, "riscv" }, { EM_PPC64, "ppc64" },
	{ EM_S390, "s390x" },  { EM_MIPS, "mips" },
	{ 258, "loongarch" }, /* EM_LOONGARCH, newer than some headers */
};

static const char *machine_name(unsigned number)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machines[i].number == number)
			return machines[i].name;
	return "an unknown machine";
}

/* The start of the file, and of its loader's name. */
typedef struct Head {
	union {
		unsigned char bytes[256];
		Elf64_Ehdr elf;
	};
	size_t len;
	char loader[256]; /* "" when there is none, or it cannot be read */
} Head;

static bool is_elf(const Head *h)
{
	return h->len >= sizeof h->elf && memcmp(h->bytes, ELFMAG, SELFMAG) == 0;
}

/* PT_INTERP of a 64-bit ELF file. Its numbers are the image's: each read is bounded by our buffers. */
static void elf_loader(int fd, Head *h)
{
	Elf64_Phdr ph;
	for (unsigned i = 0; i < h->elf.e_phnum && i < 64; i++) {
		off_t at = (off_t)(h->elf.e_phoff + (uint64_t)i * sizeof ph);
		if (pread(fd, &ph, sizeof ph, at) != (ssize_t)sizeof ph)
			return;
		if (ph.p_type != PT_INTERP)
			continue;
		size_t len = ph.p_filesz < sizeof h->loader ? ph.p_filesz : sizeof h->loader - 1;
		ssize_t n = pread(fd, h->loader, len, (off_t)ph.p_offset);
		h->loader[n > 0 ? n : 0] = '\0';
		return;
	}
}

static void script_loader(Head *h)
{
	const char *s = (const char *)h->bytes + 2, *end = (const char *)h->bytes + h->len;
	size_t n = 0;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (s < end && !strchr(" \t\r\n", *s) && n + 1 < sizeof h->loader) /* strchr also finds NUL */
		h->loader[n++] = *s++;
	h->loader[n] = '\0';
}

/* Only a regular file is opened, as the command's user; what cannot be read stays unknown. */
static void head_read(const char *path, Head *h)
{
	h->len = 0;
	h->loader[0] = '\0';
	AUTO(fd_close)
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = fd_read_up_to(fd, h->bytes, sizeof h->bytes);
	h->len = n > 0 ? (size_t)n : 0;
	if (is_elf(h) && h->elf.e_ident[EI_CLASS] == ELFCLASS64 &&
	    h->elf.e_phentsize == sizeof(Elf64_Phdr))
		elf_loader(fd, h);
	else if (h->len >= 2 && h->bytes[0] == '#' && h->bytes[1] == '!')
		script_loader(h);
}

static int why_missing(const char *path, const struct stat *st, const char *place, Err *e)
{
	Head h;
	if (!st)
		return err_make(e, ERR_CMD_MISSING, 0,
				"exec: \"%s\": stat %s: no such file or directory", path,
				path); /* runc's words */
	head_read(path, &h);
	if (!h.loader[0])
		return err_make(e, ERR_CMD_MISSING, 0,
				"exec: \"%s\": the file is there, but the program it needs to run is not",
				path);
	return err_make(e, ERR_CMD_MISSING, 0,
			"exec: \"%s\": exec %s: no such file or directory: its %s \"%s\" does not exist%s",
			path, path, is_elf(&h) ? "loader" : "interpreter", h.loader, place);
}

static int why_format(const char *path, Err *e)
{
	Head h;
	head_read(path, &h);
	if (is_elf(&h) && h.elf.e_machine != MACHINE_OURS)
		return err_make(e, ERR_CMD_INVOKE, 0,
				"exec: \"%s\": exec format error: it is built for %s, this machine is %s",
				path, machine_name(h.elf.e_machine), machine_name(MACHINE_OURS));
	if (is_elf(&h))
		return err_make(e, ERR_CMD_INVOKE, 0,
				"exec: \"%s\": exec format error: the kernel cannot run this ELF file",
				path);
	if (h.len >= 2 && h.bytes[0] == '#' && h.bytes[1] == '!')
		return err_make(e, ERR_CMD_INVOKE, 0,
				"exec: \"%s\": exec format error: its interpreter \"%s\" cannot be run",
				path, h.loader);
	return err_make(e, ERR_CMD_INVOKE, 0,
			"exec: \"%s\": exec format error: neither a program nor a script that begins with \"#!\"",
			path);
}

static int why_denied(const char *path, const struct stat *st, Err *e)
{
	struct statfs fs;
	const char *why = "";
	if (st && S_ISDIR(st->st_mode))
		why = ": it is a directory";
	else if (st && !S_ISREG(st->st_mode))
		why = ": it is not a regular file";
	else if (st && !(st->st_mode & 0111))
		why = ": it is not marked as executable";
	else if (st && statfs(path, &fs) == 0 && (fs.f_flags & ST_NOEXEC))
		why = ": it lies on a file system mounted with noexec";
	return err_make(e, ERR_CMD_INVOKE, 0, "exec: \"%s\": permission denied%s", path, why);
}

int exec_why(const char *path, int number, const char *place, Err *e)
{
	struct stat st;
	bool there = stat(path, &st) == 0;
	switch (number) {
	case ENOENT: return why_missing(path, there ? &st : NULL, place, e);
	case ENOTDIR: return err_make(e, ERR_CMD_MISSING, number, "exec: \"%s\"", path);
	case ENOEXEC: return why_format(path, e);
	case EACCES: return why_denied(path, there ? &st : NULL, e);
	case E2BIG:
		return err_make(e, ERR_CMD_INVOKE, number,
				"exec: \"%s\": arguments and environment together, at most a quarter of the limit 'stack'",
				path);
	default: return err_make(e, ERR_CMD_INVOKE, number, "exec: \"%s\"", path);
	}
}
