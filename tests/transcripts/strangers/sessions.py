#!/usr/bin/env python3
"""Records sessions of real shells and programs that the other recordings do not resemble: sessions.py OUT [NAME...]

Each session lives in a throw-away overlay of this machine's root with its own mounts, host name and processes, is typed key
by key into a pseudo-terminal and written as the agent's `script` writes it. `truth.json` says what was typed: bash through
PS0, zsh through preexec, fish through fish_preexec, elvish through after-readline, each at the moment a line is accepted; tcsh, dash,
mksh, ksh and BusyBox ash, REPLs and what was thrown away from the keys (`"source": "keys"`). FAMILIES are the programs of a session; `split` draws
by seed which of them are set aside. Needs root, Debian's zsh fish dash ksh mksh busybox tcsh elvish vim nano less htop tmux
screen openssh-server sudo postgresql redis swi-prolog-nox ruby pry php-cli lua5.4 sqlite3 bc gdb guile-3.0 clisp gnuplot-nox
fzf dialog; from npm mongosh and pure-prompt (NODE_MODULES); from PyPI pyte, ipython, ptpython and bpython (PY, a virtual
environment); a folder of Debian packages with `Packages` (REPO), which is served slowly so that apt has progress to show.
"""
import hashlib, http.server, json, os, random, re, shutil, signal, subprocess, sys, tempfile, threading, time, zlib
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "worn"))
import pyte
import record as worn
NP, PY, REPO = (os.environ.get(k, d) for k, d in (("NODE_MODULES", "node_modules"), ("PY", "venv"), ("REPO", "repo")))
UP, DOWN, LEFT, RIGHT, HOME, END = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C", "\x01", "\x05"

class Terminal(worn.Terminal):
    """A terminal that knows where its cursor is, because line editors ask."""
    def __init__(self, argv, env, cols, rows, cwd):
        self.screen = pyte.Screen(cols, rows); self.stream = pyte.ByteStream(self.screen)
        super().__init__(argv, env, cols, rows, cwd)
    def size(self, cols, rows=36):
        if hasattr(self, "screen"): self.screen.resize(rows, cols)
        super().size(cols, rows)
    def drain(self, quiet=0.05, most=3.0):
        import select
        end = time.time() + most; last = time.time()
        while time.time() < end and time.time() - last < quiet:
            if not select.select([self.fd], [], [], quiet / 3)[0]: continue
            try: data = os.read(self.fd, 65536)
            except OSError: self.dead = True; return
            if not data: self.dead = True; return
            self.out += data; last = time.time()
            try: self.stream.feed(data)
            except Exception: pass
            if b"\x1b[c" in data or b"\x1b[0c" in data: os.write(self.fd, b"\x1b[?62;c")
            for _ in range(data.count(b"\x1b[6n")):
                os.write(self.fd, b"\x1b[%d;%dR" % (self.screen.cursor.y + 1, self.screen.cursor.x + 1))

