#include "cli/run_options.h"

const Opt run_network_opts[] = {
	OPT_GROUP("Network"),
	OPT_LIST(0, "add-host", RunOpts, request.add_hosts, "NAME:ADDRESS", "Add a line to /etc/hosts"),
	OPT_LIST(0, "dns", RunOpts, request.dns, "ADDRESS", "Name server, in place of the host's"),
	OPT_LIST(0, "dns-opt", RunOpts, request.dns_options, "OPTION", "The same as --dns-option"),
	OPT_LIST(0, "dns-option", RunOpts, request.dns_options, "OPTION",
		 "Option for the resolver, such as ndots:2"),
	OPT_LIST(0, "dns-search", RunOpts, request.dns_search, "DOMAIN",
		 "Domain in which names are looked up (.: none)"),
	OPT_STR(0, "net", RunOpts, request.network, "MODE", "The same as --network"),
	OPT_STR(0, "network", RunOpts, request.network, "MODE", "Network: none (the default) or host"),
	OPT_FLAG(0, "no-hosts", RunOpts, request.no_hosts, "Leave /etc/hosts as it is in the root"),
	OPT_END,
};
