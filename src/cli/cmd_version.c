#include "cli/cmd_version.h"

#include "build_id.h"
#include "cli/cmd.h"
#include "cli/format.h"
#include "cli/out.h"
#include "fmt/spec.h"
#include "version.h"

#if defined(__x86_64__)
const char *const version_arch_docker = "amd64", *const version_arch_machine = "x86_64";
#elif defined(__aarch64__)
const char *const version_arch_docker = "arm64", *const version_arch_machine = "aarch64";
#else
#error "name this architecture here"
#endif

int version_print_line(Err *e)
{
	Out out;
	out_init(&out);
	out_format(&out, "mydocker version %s, build %s\n", MYDOCKER_VERSION, BUILD_ID);
	return out_flush(&out, e);
}

static int print_json(Arena *a, Err *e)
{
	JsonWriter w = json_writer(a, false);
	json_write_object(&w, NULL);
	json_write_object(&w, "Client"); /* docker's names, where docker has them */
	json_write_string(&w, "Version", MYDOCKER_VERSION);
	json_write_string(&w, "BuildId", BUILD_ID);
	json_write_string(&w, "Os", "linux");
	json_write_string(&w, "Arch", version_arch_docker);
	json_write_string(&w, "OciVersion", SPEC_OCI_VERSION);
	json_write_end(&w);
	json_write_end(&w);
	return format_print_json(&w, e);
}

static int version_main(const CliContext *c, void *opts, Err *e)
{
	bool json;
	TRY(format_is_json(opts, &json, e));
	if (json)
		return print_json(c->arena, e);

	Out out;
	out_init(&out);
	out_format(&out, "Version:      %s\n", MYDOCKER_VERSION);
	out_format(&out, "Build:        %s\n", BUILD_ID);
	out_format(&out, "OS/Arch:      linux/%s\n", version_arch_docker);
	out_format(&out, "OCI runtime:  %s\n", SPEC_OCI_VERSION);
	return out_flush(&out, e);
}

const Cmd cmd_version = {
	.name = "version",
	.args = "",
	.summary = "Show the version",
	.group = CMD_SYSTEM,
	.opts = { format_opts },
	.opts_size = sizeof(FormatOpts),
	.failure_code = 1,
	.run = version_main,
};
