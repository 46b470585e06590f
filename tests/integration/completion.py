"""What the shells offer for a line: the completion that the build has made, asked in bash, zsh and fish themselves."""
import os
import pty
import re
import select
import shlex
import subprocess
import time

BREAKS = " \t\n\"'><=;|&(:"  # what bash has in COMP_WORDBREAKS


def bash(share, line, _scratch):
    """The words that bash's function gives, called as readline calls it; options that it sets are left out."""
    words = re.findall(r"[=:]+|[^\s=:]+", line) + ([""] if line[-1].isspace() else [])
    script = (f"compopt() {{ :; }}; COMP_WORDBREAKS={shlex.quote(BREAKS)}\nsource {share}/bash-completion/completions/mydocker\n"
              'COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))\n__mydocker\n'
              'printf "%s\\n" "${COMPREPLY[@]}"')
    r = subprocess.run(["bash", "--norc", "-c", script, "bash", line, *words], capture_output=True, text=True, check=True, timeout=30)
    assert r.stderr == "", r
    return set(r.stdout.splitlines()) - {""}


def fish(share, line, _scratch):
    r = subprocess.run(["fish", "--no-config", "-c", f"source {share}/fish/vendor_completions.d/mydocker.fish; complete -C $argv[1]", "--", line],
                       capture_output=True, text=True, check=True, timeout=30)
    assert r.stderr == "", r
    head = re.search(r"(\S*[=:])?\S*$", line)[1] or ""  # the others give only what follows the last '=' or ':'
    return {offer.split("\t")[0].removeprefix(head) for offer in r.stdout.splitlines()}


class Terminal:
    """An interactive shell on a terminal of its own."""

    def __init__(self, argv, env):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execvpe(argv[0], argv, env)
        self.pid, self.out = pid, b""

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern, seconds=30.0):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.out):
            assert select.select([self.fd], [], [], max(end - time.monotonic(), 0))[0], f"no {pattern} in {self.out!r}"
            self.out += os.read(self.fd, 65536)
        return self.out

    def close(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def zsh(share, line, scratch):
    """The matches that zsh's own completion adds: its builtin is asked to tell them."""
    setup = f"""
PROMPT= RPROMPT=; unsetopt zle_bracketed_paste 2>/dev/null
fpath=({share}/zsh/site-functions $fpath); autoload -Uz compinit; compinit -D -u
zstyle ':completion:*' verbose yes
compadd() {{
  if [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a __offered; builtin compadd -A __offered "$@"; print -rl -- $__offered >> $OUT; builtin compadd "$@"
}}
offers() {{ BUFFER=$LINE; CURSOR=$#BUFFER; zle list-choices; zle -I; BUFFER=; print -r -- "asked and"" answered" }}
zle -N offers; bindkey '^T' offers; print "ready and"" waiting"
"""
    out = scratch / "offers"
    out.write_text("")
    t = Terminal(["zsh", "-f", "-i"], {"PATH": os.environ["PATH"], "HOME": "/nowhere", "TERM": "dumb", "OUT": str(out), "LINE": line})
    try:
        t.send(f"source =(print -r -- {shlex.quote(setup)})\n")
        t.wait_for(rb"ready and waiting")
        t.send("\x14")
        t.wait_for(rb"asked and answered")
    finally:
        t.close()
    return set(out.read_text().splitlines()) - {""}


def bash_line(share, line, scratch):
    """What a line becomes when somebody at an interactive bash presses the tab key behind it."""
    out = scratch / "line"
    setup = f"""PS1='$ '; bind 'set enable-bracketed-paste off'; source {share}/bash-completion/completions/mydocker
show() {{ printf '%s\\n' "$READLINE_LINE|" > {out}; READLINE_LINE=; echo "asked and"" answered"; }}; bind -x '"\\C-t": show'; echo "ready and"" waiting"
"""
    t = Terminal(["bash", "--norc", "--noprofile", "-i"], {"PATH": os.environ["PATH"], "HOME": "/nowhere", "TERM": "dumb"})
    try:
        t.send(setup)
        t.wait_for(rb"ready and waiting")
        t.send(line + "\t\x14")
        t.wait_for(rb"asked and answered")
    finally:
        t.close()
    return out.read_text().removesuffix("|\n")
