/* registry_config.h - what is configured for a registry: places, certificates, credentials.     (engine/, may include all but cli)
 *
 * On disk:   credentials: --authfile, or $REGISTRY_AUTH_FILE; without both $XDG_RUNTIME_DIR/containers/auth.json, then
 *            ${DOCKER_CONFIG:-~/.docker}/config.json, which login writes, mode 0600, in one piece. Certificates: HOST:PORT/{*.crt,*.cert,*.key} in
 *            certs.d of /etc/containers, /etc/docker, and of containers and docker in ~/.config. Mirrors of docker.io ("registry-mirrors") and
 *            registries whose certificates do not count ("insecure-registries"): registries.json in /etc/mydocker and ~/.config/mydocker.
 * Input:     files of the user's and the host's, and what his credential helpers say (docker-credential-NAME, found by PATH).
 * Theory:    credentials are for one host and port. http is spoken only to registries that are insecure or of this host, when https fails.
 * Ownership: all lives in the arena.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define REGISTRY_INDEX_KEY "https://index.docker.io/v1/" /* by which docker.io's are kept */

typedef enum RegistryTls {
	REGISTRY_TLS_DEFAULT,
	REGISTRY_TLS_VERIFY,   /* --tls-verify: never http */
	REGISTRY_TLS_ANYTHING, /* --tls-verify=false */
} RegistryTls;

typedef struct RegistryOptions {
	const char *auth_file;   /* --authfile */
	const char *certs_dir;   /* in place of all certs.d; its files are the registry's */
	const char *config_file; /* in place of registries.json */
	RegistryTls tls;
} RegistryOptions;

/* Each may be NULL. */
typedef struct RegistryLogin {
	const char *username, *secret;
	const char *identity_token, *registry_token;
} RegistryLogin;

typedef struct RegistryPlace {
	const char *url;
	bool is_mirror, verify, may_fall_back;
	StrList authorities;
	const char *certificate, *key;
	RegistryLogin login;
} RegistryPlace;

typedef struct RegistryConfig {
	const char *domain;
	RegistryPlace *places; /* mirrors, then the registry itself */
	size_t count;
} RegistryConfig;

/* path: of the repository, for credentials that are for part of a registry; NULL: any. */
int registry_config(const RegistryOptions *o, const char *domain, const char *path, Arena *a,
		    RegistryConfig *ret, Err *e);

/* The credentials alone; all NULL: there are none. Helpers that fail are warned of. */
int registry_login_find(const RegistryOptions *o, const char *domain, const char *path, Arena *a,
			RegistryLogin *ret, Err *e);

/* Keeps them in the file, or gives them to the helper that it names. ret_where: the file's name. */
int registry_login_keep(const RegistryOptions *o, const char *domain, const RegistryLogin *login,
			Arena *a, const char **ret_where, Err *e);

/* ret_was: there were some. */
int registry_login_forget(const RegistryOptions *o, const char *domain, Arena *a, bool *ret_was, Err *e);
