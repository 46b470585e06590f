/* criu.h - what `checkpoint` and `restore` have in common: options, directories, namespaces that are others'.   (oci/)
 *
 * Theory:    both are one conversation with criu (criu/session.h); what is asked for is decided here, as runc decides it, so that who drives
 *            runc finds the same images, logs and behaviour.
 */
#pragma once
#include "base/fd.h"
#include "criu/session.h"
#include "oci/oci.h"

/* First member of the options of a command that refers to oci_criu_opts. */
typedef struct OciCriuOpts {
	const char *image_path, *work_path, *cgroups_mode;
	StrList empty_ns;
	bool tcp_established, tcp_skip_in_flight, ext_unix_sk, shell_job, file_locks, auto_dedup,
		lazy_pages;
} OciCriuOpts;
extern const Opt oci_criu_opts[];

typedef struct OciCriu {
	const char *images, *work, *log; /* absolute */
	int images_fd, work_fd;
	CriuOptions options;
} OciCriu;
#define OCI_CRIU_NONE ((OciCriu){ .images_fd = FD_NONE, .work_fd = FD_NONE })
void oci_criu_close(OciCriu *c);
static inline void oci_criu_close_auto(OciCriu *c)
{
	oci_criu_close(c);
}

/* Only root may ask. */
int oci_criu_check_user(const char *what, Err *e);

/* Opens the directories, which are made where they are missing, but for images to be restored, and fills the options that both have. */
int oci_criu_open(const OciCriuOpts *o, bool restores, const Spec *s, Arena *a, OciCriu *ret, Err *e);

/* Opens the same directories anew, where the mount namespace is another one. */
int oci_criu_reopen(OciCriu *c, Err *e);

/* The executable: --criu, or what PATH has. */
const char *oci_criu_program(const OciGlobal *g);

/* By which name a namespace that is not the container's own is known to images; NULL: criu joins it by its path. */
const char *oci_criu_namespace_key(unsigned bit);

/* What criu and this kernel can do. ERR_STATE names the option that needs it. */
int oci_criu_check_version(const OciGlobal *g, unsigned version, const char *option, Arena *a, Err *e);
int oci_criu_check_memory(const OciGlobal *g, bool tracks, bool lazy, Arena *a, Err *e);
