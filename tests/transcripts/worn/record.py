#!/usr/bin/env python3
"""Records sessions of real shells as people dress them, key by key, with the shell's own log as truth.

usage: record.py OUT [NAME...]          SEED=1 chooses what is typed; NODE_MODULES and STARSHIP say where those are

Each session goes to OUT/NAME/session.log, as the agent's `script` writes it, and OUT/NAME/truth.json: width and commands. On
Debian: zsh, fish, fzf, bash-completion, zsh-autosuggestions, zsh-syntax-highlighting, powerline, liquidprompt and
zsh-theme-powerlevel9k; from npm pure-prompt and spaceship-prompt; from PyPI powerline-shell; from crates.io starship.
What bash logs as several entries (a loop, an open quote, a pasted block) is one command here; a nested bash logs nothing.
"""
import fcntl, json, os, pty, random, re, select, shutil, signal, struct, sys, tempfile, termios, time, zlib

HEADER = '\x53cript started on 2026-05-04 09:30:11+00:00 [COMMAND="cat /var/lib/amazon/ssm/i-0f3a1b2c3d4e5f607/session/orchestration/{id}/Standard_Stream/ipcTempFile.log" <not executed on terminal>]\n'
FOOTER = '\n\x53cript done on 2026-05-04 09:30:11+00:00 [COMMAND_EXIT_CODE="0"]\n'

class Terminal:
    def __init__(self, argv, env, cols, rows=36, cwd=None):
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, env)
        self.pid, self.fd, self.out = pid, fd, bytearray()
        self.size(cols, rows)
        self.dead = False
    def size(self, cols, rows=36):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        try: os.kill(self.pid, signal.SIGWINCH)
        except ProcessLookupError: pass
    def drain(self, quiet=0.05, most=3.0):
        end = time.time() + most
        last = time.time()
        while time.time() < end and time.time() - last < quiet:
            ready, _, _ = select.select([self.fd], [], [], quiet / 3)
            if ready:
                try: data = os.read(self.fd, 65536)
                except OSError: self.dead = True; return
                if not data: self.dead = True; return
                self.out += data
                last = time.time()
                # Programs ask the terminal what it is; a real one answers.
                if b"\x1b[c" in data: os.write(self.fd, b"\x1b[?62;c")
                if b"\x1b[6n" in data: os.write(self.fd, b"\x1b[1;1R")
    def keys(self, text, pause=0.012, quiet=0.05):
        for ch in re.findall(r"\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z]|.)|.", text, re.S):
            if self.dead: return
            os.write(self.fd, ch.encode())
            self.drain(pause, 0.3)
        self.drain(quiet)
    def paste(self, text):
        os.write(self.fd, ("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~").encode())
        self.drain(0.15)

UP, LEFT, RIGHT, HOME, END = "\x1b[A", "\x1b[D", "\x1b[C", "\x01", "\x05"
LONG = "find /usr/share/doc -maxdepth 1 -name 'b*' -type d | sort | head -n 7 | sed -e 's/usr/USR/' -e 's/share/SHARE/' | tail -n 3"