LOGGED = ("bash", "zsh", "fish", "elvish")
SHELLS = {
"/etc/bash.bashrc": r'''
[ -n "$PS1" ] || return 0
HISTCONTROL= ; HISTSIZE=5000; shopt -s checkwinsize cmdhist lithist
. /truth/dress.bash
_truth() { { printf "\0bash\t"; HISTTIMEFORMAT= history 1; } 2>/dev/null >> /truth/log; }
PS0="${PS0}"'$(_truth)'
''',
"/etc/zsh/zshrc": r'''
HISTSIZE=5000; SAVEHIST=5000; unsetopt beep; bindkey -e
. /truth/dress.zsh
autoload -Uz add-zsh-hook; _truth() { print -rn -- $'\0zsh\t'"$1" >> /truth/log }; add-zsh-hook preexec _truth
''',
"/etc/fish/conf.d/truth.fish": r'''
set -g fish_greeting
if status is-interactive; source /truth/dress.fish; end
function _truth --on-event fish_preexec; printf '\0fish\t%s' "$argv[1]" >> /truth/log; end
''',
}
GITP = '''__b() { local b=$(git branch --show-current 2>/dev/null); [ -n "$b" ] && printf ' (%s)' "$b"; }\n'''
DEVC = r'''__bash_prompt() {
    local userpart='`export XIT=$? && [ ! -z "${GITHUB_USER:-}" ] && echo -n "\[\033[0;32m\]@${GITHUB_USER:-} " || echo -n "\[\033[0;32m\]\u " && [ "$XIT" -ne "0" ] && echo -n "\[\033[1;31m\]➜" || echo -n "\[\033[0m\]➜"`'
    local gitbranch='`export BRANCH="$(git --no-optional-locks symbolic-ref --short HEAD 2>/dev/null || git --no-optional-locks rev-parse --short HEAD 2>/dev/null)"; if [ "${BRANCH:-}" != "" ]; then echo -n "\[\033[0;36m\](\[\033[1;31m\]${BRANCH:-}"; if git --no-optional-locks ls-files --error-unmatch -m --directory --no-empty-directory -o --exclude-standard ":/*" > /dev/null 2>&1; then echo -n " \[\033[1;33m\]✗"; fi; echo -n "\[\033[0;36m\]) "; fi`'
    PS1="${userpart} \[\033[1;34m\]\w ${gitbranch}\[\033[0m\]\$ "
}
__bash_prompt
'''
VTE = r'''__vte_prompt_command() { local c=$(HISTTIMEFORMAT= history 1 | sed 's/^ *[0-9]\+ *//'); c="${c//;/ }"
printf '\033]777;notify;Command completed;%s\033\\\033]777;precmd\033\\\033]0;%s@%s:%s\033\\' "$c" "$USER" "${HOSTNAME%%.*}" "${PWD/#$HOME/\~}"; }
__vte_preexec() { printf '\033]777;preexec\033\\'; }; PROMPT_COMMAND=__vte_prompt_command; PS0='$(__vte_preexec)'
PS1='[\u@\h \W]\$ '
'''
CODE = r'''__vsc_esc() { printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e 's/;/\\x3b/g' | awk 'NR>1{printf "\\x0a"}{printf "%s",$0}'; }
__vsc_pre() { __vsc_cmd=$(HISTTIMEFORMAT= builtin history 1 | sed 's/^ *[0-9]* *//'); printf '\e]633;E;%s;0b1c\a\e]633;C\a' "$(__vsc_esc "$__vsc_cmd")"; }
PS0='$(__vsc_pre)'
PROMPT_COMMAND='printf "\e]633;D;%s\a\e]633;P;Cwd=%s\a" "$?" "$PWD"'
PS1='\[\e]633;A\a\]\u@\h:\w\$ \[\e]633;B\a\]'
'''
NB = "bind 'set enable-bracketed-paste off' 2>/dev/null\n"
BASH = {
"debian": r"PS1='\u@\h:\w\$ '", "ubuntu": r"PS1='\[\e]0;\u@\h: \w\a\]\[\033[01;32m\]\u@\h\[\033[00m\]:\[\033[01;34m\]\w\[\033[00m\]\$ '",
"al2": NB + r"""PROMPT_COMMAND='printf "\033]0;%s@%s:%s\007" "$USER" "$HOSTNAME" "${PWD/#$HOME/\~}"'; PS1='[\u@\h \W]\$ '""", "rhel": r"PS1='[\u@\h \W]\$ '", "rhel-nb": NB + r"PS1='[\u@\h \W]\$ '",
"devcontainer": DEVC, "devcontainer-nb": NB + DEVC, "sh": NB + r"PS1='\s-\v\$ '", "bare": NB + r"PS1='\$ '", "angle": NB + "PS1='> '", "ciao": NB + r"PS1='\[\e[32m\]CIAO>\[\e[0m\] '",
"plusminus": NB + r"PS1='[\u@\h:\W] ± '", "clock": NB + GITP + r"PS1='\t-\h \W$(__b)\$ '", "conda": GITP + r"PS1='(base) \u@\h \w$(__b)\$ '", "conda-nb": NB + GITP + r"PS1='(base) \u@\h \w$(__b)\$ '",
"git-title": GITP + r"PS1='\[\e]0;\w\a\]\n\[\e[32m\]\u@\h \[\e[33m\]\w\[\e[36m\]$(__b)\[\e[0m\]\n\$ '", "two-root": r"PS1='\n\[\e[34m\]┌──(\u@\h)-[\w]\n└─\$\[\e[0m\] '", "rocket": r"PS1='🚀 \W \$ '",
"segments": NB + r"PS1='\[\e[48;5;31;38;5;231m\] \u \[\e[48;5;240;38;5;31m\]\[\e[38;5;252m\] \W \[\e[0;38;5;240m\]\[\e[0m\] '", "vte": VTE, "code": CODE, "long": r"PS1='\u@\h:\w\n[\D{%H:%M}] (\#) ~> '", "lambda": NB + r"PS1='\[\e[1m\]λ\[\e[0m\] \W » '",
"right-first": r"PS1='\[\e7\e[$((COLUMNS-9))G\t\e8\]\w \$ '", "script-answers": r"PS1='script-answers\$ '", "exit": NB + r"PS1='[$?] \h:\W\$ '", "colon": NB + r"PS1='\u on \h: '",
"marks": "PS1='\\[\\e]133;A\\a\\]\\u@\\h \\w ❯ \\[\\e]133;B\\a\\]'; PS0='\\e]133;C\\a'", "lean": r"PS1='\[\e[34m\]\w\[\e[0m\] \[\e[35m\]❯\[\e[0m\] '",
}
ASYNC = r'''setopt promptsubst; PROMPT='%B%F{cyan}%1~%f%b ${git}%(?.%F{green}.%F{red})%#%f '; git=
_done() { local l; IFS= read -r l <&$1; zle -F $1; exec {fd}<&-; git="%F{magenta}($l)%f "; zle && zle reset-prompt; }
_ask() { git=; exec {fd}< <(sleep 0.08; git branch --show-current 2>/dev/null || echo none); zle -F $fd _done; }
autoload -Uz add-zsh-hook; add-zsh-hook precmd _ask
'''
OMZT = 'autoload -Uz add-zsh-hook\n_t1() { print -Pn "\\e]2;%n@%m: %~\\a\\e]1;%15<..<%~\\a" }\n_t2() { print -n "\\e]2;${1}\\a\\e]1;${1%% *}\\a" }\nadd-zsh-hook precmd _t1; add-zsh-hook preexec _t2\n'
ZSH = {
"host": "PROMPT='%m%# '", "percent": "PROMPT='%# '", "omz": OMZT + "PROMPT='%(?:%F{green}➜:%F{red}➜)  %F{cyan}%c%f '", "async": ASYNC, "async-title": ASYNC + OMZT, "kali": "PROMPT=$'%F{blue}┌──(%B%n㉿%m%b)-[%~]\\n└─%(#.#.$)%f '",
"pure": f"fpath+=({NP}/pure-prompt)\nautoload -U promptinit; promptinit; prompt pure", "agnoster": "setopt promptsubst\nPROMPT='%K{black}%F{white} %n@%m %K{blue}%F{black}%F{black} %~ %k%F{blue}%f '",
"rprompt": "PROMPT='%F{green}%n%f %1~ › '\nRPROMPT='%F{242}%*%f'", "plain-nb": "unset zle_bracketed_paste\nPROMPT='%n@%m %~ %# '",
"instant": r"""PROMPT='%F{39}%~%f %F{76}❯%f '
print -n '\e[?2004h\e[39m~ \e[76m❯\e[0m '; print; print 'Loading plugins'; for p in git aws docker kubectl; do print "  plugin $p loaded"; done; print 'Agent pid 4242'; print -n '\e[0m\e[J'""",
}
FISH = {"default": "", "arrow": "function fish_prompt; set_color green; echo -n '➜ '; set_color cyan; echo -n (basename $PWD)' '; set_color normal; end", "two": "function fish_prompt; echo; echo (whoami)'@'(hostname)' '(prompt_pwd); echo -n '❯ '; end"}

README = "# Shop\n\n## Install\n\n    $ sudo make install\n    # systemctl restart shop\n    > confirm\n\n```\nnpm run destroy\n```\n"
INSTALL = "#!/bin/sh\n# installs the shop agent\nset -e\n# download the archive\necho '==> Downloading'\n# $ not run\nprintf '##########            50.0%%\\r####################  100.0%%\\n'\necho '==> Installed to /usr/local/bin/shop'\necho '# add this to your profile:'\necho 'export PATH=$PATH:/opt/shop/bin'\n"
APPLOG = "".join(f"2026-05-04T09:{i // 60:02d}:{i % 60:02d}Z {['INFO', 'INFO', 'WARN', 'ERROR'][i % 4]} {['request served', 'cache filled', 'slow query > 200 ms', 'dial tcp 10.0.0.7:5432: connection refused'][i % 4]} id={i * 7919 % 10007}\n" for i in range(120))
PROGRESS = r'''import sys, time
for i in range(0, 101, 5):
    sys.stdout.write("\r\x1b[KUploading %3d%% |%-20s| %d.%d MB/s" % (i, "#" * (i // 5), i, i % 10)); sys.stdout.flush(); time.sleep(.01)
print()
'''
BUILD = r'''import sys, time
w = sys.stdout.write
names = ["[internal] load build definition", "[internal] load .dockerignore", "[1/4] FROM docker.io/library/alpine", "[2/4] COPY . /srv", "[3/4] RUN make", "exporting to image"]
w("\x1b[?25l")
for k in range(1, len(names) + 1):
    if k > 1: w("\x1b[%dA" % k)
    else: w("")
    w("\x1b[0G[+] Building 0.%ds (%d/%d)  \n" % (k, k, len(names)))
    for n in names[:k]: w("\x1b[34m => %s\x1b[0m\x1b[K\n" % n)
    sys.stdout.flush(); time.sleep(.03)
w("\x1b[?25h"); print("naming to docker.io/library/shop:1.4.2")
'''

