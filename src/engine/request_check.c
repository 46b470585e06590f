#include "engine/request_check.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "engine/network_text.h"
#include "engine/spec_fill.h"

/* Docker's rule for names. */
static int name_check(const char *name, Err *e)
{
	size_t len = strlen(name);
	bool good = len >= 2 && len <= LIMIT_NAME && isalnum((unsigned char)name[0]);
	for (size_t i = 0; good && i < len; i++)
		good = isalnum((unsigned char)name[i]) || strchr("_.-", name[i]);
	if (!good)
		return err_make(e, ERR_USAGE, 0,
				"name '%s': 2 to %u letters, digits and any of '_.-' are allowed, beginning with a letter or digit",
				name, LIMIT_NAME);
	return 0;
}

/* It stands in /etc/hosts, and in the prompt of every shell. */
static int hostname_check(const char *what, const char *name, Err *e)
{
	if (strlen(name) > LIMIT_HOST_NAME || strchr(name, '/') || !network_is_word(name))
		return err_make(e, ERR_USAGE, 0,
				"%s name '%s': 1 to %u characters without space, control characters, '/' and '#' are allowed",
				what, name, LIMIT_HOST_NAME);
	return 0;
}

static int hostnames_check(const RunRequest *q, Err *e)
{
	if (q->hostname && run_shares(q->uts))
		return err_make(e, ERR_USAGE, 0, "--hostname and --uts host exclude each other");
	if (q->domainname && run_shares(q->uts))
		return err_make(e, ERR_USAGE, 0, "--domainname and --uts host exclude each other");
	if (q->domainname)
		TRY(hostname_check("domain", q->domainname, e));
	return q->hostname ? hostname_check("host", q->hostname, e) : 0;
}

/* A namespace option knows its own namespace ("private", for the network "none") and the host's. */
static int namespace_option_check(const char *option, const char *value, const char *own, Err *e)
{
	if (!value || strcmp(value, own) == 0 || strcmp(value, "host") == 0)
		return 0;
	return err_make(e, ERR_USAGE, 0, "--%s %s is not there yet; '%s' and 'host' are", option,
			value, own);
}

int request_check(const RunRequest *q, Err *e)
{
	TRY(namespace_option_check("network", q->network, "none", e));
	TRY(namespace_option_check("pid", q->pid, "private", e));
	TRY(namespace_option_check("ipc", q->ipc, "private", e));
	TRY(namespace_option_check("uts", q->uts, "private", e));
	TRY(namespace_option_check("cgroupns", q->cgroupns, "private", e));
	if (q->name)
		TRY(name_check(q->name, e));
	TRY(hostnames_check(q, e));
	if (!q->rootfs)
		return err_make(e, ERR_USAGE, 0, "running an image is not there yet; give --rootfs DIR");
	return 0;
}