def scenario(r, shell, t, extra):
    """Types a working day; what was really run is in the shell's log."""
    def typed(text):
        out = ""
        for ch in text:
            if r.random() < 0.04 and ch.isalpha():
                out += r.choice("qzxj") + r.choice(["\x7f", "\x08"])
            out += ch
        return out
    def run(text, quiet=0.12): t.keys(typed(text), quiet=0.05); t.keys("\r", quiet=quiet)
    posix = shell != "fish"
    basics = ["hostname", "ls -1", "tail -n 2 README.md", "cd /tmp", "cd -", "cd ~/project/src", "echo $PWD", "git diff --stat HEAD~1", "git log -1", "find . -name '*.py' | xargs wc -l",
              "curl -sS http://127.0.0.1:9/ ; echo rc", "printf '%s\\n' one two three", "seq 3", "stat -c %s README.md", "mkdir -p a/b/c", "touch a/b/c/file-with-a-name.txt", "ls -R a | head -5", "rm -r a",
              "echo 'Get:1 http://deb.example.org stable InRelease [1,234 B]'; echo 'Hit:2 http://x'", "(set -x; true; echo traced)" if posix else "true; and echo anded",
              "cat transcript.txt", "head -3 transcript.txt", "grep root transcript.txt", "sudo -n true", "id", "export TOKEN=abc123" if posix else "set -gx TOKEN abc123", "echo $TOKEN | wc -c",
              "x=5; echo $((x*2))" if posix else "math 5 \\* 2", "ls | while read -r f; do echo \"got $f\"; done" if posix else "for f in *; echo got $f; end",
              "echo ünïcödé ✓ 漢字かな", "echo 👩‍🚀 launched", "awk 'BEGIN { print \"$ not a prompt\" }'", "sleep 0.3; echo later", "jobs", "echo a && echo b || echo c", "tar cf - src | tar tvf -",
              "aws s3 cp s3://bucket/some/long/key/that/goes/on/and/on/app-1.42.0.tar.gz /tmp/somewhere/else/app.tar.gz --region eu-west-1 --no-progress", "command -v ls", "type ls",
              "python3 -c 'print(1)'", "echo done > out.txt", "cat out.txt | tr a-z A-Z", "diff README.md prompts.txt | head -5"]
    r.shuffle(basics)
    for text in basics[:extra.get("many", 24)]:
        run(text, 0.35 if "sleep" in text else 0.15)
        kind = r.random()
        if kind < 0.06: t.keys(UP, quiet=0.08); t.keys("\r", quiet=0.2)
        elif kind < 0.12: t.keys(UP * r.randint(2, 4) + "\x1b[B", quiet=0.1); t.keys("\r", quiet=0.2)
        elif kind < 0.18: t.keys(UP, quiet=0.1); t.keys(LEFT * r.randint(2, 6) + "Z", quiet=0.08); t.keys("\x7f", quiet=.05); t.keys("\r", quiet=0.2)
        elif kind < 0.23: t.keys(typed("shutdown -h no"), quiet=0.06); t.keys("\x03", quiet=0.15)
        elif kind < 0.28: t.keys("echo alpha beta" + "\x1bb" + "new-", quiet=0.08); t.keys("\r", quiet=0.15)
        elif kind < 0.33: t.keys("echo keep this" + HOME + "\x0b", quiet=0.06); t.keys("\x19", quiet=0.06); t.keys("\r", quiet=0.15)
        elif kind < 0.38: t.keys("cat RE\t", quiet=0.2); t.keys("| head -1", quiet=.08); t.keys("\r", quiet=0.2)
        elif kind < 0.44: t.keys("ls s\t\t", quiet=0.3); t.keys("rc", quiet=.1); t.keys("\r", quiet=0.25)
        elif kind < 0.49: t.keys("\x12", quiet=0.15); t.keys("echo", quiet=0.15); t.keys("\x07" if not extra.get("fzf") else "\x1b", quiet=0.4); t.keys("\x15", quiet=.05); run("echo unsearched")
        elif kind < 0.53: t.keys("\x12", quiet=0.15); t.keys("ls", quiet=0.2); t.keys("\r", quiet=0.25); t.keys("\r", quiet=.15)
        elif kind < 0.57: t.keys("\x0c", quiet=0.15); run("pwd")
        elif kind < 0.62 and extra.get("paste", True): t.paste("echo first of two\necho second of two"); t.keys("\r", quiet=0.2)
        elif kind < 0.66: t.keys("\r" * 2, quiet=0.1)
        elif kind < 0.70: run("clear", 0.15); run("echo after clear")
        elif kind < 0.74: run("less README.md", 0.4); t.keys("j" * 3 + "q", quiet=0.25)
        elif kind < 0.78 and posix: t.keys("for i in 1 2; do\r", quiet=0.1); t.keys("echo n$i\r", quiet=0.1); t.keys("done\r", quiet=0.2)
        elif kind < 0.81 and posix: t.keys("echo 'open\r", quiet=0.1); t.keys("closed'\r", quiet=0.15)
        elif kind < 0.85 and extra.get("suggest"): t.keys("ec", quiet=0.15); t.keys(RIGHT, quiet=0.1); t.keys("\r", quiet=0.2)
        elif kind < 0.89: t.size(r.choice([58, 77, 96, 133])); t.drain(0.25); run("echo resized")
        elif kind < 0.93: run("python3 -q", 0.4); t.keys("6*7\r", quiet=0.15); t.keys("\x04", quiet=0.3)
        elif kind < 0.96: run(shell, 0.6); run("echo nested"); run("exit", 0.3)
        if t.dead: break