class Day:
    def __init__(self, r, t, shell, dress, typo, root):
        self.r, self.t, self.shell, self.dress, self.typo, self.root = r, t, shell, dress, typo, root
        self.stack, self.used = [shell], []
    def log(self, kind, text, source="keys"):
        with open(self.root + "/truth/log", "ab") as f: f.write(f"\0{kind}:{source}\t{text}".encode())
    def typed(self, text):
        out = ""
        for ch in text:
            if self.typo and ch.isalpha() and self.r.random() < self.typo:
                wrong = "".join(self.r.choice("qzxjwv") for _ in range(self.r.choice([1, 1, 2]))); out += wrong + "\x7f" * len(wrong)
            out += ch
        return out
    def keys(self, text, quiet=0.06): self.t.keys(text, pause=0.004, quiet=quiet)
    def run(self, text, quiet=0.15, keys=None):
        """Types a command; a shell without a hook has it logged from here, as it is accepted."""
        self.keys(self.typed(text) if keys is None else keys)
        if self.stack[-1] not in LOGGED: self.log("shell", text)
        self.keys("\r", quiet); self.settle()
    def settle(self, most=8.0):
        """Waits until nothing has been written for a moment: people wait for the prompt."""
        end = time.time() + most
        while time.time() < end and not self.t.dead:
            n = len(self.t.out); self.t.drain(0.12, 0.5)
            if len(self.t.out) == n: return
    def repl(self, text, quiet=0.15, keys=None): self.keys(self.typed(text) if keys is None else keys); self.log("repl", text); self.keys("\r", quiet); self.settle(3)
    def said(self, text, quiet=0.2): self.keys(text); self.log("program-input", text); self.keys("\r", quiet); self.settle()
    def gone(self, text): self.keys(self.typed(text)); self.log("abandoned", text); self.keys("\x03", 0.15)
    def into(self, text, shell, quiet=0.5): self.run(text, quiet); self.stack.append(shell); self.settle()
    def out(self, text="exit"):
        if text: self.run(text, 0.4)
        else: self.keys("\x04", 0.4)
        self.stack.pop(); self.settle()
    def some(self, n, pool=None):
        pool = pool or PLAIN + ([] if self.stack[-1] in ("fish", "elvish") else POSIX)
        for _ in range(n):
            left = [c for c in pool if c not in self.used[-25:]] or pool
            c = self.r.choice(left); self.used.append(c); self.run(c)
    def again(self, n):
        """A line recalled with the arrow keys; only shells with a log of their own can say what it was."""
        if self.stack[-1] in LOGGED: self.keys(UP * n, 0.15); self.keys("\r", 0.2); self.settle()
    def paste(self, text):
        self.t.paste(text); self.t.drain(.1)
        if self.stack[-1] not in LOGGED: self.log("shell", text)
        self.keys("\r", .2); self.settle()

PLAIN = ["ls", "ls -la", "pwd", "whoami", "id", "uname -a", "df -h /", "free -m", "cat README.md", "tail -n 5 app.log", "grep ERROR app.log | head -3", "wc -l app.log", "git status", "git log --oneline", "git diff", "cd src", "cd ..", "cd /var/log", "cd", "cd ~/shop", "cat missing.conf",
    "ps aux | head -5", "env | wc -l", "date", "hostname", "cat /etc/os-release | head -2", "find . -name '*.py'", "grep -rn TODO src", "head -c 60 app.log", "du -sh src", "ls /nonexistent", "mkdir -p build", "touch build/x", "rm -r build", "cat src/app.py", "echo $HOME", "echo done", "sort app.log | tail -2",
    "cp README.md /tmp/r.md", "mv /tmp/r.md /tmp/s.md", "stat -c %s app.log", "curl -sS http://127.0.0.1:9/", "sudo -n id", "systemctl status shop", "journalctl -u shop -n 3", "vmstat 1 1", "uptime", "tail -1 /etc/passwd", "cut -d' ' -f2 app.log | sort | uniq -c", "sha256sum README.md", "ls -1 | wc -l", "printf 'no newline'", "git branch -a", "who", "file README.md", "cal"]
POSIX = ["for i in 1 2 3; do echo $i; done", "export STAGE=prod", "echo $((6*7))", "test -f README.md && echo yes", "(cd src; ls)", "FOO=1 env | grep FOO", "type ls", "a=$(date +%Y); echo $a", "set -o | head -2", "cat <<< hi || true", "alias ll='ls -l'", "[ -d src ] && echo there", "trap"]
POSIX = [c for c in POSIX if "<<<" not in c]
LONGS = ["find /usr/share/doc -maxdepth 1 -name 'b*' -type d | sort | head -n 7 | sed -e 's/usr/USR/' -e 's/share/SHARE/' | tail -n 3",
    "aws ec2 describe-instances --filters Name=tag:Environment,Values=production Name=instance-state-name,Values=running --query 'Reservations[].Instances[].InstanceId' --output text --region eu-west-1",
    "for f in /etc/passwd /etc/group /etc/hostname /etc/os-release /etc/debian_version; do printf '%s has %s lines\\n' \"$f\" \"$(wc -l < \"$f\")\"; done | sort | tail -n 4",
    "docker run --rm -it -v $PWD:/work -w /work -e AWS_REGION=eu-west-1 -e STAGE=production -p 8080:8080 --name shop --memory 512m registry.example.com/team/shop:1.42.0 bash -lc 'make test'"]

def apt(d):
    d.run("sudo apt-get update", .6); d.some(1); p = d.r.sample(["hello", "cowsay", "figlet", "sl", "tree", "pv", "ncdu"], 2)
    d.run(f"sudo apt-get install -y {p[0]}", 1.0); d.some(2); d.run(f"sudo apt install {p[1]} -y", 1.0); d.some(1); d.again(2); d.run(f"sudo apt-get remove -y {p[0]}", .8); d.some(2); d.run("apt list --upgradable", .6)
