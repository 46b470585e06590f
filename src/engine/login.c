#include "engine/login.h"

#include "engine/fetch.h"

/* The registry itself, and with these credentials, whatever is kept for it now. */
static int login_try(const RegistryOptions *o, const char *domain, const RegistryLogin *login,
		     Arena *a, Err *e)
{
	AUTO(fetch_close) Fetch fetch = FETCH_NONE;
	RegistryConfig config;
	TRY(registry_config(o, domain, NULL, a, &config, e));
	RegistryPlace place = config.places[config.count - 1];
	place.login = *login;
	const RegistryConfig alone = { .domain = domain, .places = &place, .count = 1 };
	TRY(fetch_open(&alone, 1, 0, a, &fetch, e));
	int r = fetch_check(&fetch, domain, e);
	return r < 0 ? err_wrap(e, r, "login to %s", domain) : 0;
}

int engine_login(const RegistryOptions *o, const char *domain, const RegistryLogin *login, Arena *a,
		 const char **ret_where, Err *e)
{
	TRY(login_try(o, domain, login, a, e));
	return registry_login_keep(o, domain, login, a, ret_where, e);
}

int engine_logout(const RegistryOptions *o, const char *domain, Arena *a, bool *ret_was, Err *e)
{
	return registry_login_forget(o, domain, a, ret_was, e);
}