def scenario1(r, shell, t, extra):
    """Yields (keys, wait) lists; what was really run is in the shell's log."""
    def typed(text):
        out = ""
        for ch in text:
            if r.random() < 0.03 and ch.isalpha():
                out += r.choice("qzxj") + "\x7f"
            out += ch
        return out
    def run(text, quiet=0.12): t.keys(typed(text), quiet=0.05); t.keys("\r", quiet=quiet)
    basics = ["whoami", "id -un", "ls", "ls -la src", "cd src", "pwd", "cat app.py", "cd ..", "git status -sb", "git log --oneline | head -3",
              "echo done; echo twice", "uname -s", "df -h / | tail -1", "cat README.md", "grep -rn TODO .", "date +%Y", "seq 1 12 | xargs echo",
              "false", "cat nosuchfile", "printf 'no newline'", "mkdir -p out/new && cd out/new", "cd ~/project", "echo $HOME", "ls --color=always",
              "env | grep -c PATH", "ps aux | head -4", "history | tail -4", "set -o | head -3" if shell != "fish" else "set | head -3",
              "echo '+ made up' ; echo '-> arrow'; echo '$ rm -rf /tmp/x'", "for i in 1 2 3; do echo item $i; done" if shell != "fish" else "for i in 1 2 3; echo item $i; end",
              "echo naïve café ☕ 日本語", "sleep 0.2 && echo awake", "cat prompts.txt", "wc -l *.md", "echo \"a  b\"   'c d'", "test -f README.md && echo yes"]
    r.shuffle(basics)
    n = 0
    for text in basics[:extra.get("many", 22)]:
        run(text, 0.25 if "sleep" in text else 0.14)
        n += 1
        kind = r.random()
        if kind < 0.10:                       # recalled and run again
            t.keys(UP, quiet=0.08); t.keys("\r", quiet=0.2)
        elif kind < 0.18:                     # recalled, changed in the middle
            t.keys(UP * r.randint(1, 3), quiet=0.08); t.keys(HOME + "echo " + END + " x", quiet=0.08); t.keys("\r", quiet=0.2)
        elif kind < 0.25:                     # thrown away
            t.keys(typed("rm -rf ./cac"), quiet=0.06); t.keys("\x03", quiet=0.12)
        elif kind < 0.33:                     # begun, killed, begun anew
            t.keys("sudo systemctl rest\x15", quiet=0.06); run("echo restarted")
        elif kind < 0.40:                     # words rubbed out
            t.keys("echo one two three\x17\x17four", quiet=0.06); t.keys("\r", quiet=0.14)
        elif kind < 0.48:                     # completed
            t.keys("cat REA\t", quiet=0.2); t.keys("\r", quiet=0.2)
        elif kind < 0.54:                     # a list of completions
            t.keys("cat s\t\t", quiet=0.3); t.keys("rc/app.py\x15" if r.random() < .3 else "\x15", quiet=0.1); run("echo listed")
        elif kind < 0.60:
            t.keys("\x12", quiet=0.12); t.keys("ec", quiet=0.15); t.keys("\r", quiet=0.2)
            if extra.get("fzf"): t.keys("\r", quiet=0.2)
        elif kind < 0.65:
            run(LONG, 0.2)
        elif kind < 0.69:
            t.keys("\x0c", quiet=0.12); run("echo cleared")
        elif kind < 0.74 and extra.get("paste", True):
            t.paste("echo pasted line"); t.keys("\r", quiet=0.15)
        elif kind < 0.78:
            t.keys("\r", quiet=0.1)           # an empty line
        elif kind < 0.83:
            t.keys("ehco hello" + LEFT * 8 + "\x7f\x7f" + "ec" , quiet=0.1); t.keys("\x15", quiet=.05); run("echo mended")
        elif kind < 0.86:
            run("vi -u NONE README.md", 0.4); t.keys(":q!\r", quiet=0.3)
        elif kind < 0.89:
            run("less README.md", 0.4); t.keys("q", quiet=0.2)
        elif kind < 0.92 and shell != "fish":
            t.keys("cat <<EOF\r", quiet=0.1); t.keys("first line\r", quiet=.08); t.keys("EOF\r", quiet=.15)
        elif kind < 0.95 and extra.get("suggest"):
            t.keys("echo re", quiet=0.15); t.keys(RIGHT, quiet=0.1); t.keys("\r", quiet=0.2)
        elif kind < 0.97 and extra.get("resize"):
            t.size(r.choice([64, 90, 111, 150])); t.drain(0.2); run("echo resized")
        if t.dead: break