def npm(d):
    d.run("npm init -y", .8); d.run("npm install ../pkg-a.tgz ../pkg-b.tgz", 1.2); d.some(2); d.run("npm ls", .8); d.run("npm run build", .8); d.again(1); d.some(2); d.run("npm test", .6); d.some(1); d.run("npm uninstall pkg-a", .8)
def pip(d):
    d.run(f"{PY}/bin/python -m venv env", 2); d.run(". env/bin/activate", .3); d.run("pip install --no-index --find-links /srv/wheels wcwidth pyte", 1.5); d.some(2); d.run("pip list", .8); d.run("python up.py", .6); d.some(1); d.run("pip uninstall -y pyte", .8); d.run("deactivate"); d.some(1)
def transfers(d):
    d.run("python3 up.py", .4); d.some(1); d.run("curl -O http://deb.example.org:8099/big.bin", .8); d.some(2); d.run("curl -# -o b.bin http://deb.example.org:8099/big.bin", .8); d.run("wget -q --show-progress http://deb.example.org:8099/big.bin -O c.bin", .6); d.again(2); d.some(2); d.run("dd if=/dev/zero of=z bs=1M count=40 status=progress", .6); d.some(1)
def build(d):
    d.some(1); d.run("python3 build.py", .6); d.some(2); d.run("python3 build.py | cat", .4); d.again(1); d.some(2); d.run("make", .3); d.run("make test", .3); d.some(2)
def piped(d):
    d.run("curl -sSL http://deb.example.org:8099/install.sh | bash", .6); d.some(2); d.run("curl -fsSL http://deb.example.org:8099/install.sh", .3); d.some(1); d.run("curl -sSL http://deb.example.org:8099/install.sh | sudo sh -s -- --yes", .6); d.some(3); d.run("cat install.sh", .2); d.some(1)
def vim(d):
    d.some(1); d.run("vim README.md", .6); d.keys("GoMore text\x1b", .2); d.keys(":wq\r", .5); d.settle(); d.some(3); d.run("vim src/app.py", .6); d.keys("ddp/def\r", .2); d.keys(":!ls\r", .4); d.keys("\r", .3); d.keys(":q!\r", .5); d.settle(); d.some(3)
    if d.stack[-1] in LOGGED: d.again(1); d.keys(":q\r", .4); d.settle()
    d.some(2)
def nano(d):
    d.run("nano README.md", .6); d.keys("Hello there", .2); d.keys("\x0f", .3); d.keys("\r", .3); d.keys("\x18", .5); d.settle(); d.some(2); d.run("sudo nano /etc/hosts", .6); d.keys("\x18", .4); d.settle(); d.some(2); d.again(1); d.some(1); d.run("nano notes.txt", .6); d.keys("x\r\ny", .2); d.keys("\x18", .3); d.keys("n", .4); d.settle(); d.some(2)
def less(d):
    d.run("less app.log", .5); d.keys("jjj", .1); d.keys("/ERROR\r", .2); d.keys("q", .3); d.settle(); d.some(2); d.run("git log -p", .5); d.keys(" q", .4); d.settle(); d.some(1); d.run("man ls", .8); d.keys("q", .4); d.settle(); d.some(2); d.run("less +F app.log", .5); d.keys("\x03", .3); d.keys("q", .3); d.settle(); d.some(1); d.run("more README.md", .4); d.some(1)
def monitors(d):
    d.run("htop", 1.2); d.keys("q", .5); d.settle(); d.some(2); d.run("top", 1.0); d.keys("q", .5); d.settle(); d.some(2); d.run("watch -n 1 date", 1.3); d.keys("\x03", .4); d.settle(); d.some(2); d.run("top -b -n 1 | head -5", .5); d.some(1)
def psql(d):
    d.some(1); d.run("sudo -u postgres psql", 1.0); d.repl("select 1 as one;"); d.repl("create table t (id int, name text);"); d.repl("insert into t values (1, 'a'), (2, 'b');"); d.repl("select * from t;"); d.repl("\\d t"); d.repl("\\! ls"); d.repl("select count(*)\nfrom t;", keys="select count(*)\rfrom t;"); d.repl("\\q", .4); d.settle(); d.some(3)
    d.run("sudo -u postgres psql -c 'select now()'", .6); d.some(1)
def redis(d):
    d.run("redis-server --daemonize yes --port 6399 >/dev/null", .6); d.run("redis-cli -p 6399", .5); d.repl("ping"); d.repl("set name dana"); d.repl("get name"); d.repl("keys *"); d.repl("info server"); d.repl("select 2"); d.repl("exit", .3); d.settle(); d.some(3); d.run("redis-cli -p 6399 get name", .3); d.some(1); d.run("redis-cli -p 6399 shutdown nosave", .3)
def prolog(d):
    d.run("swipl", .8); d.repl("X is 6*7."); d.repl("member(X, [a,b,c])."); d.keys(";", .2); d.keys(";", .2); d.settle(2); d.repl("[user]."); d.repl("likes(dana, tea)."); d.keys("\x04", .3); d.settle(2); d.repl("likes(dana, What)."); d.repl("halt.", .4); d.settle(); d.some(3)
def irb(d):
    d.run("irb", 1.2); d.repl("1 + 2"); d.repl("x = [1, 2, 3].map { |i| i * 2 }"); d.repl("x.sum"); d.repl("puts `hostname`"); d.repl("def f(a)\n  a + 1\nend", keys="def f(a)\ra + 1\rend"); d.repl("f 41"); d.repl("exit", .5); d.settle(); d.some(3)
def pry(d):
    d.run("pry", 1.5); d.repl("1 + 2"); d.repl("ls", .3); d.repl("cd String"); d.repl("self"); d.repl("cd .."); d.repl(".ls"); d.repl("exit", .5); d.settle(); d.some(3)
def python(d):
    d.run("python3", .8); d.repl("import os"); d.repl("os.getcwd()"); d.repl("x = 6 * 7"); d.repl("print(x)"); d.repl("for i in range(2):\n    print(i)\n", keys="for i in range(2):\r    print(i)\r"); d.repl("os.system('ls')", .3); d.repl("exit()", .4); d.settle(); d.some(3); d.run("python3 -c 'print(1)'", .3); d.some(1)
def python313(d):
    d.run("/root/.pyenv/versions/3.13.0/bin/python3", 1.0); d.repl("import os"); d.repl("os.getcwd()"); d.repl("x = 6 * 7"); d.repl("x"); d.repl("for i in range(2): print(i)\n", keys="for i in range(2): print(i)\r"); d.repl("'a b'.split()"); d.repl("exit", .5); d.settle(); d.some(3)
