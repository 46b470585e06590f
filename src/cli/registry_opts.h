/* registry_opts.h - the options by which commands reach a registry: --authfile, --cert-dir, --tls-verify.       (cli/) */
#pragma once
#include "cli/opt.h"
#include "engine/registry_config.h"

/* First member of the option structure of a command that refers to registry_opts. */
typedef struct RegistryOpts {
	const char *auth_file, *certs_dir, *tls_verify;
} RegistryOpts;
extern const Opt registry_opts[];

/* ERR_USAGE: --tls-verify has another value than true and false. */
int registry_opts_read(const RegistryOpts *o, RegistryOptions *ret, Err *e);