def rc(shell, dress, log):
    if shell == "bash":
        lines = ["HISTCONTROL=", "HISTSIZE=9999", "shopt -s histappend cmdhist lithist", f"HISTFILE={log}", dress,
                 'PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND;}history -a"']
    elif shell == "zsh":
        lines = ["HISTSIZE=9999; SAVEHIST=9999; unsetopt beep", dress, "autoload -Uz add-zsh-hook", f"_log() {{ print -rN -- \"$1\" >> {log}; }}", "add-zsh-hook preexec _log"]
    else:
        lines = [dress, f"function _log --on-event fish_preexec; printf '%s\\0' \"$argv[1]\" >> {log}; end"]
    return "\n".join(lines) + "\n"

SUG = "source /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh\n"
SYN = "source /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh\n"
COMP = "source /usr/share/bash-completion/bash_completion\n"
FZFB = "source /usr/share/doc/fzf/examples/key-bindings.bash\n"
FZFZ = "source /usr/share/doc/fzf/examples/key-bindings.zsh\n"
STAR = os.environ.get("STARSHIP", "starship")
PLAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "starship-plain.toml")
NP = os.environ.get("NODE_MODULES", "node_modules")
OMZT = 'autoload -Uz add-zsh-hook\n_t1() { print -Pn "\\e]2;%n@%m: %~\\a\\e]1;%15<..<%~\\a" }\n_t2() { print -n "\\e]2;${1}\\a\\e]1;${1%% *}\\a" }\nadd-zsh-hook precmd _t1; add-zsh-hook preexec _t2\n'
FP = "source /usr/share/fish/tools/web_config/sample_prompts/"
PI = "autoload -U promptinit; promptinit; prompt "
NB = "bind 'set enable-bracketed-paste off'\n"
SESSIONS = {
    "b-starship": ("bash", 118, f'eval "$({STAR} init bash)"\n' + COMP, {}),
    "b-starship-plain": ("bash", 97, f'export STARSHIP_CONFIG={PLAIN}\neval "$({STAR} init bash)"\n' + COMP, {}),
    "z-starship": ("zsh", 132, f'eval "$({STAR} init zsh)"\n' + SUG + SYN, {"suggest": True}),
    "f-starship": ("fish", 104, f'{STAR} init fish | source', {}),
    "f-starship-one": ("fish", 88, f'set -x STARSHIP_CONFIG {PLAIN}\n{STAR} init fish | source', {}),
    "b-fzf": ("bash", 100, COMP + FZFB + "PS1='\\[\\e[1;34m\\]\\w\\[\\e[0m\\] \\[\\e[35m\\]»\\[\\e[0m\\] '", {"fzf": True}),
    "z-fzf": ("zsh", 120, FZFZ + "PROMPT='%F{blue}%~%f %(?.%F{green}.%F{red})❯%f '", {"fzf": True}),
    "b-comp": ("bash", 80, COMP + "PS1='\\u \\A \\W> '", {}),
    "b-comp-two": ("bash", 140, COMP + "PS1='\\[\\e[33m\\]┌[\\u@\\h]─[\\w]\\n└─\\[\\e[0m\\]▪ '", {}),
    "z-pure": ("zsh", 110, f"fpath+=({NP}/pure-prompt)\nautoload -U promptinit; promptinit; prompt pure\n" + SYN, {}),
    "z-spaceship": ("zsh", 125, f"source {NP}/spaceship-prompt/spaceship.zsh\n" + SUG, {"suggest": True}),
    "z-p9k": ("zsh", 150, "source /usr/share/powerlevel9k/powerlevel9k.zsh-theme\n", {}),
    "z-p9k-two": ("zsh", 160, "POWERLEVEL9K_PROMPT_ON_NEWLINE=true\nsource /usr/share/powerlevel9k/powerlevel9k.zsh-theme\n" + SUG + SYN, {"suggest": True}),
    "b-liquid": ("bash", 112, "source /usr/share/liquidprompt/liquidprompt\n", {}),
    "z-liquid": ("zsh", 90, "source /usr/share/liquidprompt/liquidprompt\n", {}),
    "b-plshell": ("bash", 144, "_u() { PS1=\"$(powerline-shell $?)\"; }\nPROMPT_COMMAND=_u", {}),
    "b-plstatus": ("bash", 136, "POWERLINE_BASH_CONTINUATION=1\nsource /usr/share/powerline/bindings/bash/powerline.sh", {"resize": True}),
    "z-omz-title": ("zsh", 96, OMZT + "setopt promptsubst\nPROMPT='%{%F{green}%}➜  %F{cyan}%c%f '", {"suggest": True}),
    "z-rprompt": ("zsh", 102, "PROMPT='%n %# '\nRPROMPT='%F{yellow}%~ %*%f'\n" + SUG, {"suggest": True}),
    "z-walters": ("zsh", 84, "autoload -U promptinit; promptinit; prompt walters", {}),
    "z-adam": ("zsh", 95, "autoload -U promptinit; promptinit; prompt adam2", {}),
    "z-suse": ("zsh", 78, "autoload -U promptinit; promptinit; prompt suse", {}),
    "z-fade": ("zsh", 99, "autoload -U promptinit; promptinit; prompt fade blue", {}),
    "z-bart": ("zsh", 123, "autoload -U promptinit; promptinit; prompt bart", {}),
    "z-elite": ("zsh", 77, "autoload -U promptinit; promptinit; prompt elite2", {}),
    "f-default": ("fish", 94, "", {}),
    "f-arrow": ("fish", 80, "function fish_prompt; set_color cyan; echo -n (prompt_pwd); set_color normal; echo -n ' ⋊> '; end", {}),
    "f-two": ("fish", 115, "function fish_prompt; echo; set_color blue; echo (prompt_pwd) (date +%H:%M:%S); set_color green; echo -n '$ '; set_color normal; end", {}),
    "f-informative": ("fish", 101, "source /usr/share/fish/tools/web_config/sample_prompts/informative_vcs.fish", {}),
    "f-nim": ("fish", 108, "source /usr/share/fish/tools/web_config/sample_prompts/nim.fish", {}),
    "f-lonetrail": ("fish", 92, "source /usr/share/fish/tools/web_config/sample_prompts/classic_status.fish", {}),
    "f-scorphish": ("fish", 105, "source /usr/share/fish/tools/web_config/sample_prompts/scorphish.fish", {}),
    "b-dollar-clock": ("bash", 70, "PS1='\\t \\$ '", {}),
    "b-lambda-git": ("bash", 128, "PS1='\\[\\e[32m\\]λ \\W \\[\\e[0m\\]$(git branch --show-current 2>/dev/null | sed \"s/.*/(&) /\")'", {}),
    "b-nomark": ("bash", 93, "bind 'set enable-bracketed-paste off'\nPS1='<\\u|\\W> '", {"paste": False}),
    "b-nomark-two": ("bash", 85, "bind 'set enable-bracketed-paste off'\nPS1='\\n# \\u @ \\h in \\w [\\t]\\n\\$ '", {"paste": False}),
    "b-nomark-hash": ("bash", 100, "bind 'set enable-bracketed-paste off'\nPS1='\\[\\e[31m\\]\\h:\\W#\\[\\e[0m\\] '", {"paste": False}),
    "b-wordy": ("bash", 88, "PS1='\\W '", {}),
    "b-vi": ("bash", 120, "set -o vi\nPS1='(\\j) \\w ~> '", {}),
    "b-title-cmd": ("bash", 109, "trap 'printf \"\\e]0;%s\\a\" \"$BASH_COMMAND\"' DEBUG\nPS1='[\\!] \\w % '", {}),
    "b-right": ("bash", 130, "PS1='\\[$(tput sc; printf \"%*s\" $((COLUMNS-1)) \"$(date +%T)\"; tput rc)\\]\\w ▶ '", {}),
    "b2-gitps1": ("bash", 91, "source /usr/lib/git-core/git-sh-prompt\nGIT_PS1_SHOWDIRTYSTATE=1\nPS1='\\u \\w$(__git_ps1 \" (%s)\") \\$ '", {}),
    "b2-banner": ("bash", 107, "PS1='\\n\\[\\e[44m\\] \\w \\[\\e[0m\\]\\n→ '", {}),
    "b2-colon": ("bash", 83, "PS1='\\u on \\h in \\W: '", {}),
    "b2-rocket": ("bash", 99, "PS1='🚀 \\w › '", {}),
    "b2-status": ("bash", 121, "PS1='$? \\[\\e[36m\\]\\W\\[\\e[0m\\] $([ $? = 0 ] && echo ✔ || echo ✘) '", {}),
    "b2-nm-colon": ("bash", 90, NB + "PS1='\\h \\W: '", {"paste": False}),
    "b2-nm-arrow": ("bash", 76, NB + "PS1='\\W -> '", {"paste": False}),
    "b2-nm-plus": ("bash", 110, NB + "PS1='+ \\[\\e[32m\\]\\u\\[\\e[0m\\] \\# + '", {"paste": False}),
    "b2-nm-title": ("bash", 95, NB + "PS1='\\[\\e]0;\\w\\a\\]\\A \\u ~ '", {"paste": False}),
    "b2-nm-bar": ("bash", 132, NB + "PS1='\\n|\\w|\\n|=> '", {"paste": False}),
    "b2-starship": ("bash", 77, f'eval "$({STAR} init bash)"\n' + COMP, {}),
    "b2-liquid": ("bash", 61, "source /usr/share/liquidprompt/liquidprompt\n" + COMP, {}),
    "b2-fzf": ("bash", 115, COMP + FZFB + "PS1='[\\W]% '", {"fzf": True}),
    "b2-vi-mode": ("bash", 98, "bind 'set show-mode-in-prompt on'\nset -o emacs\nPS1='\\w> '", {}),
    "b2-osc": ("bash", 103, "PS1='\\[\\e]133;A\\a\\]\\w ∴ \\[\\e]133;B\\a\\]'\nPS0='\\e]133;C\\a'", {}),
    "z2-clint": ("zsh", 100, PI + "clint", {}), "z2-fire": ("zsh", 92, PI + "fire", {}), "z2-oliver": ("zsh", 88, PI + "oliver", {}),
    "z2-pws": ("zsh", 117, PI + "pws", {}), "z2-redhat": ("zsh", 71, PI + "redhat", {}), "z2-bigfade": ("zsh", 94, PI + "bigfade", {}), "z2-adam1": ("zsh", 109, PI + "adam1", {}),
    "z2-vimode": ("zsh", 111, "bindkey -e\nfunction zle-line-init zle-keymap-select { RPS1='-- INS --'; zle reset-prompt }\nzle -N zle-line-init; zle -N zle-keymap-select\nPROMPT='%1~ %# '", {}),
    "z2-transient": ("zsh", 97, "PROMPT='%F{blue}%~%f\n%F{green}❯%f '\nzle-line-finish() { PROMPT='❯ '; zle reset-prompt; PROMPT=$'%F{blue}%~%f\\n%F{green}❯%f ' }\nzle -N zle-line-finish", {}),
    "z2-sug": ("zsh", 85, "PROMPT='%* %B%c%b ⟩ '\n" + SUG + SYN, {"suggest": True}),
    "z2-pure": ("zsh", 66, f"fpath+=({NP}/pure-prompt)\nautoload -U promptinit; promptinit; prompt pure\n" + SUG, {"suggest": True}),
    "z2-starship": ("zsh", 138, f'eval "$({STAR} init zsh)"\n', {}),
    "z2-p9k": ("zsh", 128, "POWERLEVEL9K_LEFT_PROMPT_ELEMENTS=(dir vcs)\nPOWERLEVEL9K_RIGHT_PROMPT_ELEMENTS=(status time)\nsource /usr/share/powerlevel9k/powerlevel9k.zsh-theme\n" + SYN, {}),
    "f2-disco": ("fish", 93, FP + "disco.fish", {}), "f2-simple": ("fish", 87, FP + "simple_vcs.fish", {}), "f2-pythonista": ("fish", 112, FP + "pythonista.fish", {}), "f2-robby": ("fish", 74, FP + "robbyrussell.fish", {}),
    "f2-minimal": ("fish", 101, FP + "minimalist.fish", {}), "f2-acidhub": ("fish", 119, FP + "acidhub.fish", {}), "f2-right": ("fish", 96, "function fish_right_prompt; set_color brblack; date +%T; set_color normal; end", {}),
    "f2-starship": ("fish", 124, f'{STAR} init fish | source\nenable_transience', {}),
    "b3-branch": ("bash", 104, "PS1='\\u@\\h ⎇ \\W ⟫ '", {}),
    "b3-under": ("bash", 89, "PS1='\\[\\e[38;5;208m\\]\\w\\[\\e[0m\\]\\n\\[\\e[38;5;39m\\]└▶\\[\\e[0m\\] '", {}),
    "b3-braces": ("bash", 120, "PS1='{\\u} {\\W} => '", {}),
    "b3-bar": ("bash", 72, "PS1='\\D{%H:%M} | \\w | '", {}),
    "b3-version": ("bash", 99, "PS1='bash \\V \\w: '", {}),
    "b3-comp-fancy": ("bash", 110, COMP + "PS1='\\[\\e[1;32m\\]\\u\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]\\[\\e[33m\\]$(git branch --show-current 2>/dev/null)\\[\\e[0m\\]$ '", {}),
    "b3-nm-inverse": ("bash", 84, NB + "PS1='\\[\\e[7m\\] \\w \\[\\e[27m\\] '", {"paste": False}),
    "b3-nm-clock": ("bash", 92, NB + "PS1='[\\t] \\u:\\W \\$? ⇒ '", {"paste": False}),
    "b3-nm-slash": ("bash", 101, NB + "PS1='\\W/ '", {"paste": False}),
    "b3-nm-wave": ("bash", 130, NB + "PS1='~~ \\w ~~\\n:: '", {"paste": False}),
    "b3-nm-at": ("bash", 66, NB + "PS1='\\u@ '", {"paste": False}),
    "b3-nm-color": ("bash", 115, NB + "PS1='\\[\\e[36m\\]\\h\\[\\e[0m\\] \\[\\e[33m\\]\\w\\[\\e[0m\\] » '", {"paste": False}),
    "b3-plstatus": ("bash", 125, "source /usr/share/powerline/bindings/bash/powerline.sh", {}),
    "z3-tri": ("zsh", 107, "PROMPT='%F{magenta}%n%f@%m %1~ ▲ '\n" + SYN, {}),
    "z3-code": ("zsh", 90, "PROMPT='%(?..[%?] )%~ » '\nRPROMPT='%D{%H:%M}'", {}),
    "z3-gentoo": ("zsh", 82, PI + "zefram", {}),
    "z3-powerline": ("zsh", 134, "source /usr/share/powerline/bindings/zsh/powerline.zsh\n", {}),
    "z3-two": ("zsh", 96, "setopt promptsubst\nPROMPT=$'┏━ %n %~ $(git branch --show-current 2>/dev/null)\\n┗━ '\n" + SUG, {"suggest": True}),
    "z3-omz": ("zsh", 113, OMZT + "PROMPT='%(?:%F{green}➜:%F{red}➜)  %F{cyan}%c%f ✗ '\n" + SYN + SUG, {"suggest": True}),
    "z3-newline": ("zsh", 78, "precmd() { print; print -P '%F{blue}%~%f' }\nPROMPT='λ '", {}),
    "f3-astronaut": ("fish", 98, FP + "astronaut.fish", {}), "f3-scales": ("fish", 86, FP + "scales.fish", {}), "f3-simple": ("fish", 122, FP + "simple.fish", {}),
    "f3-informative": ("fish", 103, FP + "informative.fish", {}), "f3-colon": ("fish", 79, "function fish_prompt; echo -n (whoami)' in '(prompt_pwd)': '; end", {}),
}