def node(d):
    d.run("node", 1.0); d.repl("1 + 2"); d.repl("const os = require('os')"); d.repl("os.hostname()"); d.repl("[1,2,3].map(x => x * 2)"); d.repl("require('child_process').execSync('id').toString()", .4); d.repl(".exit", .5); d.settle(); d.some(3); d.run("node -e 'console.log(1)'", .5)
def ipython(d):
    d.run(f"{PY}/bin/ipython", 2.5); d.repl("1 + 2"); d.repl("import os"); d.repl("os.listdir('.')"); d.repl("!ls", .5); d.repl("%pwd", .3); d.repl("exit", .8); d.settle(); d.some(3)
def mongosh(d):
    d.run(f"{NP}/.bin/mongosh --nodb", 3.5); d.repl("1 + 2", .4); d.repl("const x = [1, 2, 3].map(y => y * 2)", .4); d.repl("x", .4); d.repl("db", .5); d.repl("print('hello')", .4); d.repl("exit", 1.0); d.settle(); d.some(3)
def sqlite(d):
    d.run("sqlite3 shop.db", .5); d.repl("create table t(a, b);"); d.repl("insert into t values (1, 'x');"); d.repl("select * from t;"); d.repl(".tables"); d.repl(".mode box"); d.repl("select a,\n b from t;", keys="select a,\r b from t;"); d.repl(".shell ls"); d.repl(".quit", .3); d.settle(); d.some(3); d.run("sqlite3 shop.db 'select count(*) from t'", .3); d.some(1)
def php(d): d.run("php -a", .6); d.repl("echo 1 + 2;"); d.repl("$x = [1, 2];"); d.repl("print_r($x);"); d.repl("echo shell_exec('id');"); d.repl("exit", .4); d.settle(); d.some(3)
def lua(d): d.run("lua5.4", .5); d.repl("print(1 + 2)"); d.repl("x = {1, 2, 3}"); d.repl("= #x"); d.repl("for i = 1, 2 do\nprint(i)\nend", keys="for i = 1, 2 do\rprint(i)\rend"); d.repl("os.exit()", .4); d.settle(); d.some(3)
def calculators(d):
    d.run("bc", .4); d.repl("6*7"); d.repl("scale=3; 10/3"); d.repl("quit", .3); d.settle(); d.some(2); d.run("gnuplot", .6); d.repl("print 6*7"); d.repl("set terminal dumb"); d.repl("exit", .3); d.settle(); d.some(2)
def gdb(d): d.run("gdb -q /bin/true", 1.0); d.repl("info files", .4); d.repl("print 6*7"); d.repl("shell ls"); d.repl("info line 1"); d.repl("quit", .5); d.settle(); d.some(3)
def lisps(d): d.run("guile -q", 1.5); d.repl("(+ 1 2)"); d.repl("(define x 42)"); d.repl("x"); d.repl("(car '(1 2))"); d.repl("(exit)", .5); d.settle(); d.some(2); d.run("clisp -q", 1.0); d.repl("(+ 1 2)"); d.repl("(list 1 2)"); d.repl("(quit)", .5); d.settle(); d.some(2)
def ptpython(d): d.run(f"{PY}/bin/ptpython", 2.5); d.repl("1 + 2", .4); d.repl("import os", .4); d.repl("os.getcwd()", .5); d.keys("\x04", .5); d.keys("y", .5); d.settle(); d.some(3)
def broken_ssh(d):
    d.some(1); d.into("ssh web-1", "bash", 1.5); d.some(4); d.t.cut(); d.stack.pop(); d.settle(); d.some(3); d.into("ssh web-1", "bash", 1.5); d.some(3); d.out(); d.some(2)
def reboots(d):
    d.into("ssh web-1", "bash", 1.5); d.some(3); d.run("sudo reboot", 1.0); d.stack.pop(); d.settle(); d.some(3); d.into("ssh dana@web-1", "bash", 1.5); d.some(2); d.into("sudo -i", "bash", .6); d.some(2); d.out(); d.out("logout"); d.some(2)
def roots(d):
    d.some(2); d.into("sudo -i", "bash", .6); d.some(5); d.out(); d.into("sudo -s", "bash", .6); d.some(4); d.out(""); d.some(1); d.into("sudo su - deploy", "bash", .8); d.some(3); d.out(); d.some(2)
def chroots(d):
    d.some(1); d.into("sudo chroot /srv/alpine /bin/sh", "ash", .6); d.some(4, ["ls", "ls /bin | head -3", "cat /etc/os-release", "id", "pwd", "cd /etc", "echo $PATH", "ps", "uname -r"]); d.out(); d.some(3); d.into("sudo chroot /srv/alpine /bin/ash -l", "ash", .6); d.some(3, ["ls", "id", "pwd", "cd /tmp", "env", "uname -r"]); d.out(); d.some(1)
def walks(d):
    d.run(d.r.choice(LONGS[:1] + LONGS[2:3]), .5); d.some(2); d.run(LONGS[1] + " || true", .6); d.some(2)
    for _ in range(5):
        d.again(d.r.randint(2, 7)); n = d.r.randint(1, 5); d.keys(UP * (n + d.r.randint(1, 3)) + DOWN * n, .12); d.keys("\r", .2); d.settle(); d.r.random() < .5 and d.some(1)
    d.keys(UP * 7 + DOWN * 7, .15); d.some(2); d.keys(UP * 4, .15); d.keys(HOME + "echo " + END, .1); d.keys("\r", .2); d.settle(); d.some(1)
def wraps(d):
    d.some(1)
    for c in LONGS:
        if d.stack[-1] != "fish" or not c.startswith("for"): d.run(c, .5); d.some(1)
    if d.stack[-1] not in LOGGED: return
    d.keys("echo " + LONGS[0].replace("|", "\\|"), .1); d.keys(HOME + RIGHT * 5 + "-n ", .1); d.keys(END + " # end", .1); d.keys("\r", .3); d.settle(); d.run("echo " + "x" * 30 + " " + "y" * 60, .2); d.keys("echo " + "long words " * 14 + "\x17" * 6 + "end", .1); d.keys("\r", .2); d.settle(); d.some(2)
def pastes(d):
    d.some(1); d.paste("echo first; echo second"); d.some(1); d.paste(LONGS[2]); d.some(2); d.paste(LONGS[3] + " || true"); d.some(1); d.paste("ls -la \\\n  src \\\n  README.md"); d.some(1)
    if d.stack[-1] in LOGGED: d.paste("for i in 1 2; do\n  echo pasted $i\ndone" if d.stack[-1] != "fish" else "for i in 1 2\n  echo pasted $i\nend"); d.some(1)
