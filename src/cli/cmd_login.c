/* `mydocker login` and `logout`: credentials for a registry. */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/out.h"
#include "cli/prompt.h"
#include "cli/registry_opts.h"
#include "engine/login.h"
#include "fmt/reference.h"

typedef struct LoginOpts {
	RegistryOpts registry;
	const char *username, *password;
	bool password_stdin, get_login;
} LoginOpts;

static const Opt login_opts[] = {
	OPT_FLAG(0, "get-login", LoginOpts, get_login,
		 "Print the user's name that is kept, and do nothing else"),
	OPT_STR('p', "password", LoginOpts, password, "PASSWORD",
		"The password, which others on this host can see in a list of processes"),
	OPT_FLAG(0, "password-stdin", LoginOpts, password_stdin, "Read the password from standard input"),
	OPT_STR('u', "username", LoginOpts, username, "NAME", "The user's name"),
	OPT_END,
};

/* "https://HOST:PORT/anything" is HOST:PORT; nothing, and docker's own names, are docker.io. */
static int server_read(const CliContext *c, const char **ret, Err *e)
{
	const char *text = c->args.count > 0 ? c->args.items[0] : REFERENCE_DEFAULT_DOMAIN;
	const char *rest = str_after(text, "https://");
	if (!rest)
		rest = str_after(text, "http://");
	const char *domain = arena_strndup(c->arena, rest ? rest : text,
					   strcspn(rest ? rest : text, "/"));
	if (str_eq(domain, "index.docker.io") || str_eq(domain, "registry-1.docker.io"))
		domain = REFERENCE_DEFAULT_DOMAIN;
	if (!reference_is_domain(domain))
		return err_make(e, ERR_USAGE, 0, "'%s' does not name a registry", text);
	*ret = domain;
	return 0;
}

static int options_check(const LoginOpts *o, Err *e)
{
	if (o->password && o->password_stdin)
		return err_make(e, ERR_USAGE, 0,
				"--password and --password-stdin are mutually exclusive");
	if (o->password_stdin && !o->username)
		return err_make(e, ERR_USAGE, 0, "Must provide --username with --password-stdin");
	if (o->password)
		log_warn("Using --password via the CLI is insecure. Use --password-stdin.");
	return 0;
}

static int not_at_a_terminal(Err *e)
{
	return err_make(e, ERR_USAGE, 0, "Cannot perform an interactive login from a non TTY device");
}

/* Asks for what was not given; a name that is kept is what an empty answer means. */
static int who_read(const LoginOpts *o, const RegistryLogin *kept, Arena *a, RegistryLogin *ret, Err *e)
{
	*ret = (RegistryLogin){ .username = o->username, .secret = o->password };
	if (o->password_stdin)
		TRY(prompt_read_all(a, &ret->secret, e));
	if ((!ret->username || !ret->secret) && !isatty(STDIN_FILENO))
		return not_at_a_terminal(e);
	if (!ret->username) {
		const char *question = kept->username
					       ? arena_printf(a, "Username (%s): ", kept->username)
					       : "Username: ";
		TRY(prompt_line(question, false, a, &ret->username, e));
		if (!*ret->username && kept->username)
			ret->username = kept->username;
	}
	if (!ret->secret)
		TRY(prompt_line("Password: ", true, a, &ret->secret, e));
	if (!*ret->username || !*ret->secret)
		return err_make(e, ERR_USAGE, 0, "Username and Password are required");
	return 0;
}

static bool is_known(const RegistryLogin *l)
{
	return (l->username && l->secret) || l->identity_token;
}

static int kept_login(const LoginOpts *o, const RegistryOptions *r, const char *domain, Arena *a,
		      RegistryLogin *ret, Err *e)
{
	*ret = (RegistryLogin){ 0 };
	TRY(registry_login_find(r, domain, NULL, a, ret, e));
	if (o->get_login && !ret->username)
		return err_make(e, ERR_NOT_FOUND, 0, "not logged into %s", domain);
	return 0;
}

static int login(const CliContext *c, const LoginOpts *o, Out *out, Err *e)
{
	RegistryOptions r;
	RegistryLogin kept, given;
	const char *domain, *where;
	TRY(options_check(o, e));
	TRY(registry_opts_read(&o->registry, &r, e));
	TRY(server_read(c, &domain, e));
	TRY(kept_login(o, &r, domain, c->arena, &kept, e));
	if (o->get_login) {
		out_format(out, "%s\n", kept.username);
		return 0;
	}
	if (!o->username && !o->password && is_known(&kept)) {
		Err e2 = { 0 };
		if (engine_login(&r, domain, &kept, c->arena, &where, &e2) == 0) {
			out_text(out, "Login Succeeded\n");
			return 0;
		}
		if (!isatty(STDIN_FILENO)) {
			*e = e2;
			return -EACCES;
		}
	}
	TRY(who_read(o, &kept, c->arena, &given, e));
	TRY(engine_login(&r, domain, &given, c->arena, &where, e));
	out_text(out, "Login Succeeded\n");
	return 0;
}

static int login_main(const CliContext *c, void *opts, Err *e)
{
	Out out;
	out_init(&out);
	TRY(login(c, opts, &out, e));
	return out_flush(&out, e);
}

static int logout_main(const CliContext *c, void *opts, Err *e)
{
	Out out;
	RegistryOptions r;
	const char *domain;
	bool was;
	out_init(&out);
	TRY(registry_opts_read(opts, &r, e));
	TRY(server_read(c, &domain, e));
	TRY(engine_logout(&r, domain, c->arena, &was, e));
	out_format(&out, was ? "Removing login credentials for %s\n" : "Not logged in to %s\n", domain);
	return out_flush(&out, e);
}

const Cmd cmd_login = {
	.name = "login",
	.args = "[SERVER]",
	.summary = "Ask a registry whether it takes a name and a password, and keep them",
	.group = CMD_IMAGE,
	.opts = { login_opts, registry_opts },
	.opts_size = sizeof(LoginOpts),
	.max_args = 1,
	.failure_code = 1,
	.run = login_main,
};

const Cmd cmd_logout = {
	.name = "logout",
	.args = "[SERVER]",
	.summary = "Forget the name and the password for a registry",
	.group = CMD_IMAGE,
	.opts = { registry_opts },
	.opts_size = sizeof(RegistryOpts),
	.max_args = 1,
	.failure_code = 1,
	.run = logout_main,
};