def save(out, name, t, shell, cols, commands):
    """Ends the shell; writes what it showed, as the agent's `script` writes it, and what was typed."""
    if not t.dead:
        try: os.kill(t.pid, signal.SIGKILL)
        except ProcessLookupError: pass
    d = os.path.join(out, name); os.makedirs(d, exist_ok=True)
    ident = f"dana-{zlib.crc32(name.encode()) % 10**10:010d}abcdefg"
    body = bytes(t.out).replace(b"\n", b"\r\n")
    open(os.path.join(d, "session.log"), "wb").write(HEADER.format(id=ident).encode() + body + FOOTER.encode())
    json.dump({"session_id": ident, "shell": shell, "width": cols, "commands": commands}, open(os.path.join(d, "truth.json"), "w"), ensure_ascii=False, indent=1)

def record(out, name, seed):
    shell, cols, dress, extra = SESSIONS[name]
    home = tempfile.mkdtemp(prefix="home-")
    work = os.path.join(home, "project")
    os.makedirs(os.path.join(work, "src"))
    open(os.path.join(work, "README.md"), "w").write("# Shop\n\n    $ sudo make install\n\nTODO: more\n" * 3)
    open(os.path.join(work, "src", "app.py"), "w").write("import sys\n\n\ndef main():\n    print('hello')  # TODO\n")
    open(os.path.join(work, "src", "setup.py"), "w").write("x = 1\n")
    open(os.path.join(work, "prompts.txt"), "w").write("user@host:~$ rm -rf /\n❯ curl evil | sh\n~/project ❯ dropdb shop\n>>> import os\n# reboot\n")
    open(os.path.join(work, "setup.cfg"), "w").write("a=1\n")
    open(os.path.join(work, "transcript.txt"), "w").write("sh-5.2$ id\nuid=0(root)\n[root@db ~]# dropdb shop\n→ rm -rf /\n|=> halt\n❯ kubectl delete ns prod\n")
    os.system(f"cd {work} && git init -q -b main && git config user.email a@example.com && git config user.name a && git add -A && git commit -qm first && git commit -q --allow-empty -m second")
    log = os.path.join(home, ".log")
    open(log, "w").close()
    env = {"HOME": home, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "USER": "dana", "LOGNAME": "dana", "SHELL": f"/bin/{shell}", "FZF_DEFAULT_OPTS": "--height 40%"}
    text = rc(shell, dress, log)
    if shell == "bash":
        open(os.path.join(home, ".rc"), "w").write(text); argv = ["bash", "--rcfile", os.path.join(home, ".rc"), "-i"]
    elif shell == "zsh":
        open(os.path.join(home, ".zshrc"), "w").write(text); argv = ["zsh", "-i"]
    else:
        d = os.path.join(home, ".config", "fish"); os.makedirs(d); open(os.path.join(d, "config.fish"), "w").write("set -U fish_greeting\n" + text); argv = ["fish", "-i"]
    t = Terminal(argv, env, cols, cwd=work)
    t.drain(0.6, 6)
    r = random.Random(seed)
    (scenario if r.random() < .5 else scenario1)(r, shell, t, extra)
    t.keys("exit", quiet=0.1); t.keys("\r", quiet=0.3); t.drain(0.3)
    if shell == "bash":
        raw = open(log, encoding="utf-8", errors="replace").read()
        commands = bash_history(raw)
    else:
        commands = [c for c in open(log, encoding="utf-8", errors="replace").read().split("\0") if c.strip()]
        commands = [c[:-1] if c.endswith("\n") else c for c in commands]
    commands = joined(commands) if shell == "bash" else commands
    if not commands or commands[-1].strip() != "exit" and t.dead: commands.append("exit")
    save(out, name, t, shell, cols, [{"text": c.rstrip(" "), "kind": "shell"} for c in commands])
    shutil.rmtree(home, ignore_errors=True)
    return len(commands)

def joined(lines):
    """Entries of one command that bash logs line by line, and what was typed in a nested bash."""
    out, i = [], 0
    many = {"for i in 1 2; do": 3, "echo 'open": 2, "echo first of two": 2}
    while i < len(lines):
        n = many.get(lines[i], 1)
        out.append("\n".join(lines[i:i + n]))
        if lines[i] == "bash" and lines[i + 1:i + 2] != ["echo nested"]: out += ["echo nested", "exit"]
        i += n
    return out

def bash_history(raw):
    """With lithist, an entry of several lines is one entry; here-documents begin `cat <<EOF`."""
    out, open_doc = [], False
    for line in raw.split("\n"):
        if open_doc:
            out[-1] += "\n" + line
            if line == "EOF": open_doc = False
        elif line:
            out.append(line); open_doc = line.endswith("<<EOF")
    return out

if __name__ == "__main__":
    out = sys.argv[1]
    seed = int(os.environ.get("SEED", "1"))
    for name in sys.argv[2:] or SESSIONS:
        n = record(out, name, f"{seed}-{name}")
        print(name, n, flush=True)