def few(d): d.some(d.r.choice([1, 1, 2, 3]))
def two(d): d.run(d.r.choice(["sudo tail -n 5 app.log", "grep -c ERROR app.log", "ps aux | grep shop", "df -h", "cat src/app.py"])); d.some(d.r.choice([0, 1, 2]))
def questions(d):
    d.some(1); d.run("read -p 'Name: ' n" if d.stack[-1] == "bash" else "sh ask.sh", .2)
    if d.stack[-1] != "bash": d.said("dana"); d.said("y")
    else: d.said("dana")
    d.some(2); d.run("sh ask.sh", .3); d.said("erin"); d.said("n"); d.some(2); d.run("rm -i app.log", .3); d.said("n"); d.some(2); d.run("python3 ask.py", .4); d.said("3"); d.said("confirm"); d.some(2)
def jobs(d):
    d.some(1); d.run("(sleep 0.6; echo job one; echo '$ not typed') &" if d.stack[-1] != "fish" else "sh -c 'sleep 0.6; echo job one' &", .9); d.some(1); d.run("sleep 30", .3); d.keys("\x1a", .3); d.settle(); d.run("jobs"); d.run("kill %1", .3); d.some(2); d.run("tail -f app.log", .4); d.keys("\x03", .3); d.settle(); d.some(2); d.gone("systemctl restart shop"); d.some(1); d.run("ping -c 2 127.0.0.1", 1.5); d.some(1)
def tmux(d): d.some(1); d.into("tmux", d.stack[-1], 1.2); d.some(3); d.keys("\x02c", .8); d.settle(); d.some(2); d.keys("\x02n", .5); d.settle(); d.some(1); d.keys("\x02d", .6); d.stack.pop(); d.settle(); d.some(2); d.into("tmux attach", d.stack[-1], .8); d.some(2); d.run("exit", .6); d.settle(); d.run("exit", .6); d.stack.pop(); d.settle(); d.some(2)
def screen(d): d.into("screen", "bash", 1.2); d.keys("\r", .4); d.settle(); d.some(4); d.out(); d.some(3)
def edits(d):
    d.some(1)
    for keys in (["cat REA\t", " | head -1"], ["git stauts", "\x1b\x7f", "status -s"], ["ls -la sr", "\x01\x0b", "pwd"], ["cho hi", "\x01", "e"], ["grep -n TODO", "\x05 src/app.py"], ["echo one two three", "\x17", "four"], ["\x12ec", "\x05"], ["ls", LEFT * 2, "cd; ", "\x05"], ["echo abc", LEFT * 2 + "\x1b[3~", "\x05 d"]):
        for k in keys: d.keys(k, .12)
        d.keys("\r", .2); d.settle()
        if d.r.random() < .5: d.some(1)
def clears(d): d.some(2); d.run("clear", .2); d.some(2); d.stack[-1] in LOGGED and d.keys("\x0c", .2); d.some(2); d.run("reset" if d.r.random() < .3 else "tput clear", 1.2); d.some(2); d.run("cat ansi.txt", .2); d.some(2)
def decoys(d): d.run("cat session-old.log", .2); d.some(2); d.run("cat README.md", .2); d.run("history | tail -3", .2); d.some(2); d.run("sh -x trace.sh", .3); d.some(2); d.run("head -20 prompts.txt", .2); d.some(2); d.run("grep -n '' prompts.txt", .2); d.some(1)
def docs(d):
    d.some(1); d.run("cat > note.txt", .2); d.said("hello there"); d.said("second line"); d.keys("\x04", .2); d.settle()
    if d.stack[-1] in LOGGED and d.stack[-1] not in ("fish", "elvish"): d.keys("cat <<EOF > x.cfg\rkey=1\rother=2\rEOF\r", .2); d.settle(); d.keys("for f in README.md app.log; do\r  wc -l $f\rdone\r", .2); d.settle(); d.keys("echo 'one\rtwo'\r", .2); d.settle(); d.keys("ls \\\r  -la \\\r  src\r", .2); d.settle()
    d.some(2); d.run("cat note.txt"); d.some(2)
def fzf(d): d.some(2); d.run("ls | fzf", .6); d.keys("READ", .3); d.keys("\r", .4); d.settle(); d.some(2); d.run("dialog --yesno 'Deploy now?' 7 40", .6); d.keys("\r", .5); d.settle(); d.some(2); d.run("cat app.log | fzf --height 40%", .6); d.keys("ERR", .3); d.keys("\x1b", .5); d.settle(); d.some(2)
def containers(d): d.into("kubectl exec -it shop-7d9f -- sh", "ash", .6); d.some(4, ["ls", "env", "id", "cat /etc/hosts", "ps", "pwd", "df -h"]); d.out(); d.some(2); d.into("docker exec -it shop bash", "bash", .8); d.some(4); d.out(); d.some(2)
def errors(d):
    for c in ("git status", "cat missing.conf", "git status", "cat missing.conf", "sl -l", "git statsu", "cat missing.conf", "git status", "grep -q x missing.conf", "git status"): d.run(c, .2); d.r.random() < .4 and d.some(1)
def aws(d):
    for c in ("aws sts get-caller-identity", "aws ec2 describe-instances --output table", "aws s3 ls", "aws ec2 describe-instances --output table --region us-east-1", "aws s3 cp app.log s3://example-bucket/logs/", "aws ec2 describe-instances --output table"): d.run(c, .4); d.r.random() < .5 and d.some(1)
def tcsh(d): d.some(1); d.into("tcsh -f", "tcsh", .5); d.some(4, ["ls", "pwd", "set", "echo hi", "cd src", "cd ..", "date", "grep ERROR app.log"]); d.out(); d.some(2)
def elvish(d): d.some(1); d.into("elvish", "elvish", .8); d.some(4, ["ls", "pwd", "echo hi", "date", "cat README.md", "whoami"]); d.out(); d.some(2)
def posix_in(d):
    for sh, exe in d.r.sample([("dash", "dash"), ("mksh", "mksh"), ("ksh", "ksh93"), ("ash", "busybox ash"), ("bash", "bash")], 3): d.into(exe, sh, .5); d.some(4); d.out()
    d.some(1)
def resizes(d): d.some(2); d.t.size(d.r.choice([60, 91, 140])); d.t.drain(.3); d.some(2); d.run(LONGS[0], .4); d.t.size(d.r.choice([77, 110, 200])); d.t.drain(.3); d.run(LONGS[1] if d.stack[-1] == "fish" else LONGS[2], .4); d.again(2); d.some(2)
def scripts(d): d.some(1); d.into("script -q /tmp/typescript", d.stack[-1], .6); d.some(3); d.out(); d.some(1); d.run("sh trace.sh", .3); d.run("bash -c 'echo inner; id'", .3); d.some(2); d.run("sudo bash -c 'tail -1 app.log'", .3); d.some(2)

