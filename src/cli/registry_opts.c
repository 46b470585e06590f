#include "cli/registry_opts.h"

#include "base/str.h"

const Opt registry_opts[] = {
	OPT_STR(0, "authfile", RegistryOpts, auth_file, "FILE",
		"The file of credentials (default: docker's or podman's)"),
	OPT_STR(0, "cert-dir", RegistryOpts, certs_dir, "DIR",
		"Take the registry's certificates from this directory"),
	OPT_WORD(0, "tls-verify", RegistryOpts, tls_verify, "BOOL", "true",
		 "Whether the registry's certificate has to be valid"),
	OPT_END,
};

int registry_opts_read(const RegistryOpts *o, RegistryOptions *ret, Err *e)
{
	*ret = (RegistryOptions){ .auth_file = o->auth_file, .certs_dir = o->certs_dir };
	if (!o->tls_verify)
		return 0;
	if (!str_eq(o->tls_verify, "true") && !str_eq(o->tls_verify, "false"))
		return err_make(e, ERR_USAGE, 0, "--tls-verify is true or false, not '%s'",
				o->tls_verify);
	ret->tls = str_eq(o->tls_verify, "true") ? REGISTRY_TLS_VERIFY : REGISTRY_TLS_ANYTHING;
	return 0;
}
