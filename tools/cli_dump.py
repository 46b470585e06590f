"""cli_dump.py - the program's own tables, as `mydocker __cli` prints them, and what values its options take.

The generators of completion and manual pages read this, and so does the lint that compares them with the program.
"""
import json
import pathlib
import subprocess

NONE, TEXT = "none", "text"  # no value; a value that nobody can guess

# What a value is, by what --help calls it. Words: those to choose from; one that ends with '=', ':' or ',' goes on.
BY_ARG = {
    "ADDRESS": TEXT,
    "BOOL": ["false", "true"],
    "C:H:N": TEXT,
    "CAP": "capability",
    "COMMAND": "program",
    "DEVICE:N": "device",
    "DEVICE:SIZE": "device",
    "DIR": "directory",
    "DIR[:O]": "directory",
    "DIR[:O][,idmap]": "directory",
    "DOMAIN": TEXT,
    "FD[,FD...]": TEXT,
    "FILE": "file",
    "FORMAT": ["json"],
    "GROUP": TEXT,
    "HOST[:CONTAINER][:rwm]": "device",
    "KEY": TEXT,
    "KEY=VALUE": TEXT,
    "KEY=VALUE,...": ["type=bind,", "type=devpts,", "type=ramfs,", "type=tmpfs,"],
    "KEY[=VALUE]": TEXT,
    "LIST": TEXT,
    "MASK": TEXT,
    "N": TEXT,
    "NAME": TEXT,
    "NAME:ADDRESS": TEXT,
    "NAME=SOFT[:HARD]": "limit",
    "NAME[=VALUE]": "variable",
    "OS/ARCH[/VARIANT]": TEXT,
    "PASSWORD": TEXT,
    "PATH[:OPTIONS]": TEXT,
    "RULE": TEXT,
    "SECONDS": TEXT,
    "SIGNAL": "signal",
    "SIZE": TEXT,
    "SRC:DST[:OPTIONS]": "volume",
    "STREAM": ["stderr", "stdin", "stdout"],
    "USEC": TEXT,
    "USER[:GROUP]": "user",
    "ZONE": "zone",
    "timed": ["timed"],
}

# The same by the option's name, where that tells more.
RESOLVER = ["attempts:", "edns0", "ndots:", "rotate", "single-request", "timeout:", "trust-ad", "use-vc"]
BY_NAME = {
    "cgroupns": ["host", "private"],
    "cgroups": ["disabled", "enabled"],
    "dns-opt": RESOLVER,
    "dns-option": RESOLVER,
    "group-add": "group",
    "ipc": ["host", "private"],
    "net": ["host", "none"],
    "network": ["host", "none"],
    "no-default": "key",
    "personality": ["LINUX", "LINUX32"],
    "pid": ["host", "private"],
    "security-opt": ["apparmor=", "apparmor=unconfined", "label=disable", "label=nested", "label=type:", "mask=", "no-new-privileges", "proc-opts=",
                     "seccomp=", "seccomp=builtin", "seccomp=unconfined", "systempaths=unconfined", "unmask=", "unmask=ALL", "writable-cgroups"],
    "unsetenv": "variable",
    "userns": ["auto", "host", "keep-id", "nomap", "private"],
    "uts": ["host", "private"],
    "workdir": TEXT,
}

# What stands behind the second colon of a volume, separated by commas.
VOLUME_OPTIONS = ["O", "U", "bind", "dev", "exec", "idmap", "nodev", "noexec", "nosuid", "private", "rbind", "ro", "rprivate", "rro", "rshared",
                  "rslave", "rw", "shared", "slave", "suid"]


class Option:
    def __init__(self, row):
        self.name, self.letter, self.kind = row["name"], row["letter"], row["kind"]
        self.arg, self.help, self.group = row["arg"], row["help"], row["group"]

    @property
    def works(self):
        return self.kind not in ("later", "refused")

    @property
    def repeats(self):
        return self.kind == "list"

    @property
    def attached(self):
        """Its value, if it has one, only stands behind '='."""
        return self.kind == "word"

    @property
    def value(self):
        """NONE, TEXT, a list of words, or what can be completed: file, directory, user ..."""
        if not self.arg:
            return NONE
        return BY_NAME.get(self.name, BY_ARG.get(self.arg, TEXT))


class Command:
    def __init__(self, row):
        self.name, self.aliases = row["name"], row["aliases"].split(", ") if row["aliases"] else []
        self.args, self.summary, self.group = row["args"], row["summary"], row["group"]
        self.complete, self.stops = row["complete"], row["stop_at_first_arg"]
        self.every_option = [Option(o) for o in row["options"]]
        self.options = sorted((o for o in self.every_option if o.works), key=lambda o: o.name)
        self.options.append(Option({"name": "help", "letter": None if any(o.letter == "h" for o in self.options) else "h", "kind": "flag",
                                    "arg": None, "help": "Show this help", "group": None}))


class Program:
    def __init__(self, path):
        dump = json.loads(subprocess.run([str(path), "__cli"], stdout=subprocess.PIPE, check=True).stdout)
        self.name, self.version = dump["name"], dump["version"]
        self.words = {
            "capability": ["ALL"] + [c.removeprefix("CAP_") for c in dump["words"]["capabilities"]],
            "signal": [s.removeprefix("SIG") for s in dump["words"]["signals"]],
            "limit": [name.removeprefix("RLIMIT_").lower() + "=" for name in dump["words"]["limits"]],
        }
        self.globals = Command({"name": "", "aliases": None, "args": "COMMAND", "summary": "A container engine without a daemon", "group": "",
                                "complete": "verb", "stop_at_first_arg": True, "options": dump["options"]})
        self.commands = [Command(c) for c in dump["commands"] if c["group"] != "hidden"]
        self.words["key"] = [f"{c.name}.{o.name}" if c.name else o.name for c in [self.globals, *self.commands] for o in c.options
                             if o.name not in ("config", "help", "no-default", "version")]

    def values_of(self, option):
        """The words to choose from, or None: then option.value says what else."""
        value = option.value
        return value if isinstance(value, list) else self.words.get(value)


def finish(stamp, depfile, inputs):
    """Tells the build that all is made, and from what."""
    pathlib.Path(stamp).touch()
    inputs = [str(path).replace(" ", "\\ ") for path in [pathlib.Path(__file__).resolve(), *inputs]]
    pathlib.Path(depfile).write_text(f"{stamp}: {' '.join(inputs)}\n", encoding="utf-8")


def write(directory, name, text):
    path = pathlib.Path(directory) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