FAMILIES = {f.__name__: f for f in (apt, npm, pip, transfers, build, piped, vim, nano, less, monitors, psql, redis, prolog, irb, pry, python, python313, node, ipython, mongosh, sqlite, php, lua, calculators, gdb, lisps, ptpython, broken_ssh, reboots, roots,
    chroots, walks, wraps, pastes, few, two, questions, jobs, tmux, screen, edits, clears, decoys, docs, fzf, containers, errors, aws, tcsh, elvish, posix_in, resizes, scripts)}
WIDTHS = [44, 60, 72, 80, 80, 80, 94, 100, 118, 120, 132, 150, 168, 190, 211, 240, 330]

def split(seed="strangers-1"):
    """The families that are set aside: a third, drawn by seed."""
    names = sorted(FAMILIES); random.Random(seed).shuffle(names)
    return set(names[: len(names) // 3])

def plan():
    """name -> (family, shell, dress, width, user, host, typing mistakes), drawn by seed."""
    out, r = {}, random.Random("plan-1")
    for family in FAMILIES:
        n = 4 if family in ("few", "walks", "wraps", "two") else 3
        for i in range(n):
            shell = r.choices(["bash", "zsh", "fish", "dash", "ash", "mksh", "ksh"], [60, 20, 6, 6, 5, 1, 2])[0]
            if shell == "ksh": shell = "mksh"  # ksh93 shows no prompt here
            if family in ("walks", "pastes", "edits", "docs", "tmux", "screen") and shell not in LOGGED: shell = "bash"
            dress = r.choice(sorted({"bash": BASH, "zsh": ZSH, "fish": FISH}.get(shell, {"-": ""})))
            user = r.choice(["dana", "dana", "ssm-user", "ubuntu", "vscode", "root"])
            out[f"{family}-{i + 1}"] = (family, shell, dress, r.choice(WIDTHS), user, r.choice(["ip-10-0-3-17", "web-prod-2", "DESKTOP-7K2QH1L", "codespaces-3f9a", "3f2a1b9c0d1e", "bastion"]), r.choice([0, 0, 0.02, 0.04]))
    return out

SETUP = r'''set -e
D=$1; M=$D/m; HOST=$2; PORT=$3; USER_=$4; shift 4
mount -t tmpfs t $D/o; mkdir -p $D/o/u $D/o/w; mount -t overlay o -o lowerdir=/,upperdir=$D/o/u,workdir=$D/o/w $M
mount -t proc p $M/proc; mount --rbind /dev $M/dev; mkdir -p $M/truth; mount --bind $D/truth $M/truth; hostname $HOST; rm -rf $M/etc/apt/sources.list.d/* $M/etc/motd.d; echo "127.0.1.1 $HOST" >> $D/files/etc/hosts
cp -r $D/files/. $M/; for u in dana ssm-user ubuntu vscode deploy; do cp -rT $D/home $M/home/$u; chown -R $u:$u $M/home/$u; done; cp -rT $D/home/shop $M/root/shop; chmod 755 $M/root
mkdir -p $M/run/sshd; unshare -u sh -c "hostname web-1; chroot $M /usr/sbin/sshd -p $PORT -o UsePAM=no -o PrintMotd=yes -o PidFile=none" </dev/null >/dev/null 2>&1
if [ -n "$PG" ]; then chroot $M sh -c 'pg_ctlcluster 15 main start' </dev/null >/dev/null 2>&1; sleep 2; fi
H=/home/$USER_; [ $USER_ = root ] && H=/root
exec chroot --userspec=$USER_ --groups=$(id -G $USER_ | tr ' ' ,) $M env -i HOME=$H USER=$USER_ LOGNAME=$USER_ TERM=xterm-256color LANG=C.UTF-8 SHELL=/bin/bash PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -c 'cd ~/shop; exec "$@"' - "$@"
'''

def files(base, seed, bash, zsh, fish):
    def put(path, text, mode=0o644):
        p = os.path.join(base, path.lstrip("/")); os.makedirs(os.path.dirname(p), exist_ok=True); open(p, "w").write(text); os.chmod(p, mode)
    for path, text in SHELLS.items(): put("files" + path, text)
    put("truth/dress.bash", bash); put("truth/dress.zsh", zsh); put("truth/dress.fish", fish); put("truth/log", ""); os.chmod(base + "/truth/log", 0o666)
    put("files/etc/sudoers.d/all", "ALL ALL=(ALL:ALL) NOPASSWD: ALL\nDefaults !lecture\n", 0o440)
    put("files/etc/apt/sources.list", "deb [trusted=yes] http://deb.example.org:8099/ ./\n"); put("files/etc/apt/apt.conf.d/99quiet", 'Acquire::Languages "none";\n')
    put("files/etc/hosts", "127.0.0.1 localhost deb.example.org web-1\n"); put("files/etc/motd", "Welcome to web-1\n\n * 3 updates can be applied\n")
    put("files/usr/local/sbin/reboot", "#!/bin/sh\nsleep 0.3; pkill -f 'sshd: .*@pts'\n", 0o755)
    put("files/usr/local/bin/kubectl", "#!/bin/sh\nexec sudo chroot /srv/alpine /bin/sh\n", 0o755); put("files/usr/local/bin/docker", "#!/bin/sh\n[ \"$1\" = exec ] && exec sudo bash\necho \"docker: '$1' is not a docker command.\"\n", 0o755)
    put("files/usr/local/bin/aws", "#!/bin/sh\ncase \"$*\" in *table*) printf -- '-----------------------------\\n|     DescribeInstances     |\\n+---------------------------+\\n|  i-0aaa111bbb222ccc3      |\\n+---------------------------+\\n';; *caller*) printf '{\\n    \"Account\": \"111122223333\"\\n}\\n';; *) echo 'Unable to locate credentials. You can configure credentials by running \"aws configure\".'; exit 253;; esac\n", 0o755)
    put("home/.bashrc", ""); put("home/.profile", ""); put("home/.zshrc", ""); put("files/root/.bashrc", ""); put("files/root/.profile", ""); put("files/root/.zshrc", ""); put("home/.hushlogin", ""); put("home/.npmrc", NPMRC); put("files/root/.npmrc", NPMRC); put("files/root/.config/elvish/rc.elv", ELV); put("home/.config/elvish/rc.elv", ELV)
    s = "home/shop/"
    for name, text in {"README.md": README, "app.log": APPLOG, "src/app.py": "import sys\n\n# TODO: read the config\ndef main():\n    print('hello')\n\nif __name__ == '__main__':\n    main()\n", "up.py": PROGRESS, "build.py": BUILD, "install.sh": INSTALL, "Makefile": "all:\n\t@echo compiling\n\t@echo linking\ntest:\n\techo ok\n",
        "ask.sh": "printf 'Who? '; read a; printf 'Continue [y/N]? '; read b; echo \"$a $b\"\n", "ask.py": "n = input('How many? ')\nprint(n)\ninput('Type confirm: ')\n", "trace.sh": "set -x\nid -u\necho traced\nls src\n", "ansi.txt": "\x1b[1;31mred\x1b[0m $ plain\n\x1b[32mdana@web\x1b[0m:~$ rm -rf /tmp/x\n",
        "prompts.txt": "dana@web-1:~$ dropdb shop\n[root@db ~]# halt\n# reboot\n$ whoami\n> y\n➜  ~ git push -f\n% make install\n/ # rm -rf /\nsh-5.2$ exit\n", "session-old.log": "Script started on 2026-01-03\nsh-5.1$ sudo su -\n[root@ip-10-0-0-9 ~]# yum update -y\n[root@ip-10-0-0-9 ~]# exit\nsh-5.1$ exit\n"}.items(): put(s + name, text)
    for p in ("pkg-a.tgz", "pkg-b.tgz"): shutil.copy(os.path.join(REPO, "..", p), os.path.join(base, "home", p))
    ident = os.path.join(base, "home/.ssh"); os.makedirs(ident, mode=0o700); shutil.copy(os.path.join(REPO, "..", "key"), ident + "/id_ed25519"); shutil.copy(os.path.join(REPO, "..", "key.pub"), ident + "/authorized_keys"); os.chmod(ident + "/id_ed25519", 0o600)
    open(ident + "/config", "w").write(f"Host web-1\n  Port {port(base)}\n  User dana\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n"); shutil.copytree(ident, os.path.join(base, "files/root/.ssh"))
    os.system(f"cd {base}/home/shop && git init -q -b main && git config user.email a@example.com && git config user.name a && git add -A && git commit -qm first && git commit -q --allow-empty -m second")
    open(os.path.join(base, "home/.gitconfig"), "w").write("[safe]\n  directory = *\n"); shutil.copy(os.path.join(base, "home/.gitconfig"), os.path.join(base, "files/root/.gitconfig"))

NPMRC = "audit=false\nfund=false\noffline=true\nupdate-notifier=false\n"
ELV = "set edit:after-readline = [{|l| print \"\\x00elvish\\t\"$l >> /truth/log }]\n"
def port(base): return 20000 + zlib.crc32(base.encode()) % 20000

def record(out, name):
    family, shell, dress, cols, user, host, typo = plan()[name]
    if "AS" in os.environ: shell, dress, cols = os.environ["AS"].split(":")[0], os.environ["AS"].split(":")[1], int(os.environ["AS"].split(":")[2])
    r = random.Random(f"day-1-{name}")
    base = tempfile.mkdtemp(prefix="rec-"); os.chmod(base, 0o755)
    for d in ("o", "m", "truth", "home", "files"): os.makedirs(os.path.join(base, d), exist_ok=True)
    inner = {"bash": BASH[dress] if shell == "bash" else BASH[r.choice(["debian", "ubuntu", "rhel"])], "zsh": ZSH[dress] if shell == "zsh" else ZSH["host"], "fish": FISH[dress] if shell == "fish" else ""}
    files(base, name, inner["bash"], inner["zsh"], inner["fish"])
    argv = {"bash": ["bash", "-i"], "zsh": ["zsh", "-i"], "fish": ["fish", "-i"], "dash": ["dash", "-i"], "ash": ["busybox", "ash", "-i"], "mksh": ["mksh", "-i"], "ksh": ["ksh93", "-i"]}[shell]
    pg = "1" if family == "psql" else ""
    setup = ["unshare", "-m", "-u", "-i", "-p", "-f", "--kill-child", "bash", "-c", SETUP, "-", base, host, str(port(base)), user] + argv
    t = Terminal(setup, dict(os.environ, PG=pg), cols, 36, "/")
    def cut():
        """Ends the connection of ssh from outside, as a network does."""
        for p in filter(str.isdigit, os.listdir("/proc")):
            try:
                if open(f"/proc/{p}/cmdline").read().startswith("sshd: dana@pts") and f"{base}" in os.popen(f"cat /proc/{p}/mountinfo").read(): os.kill(int(p), signal.SIGKILL)
            except OSError: pass
        t.drain(.5)
    t.cut = cut
    end = time.time() + 25
    while time.time() < end and not t.out.strip(): t.drain(.3, 1)
    t.drain(.8, 4)
    day = Day(r, t, shell, dress, typo, base)
    FAMILIES[family](day)
    if not t.dead and family not in ("two",): day.run("exit", .4)
    day.t.drain(.3)
    commands, last = [], None
    for entry in open(base + "/truth/log", "rb").read().decode("utf-8", "replace").split("\0")[1:]:
        head, _, text = entry.partition("\t"); kind, _, source = head.partition(":")
        if head == "bash":
            number, text = re.match(r" *(\d+)\*? ?(.*)", text.rstrip("\n"), re.S).groups(); text = text[1:] if text.startswith(" ") else text
            if (number, text) == last: continue
            last = (number, text)
        if head in LOGGED: kind, source = "shell", "shell-hook"
        if head == "zsh": text = text[:-1] if text.endswith("\n") else text
        if text.strip(): commands.append({"text": text.rstrip(" "), "kind": kind, "source": source})
    worn.save(out, name, t, shell, cols, commands)
    path = os.path.join(out, name, "truth.json"); truth = json.load(open(path)); truth.update(id=name, family=family, dress=dress, user=user, typo=typo)
    for c in truth["commands"]:
        if "\n" in c["text"] and c["source"] == "shell-hook": c["accept"] = [c["text"].replace("\\\n", "\n")]
        # bash remembers lines that a backslash joins as one line.
        if re.match("ls +-la   src", c["text"]): c["accept"] = [re.sub("   +", " \\\n  ", c["text"])]
    json.dump(truth, open(path, "w"), ensure_ascii=False, indent=1)
    os.environ.get("KEEP") or shutil.rmtree(base, ignore_errors=True)
    return len(commands)

class Slow(http.server.SimpleHTTPRequestHandler):
    """Hands a file out in pieces with pauses: a network, so that programs have progress to show."""
    def log_message(self, *a): pass
    def copyfile(self, source, target):
        while piece := source.read(40000): target.write(piece); target.flush(); time.sleep(.012)

if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        os.chdir(REPO); http.server.ThreadingHTTPServer(("127.0.0.1", 8099), Slow).serve_forever()
    if sys.argv[1] == "--split": print(*sorted(split())); sys.exit()
    for name in sys.argv[2:] or plan(): print(name, record(sys.argv[1], name), flush=True)
