//! The rules: ours for command lines and the files that sessions print, and those of gitleaks for tokens that say what they are.

use std::sync::LazyLock;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::bytes;
use serde::Deserialize;

/// One rule of the table: what it finds, the words one of which must stand in the text, and a pattern whose
/// first group is the secret.
struct Own {
    kind: &'static str,
    words: &'static [&'static str],
    pattern: &'static str,
    /// The value must look like a secret and not like a word, since what stands before it is weak.
    picky: bool,
}

/// A value as shells write it: quoted, or up to white space or an operator.
macro_rules! value {
    () => {
        r#"('[^']+'|"[^"]+"|[^\s'"|;&<>()`]+)"#
    };
}

const OWN: &[Own] = &[
    Own {
        kind: "aws-access-key",
        words: &["akia", "asia"],
        pattern: r"\b((?:AKIA|ASIA)[A-Z0-9]{16})\b",
        picky: false,
    },
    Own {
        kind: "aws-secret-key",
        words: &["secret_access_key", "secret access key", "secretaccesskey", "secret_key"],
        pattern: r#"(?i)secret[_ ]?(?:access[_ ]?)?key["']?(?: \[[^\]]*\])?(?:\s*[:=]\s*|\s+)["']?([a-z0-9/+]{40})(?:[^a-z0-9/+=]|$)"#,
        picky: false,
    },
    Own {
        kind: "aws-session-token",
        words: &["session_token", "sessiontoken", "security_token", "\"token\""],
        pattern: r#"(?i)(?:session_?token|security_?token|"token")["']?\s*[:=]\s*["']?([a-z0-9/+=]{60,})"#,
        picky: false,
    },
    Own {
        kind: "password-hash",
        words: &["$1$", "$5$", "$6$", "$y$", "$2a$", "$2b$", "$2y$", "$7$", "$apr1$"],
        pattern: r"(\$(?:1|5|6|7|y|2[aby]|apr1)\$[./A-Za-z0-9$=,]{20,})",
        picky: false,
    },
    Own {
        kind: "url-password",
        words: &["://"],
        pattern: r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'"]*:([^\s/@'"]+)@"#,
        picky: false,
    },
    Own {
        kind: "authorization",
        words: &["authorization"],
        pattern: r#"(?i)authorization["']?\s*[:=]\s*["']?(?:(?:basic|bearer|token|digest|negotiate|apikey)\s+)?([^\s"']{6,})"#,
        picky: false,
    },
    Own {
        kind: "header-token",
        words: &[
            "x-vault-token",
            "x-api-key",
            "x-auth-token",
            "x-aws-ec2-metadata-token",
            "private-token",
        ],
        pattern: r#"(?i)(?:x-vault-token|x-api-key|x-auth-token|x-aws-ec2-metadata-token|private-token)["']?\s*[:=]\s*["']?([^\s"']{6,})"#,
        picky: false,
    },
    Own {
        kind: "password",
        words: &["mysql", "mariadb"],
        pattern: concat!(
            r"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlshow|mariadb|mariadb-dump)\b[^|;&\n]*?\s-p",
            value!()
        ),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["curl", "wget", "http"],
        pattern: r#"\b(?:curl|https?)\b[^|;&\n]*?\s(?:-u|-a|--user|--proxy-user|--auth)[= ]?(?:"[^\s:'"$]+:([^"]+)"|'[^\s:'"$]+:([^']+)'|[^\s:'"$]+:([^\s'"]+))"#,
        picky: false,
    },
    Own {
        kind: "password",
        words: &["sshpass"],
        pattern: concat!(r"\bsshpass\s+-p\s*", value!()),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["redis-cli"],
        pattern: concat!(r"\bredis-cli\b[^|;&\n]*?\s(?:-a|--pass)[= ]", value!()),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["pass:"],
        pattern: concat!(r"\s-(?:pass|passin|passout)\s+pass:", value!()),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["htpasswd"],
        pattern: concat!(r"\bhtpasswd\s+-[A-Za-z]*b[A-Za-z]*\s+(?:-\S+\s+)*\S+\s+\S+\s+", value!()),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["chpasswd"],
        pattern: r#"\b(?:echo|printf)\s+(?:-\S+\s+)*['"]?[^\s:'"]+:([^\s'"|\\]+)[^|\n]*\|\s*(?:sudo\s+)?chpasswd"#,
        picky: false,
    },
    Own {
        kind: "password",
        words: &["sudo -s", "--stdin", "password-stdin"],
        pattern: concat!(
            r"\b(?:echo|printf)\s+(?:-\S+\s+)*",
            value!(),
            r"\s*\|[^|\n]*(?:sudo\s+-S|passwd\s+--stdin|--password-stdin)"
        ),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["login", "ldap", "mongo"],
        pattern: concat!(
            r"\b(?:docker|podman|oc|az|ldapsearch|ldapadd|ldapmodify|ldappasswd|mongo|mongosh)\b[^|;&\n]*?\s-[pw]\s+",
            value!()
        ),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["useradd", "usermod"],
        pattern: concat!(r"\buser(?:add|mod)\b[^|;&\n]*?\s(?:-p|--password)[= ]", value!()),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["net user"],
        pattern: r"(?i)\bnet\s+user\s+\S+\s+([^\s/*]\S*)",
        picky: false,
    },
    Own {
        kind: "password",
        words: &["smbclient", "cifs"],
        pattern: r#"\bsmbclient\b[^|;&\n]*?\s-U\s*['"]?[^\s%'"]+%([^\s'"]+)"#,
        picky: false,
    },
    Own {
        kind: "password",
        words: &["zip", "7z"],
        pattern: concat!(
            r"\b(?:(?:7z|7za)\b[^|;&\n]*?\s-p|(?:zip|unzip)\b[^|;&\n]*?\s-P\s*)",
            value!()
        ),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["identified by"],
        pattern: r#"(?i)\bidentified\s+(?:with\s+\S+\s+)?by\s+(?:password\s+)?['"]([^'"]+)['"]"#,
        picky: false,
    },
    Own {
        kind: "password",
        words: &["password '"],
        pattern: r"(?i)\b(?:user|role)\b[^;\n]*\bpassword\s+'([^']+)'",
        picky: false,
    },
    Own {
        kind: "password",
        words: &["sqlplus"],
        pattern: r#"\bsqlplus\b[^|;&\n]*?\s[A-Za-z0-9_]+/([^\s@'"/]+)"#,
        picky: false,
    },
    Own {
        kind: "password",
        words: &["put-parameter"],
        pattern: concat!(
            r"\bput-parameter\b[^|;&\n]*\bSecureString\b[^|;&\n]*?\s--value(?:=|\s+)",
            value!()
        ),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["put-parameter"],
        pattern: concat!(
            r"\bput-parameter\b[^|;&\n]*?\s--value(?:=|\s+)",
            value!(),
            r"[^|;&\n]*\bSecureString\b"
        ),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["secret set"],
        pattern: concat!(r"\bsecret\s+set\b[^|;&\n]*?\s--value(?:=|\s+)", value!()),
        picky: false,
    },
    // A program that sets what is named: `config set NAME VALUE`, `setx`, csh's `setenv`, fish's `set -x`, `etcdctl put`.
    Own {
        kind: "token",
        words: &["vault login"],
        pattern: r"\bvault login(?: -[\w-]+(?:=\S+)?)* ([^\s=-][^\s=]{5,})(?:\s|$)",
        picky: false,
    },
    Own {
        kind: "setting",
        words: &["set", "put", "config"],
        pattern: r#"(?i)\b(?:set|setx|setenv|put|config)\s+(?:-\S+\s+)*(?:[^\s=|;&:]|:_)*(?:password|passwd|passphrase|requirepass|masterauth|_pass|adminpw|secret|token|api_?key|access_key|private_key|_auth)\s+('[^']+'|"[^"]+"|[^\s'"|;&<>()`-][^\s'"|;&<>()`]{2,})"#,
        picky: false,
    },
    Own {
        kind: "password",
        words: &["set password"],
        pattern: r#"(?i)\bset\s+password\s+(?:for\s+\S+\s*)?=\s*(?:password\s*\(\s*)?(?:'([^'\n]+)'|"([^"\n]+)"|([^\s'")]{4,}))"#,
        picky: false,
    },
    Own {
        kind: "password",
        words: &["rabbitmqctl"],
        pattern: concat!(
            r"\brabbitmqctl\b[^|;&\n]*?\s(?:change_password|add_user)\s+\S+\s+",
            value!()
        ),
        picky: false,
    },
    // Programs that take `password VALUE` as two words.
    Own {
        kind: "password",
        words: &["mysqladmin", "nmcli", "ipmitool", "racadm", "samba-tool", "wpa_passphrase"],
        pattern: concat!(
            r"(?i)\b(?:mysqladmin|nmcli|ipmitool|racadm|samba-tool)\b[^|;&\n]*?\s\S*(?:password|psk|passphrase)\s+(?:\d+\s+)?",
            value!()
        ),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["wpa_passphrase"],
        pattern: concat!(r"\bwpa_passphrase\s+(?:'[^']*'|\S+)\s+", value!()),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["openssl"],
        pattern: concat!(r"\bopenssl\b[^|;&\n]*?\s-[kK]\s+", value!()),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["ssh-keygen"],
        pattern: concat!(r"\bssh-keygen\b[^|;&\n]*?\s-[NP]\s*", value!()),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["<<<"],
        pattern: concat!(
            r"\b(?:kinit|cryptsetup|passwd|chpasswd|su|sudo\s+-S|docker\s+login|podman\s+login)\b[^|;&\n<]*<<<\s*",
            value!()
        ),
        picky: false,
    },
    Own {
        kind: "password",
        words: &["net use"],
        pattern: r"(?i)\bnet\s+use\s+(?:[a-z*]:?\s+)?\\\\\S+\s+([^\s/*]\S*)",
        picky: false,
    },
    // What was typed where a question for a password echoes: it ends its line, and is one word.
    Own {
        kind: "password",
        words: &["password", "passphrase", "passcode"],
        pattern: r"(?im)\b(?:password|passphrase|passcode)(?: (?:for|of|again|confirmation)\b[^:\n]{0,60}| ?\([^)\n]{0,40}\))? ?: +([^\s'\x22][^\s\x22]{3,})[ \t\r]*$",
        picky: false,
    },
    // In code and in data it is in quotes: `password: 'x'`, `"token" => "x"`.
    Own {
        kind: "setting",
        words: &["password", "passwd", "passphrase", "secret", "token", "api_key", "apikey"],
        pattern: r#"(?i)\b(?:[a-z0-9]+[_.-])*(?:password|passwd|passphrase|secret|token|api_?key)["']?\s*(?::|=>|=)\s*(?:'([^'\s]{4,})'|"([^"\s]{4,})")"#,
        picky: false,
    },
    Own {
        kind: "option",
        words: &["--"],
        pattern: concat!(
            r"(?i)\s--?(?:[a-z0-9]+-)*(?:password|passwd|passphrase|pass|secret|secret-string|secret-key|token|api-?key|access-key|client-secret|credentials?)(?:=|\s+)",
            value!()
        ),
        picky: false,
    },
    Own {
        kind: "variable",
        words: &[
            "password",
            "passwd",
            "passphrase",
            "pass=",
            "_pw",
            "secret",
            "token",
            "api_key",
            "apikey",
            "access_key",
            "private_key",
            "credential",
        ],
        pattern: concat!(
            r"\b[A-Za-z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|_?PASS|_PWD?|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?|password|passwd|passphrase|_pass|secret|token|api_?key|access_key|private_key)=",
            value!()
        ),
        picky: false,
    },
    Own {
        kind: "setting",
        words: &[
            "password",
            "passwd",
            "passphrase",
            "secret",
            "token",
            "apikey",
            "api_key",
            "api-key",
            "requirepass",
        ],
        pattern: r#"(?i)\b(?:[a-z0-9]+[_.-])*(?:password|passwd|passphrase|requirepass|secret|(?:client|shared|app)[_-]?secret|(?:auth|access|refresh|bearer)?[_-]?token|api[_-]?key)["']?(?:\s*[:=]\s*|\s+(?:is\s+)?)["']?([^\s"',;<>()\[\]{}]{6,})"#,
        picky: true,
    },
];

/// One rule as the data file has it.
#[derive(Deserialize)]
struct RuleText {
    id: String,
    pattern: String,
    keywords: Vec<String>,
    group: Option<usize>,
    entropy: Option<f64>,
}

pub(super) struct RuleRow {
    pub(super) kind: String,
    pattern: String,
    pub(super) group: Option<usize>,
    pub(super) entropy: f64,
    pub(super) picky: bool,
    made: OnceLock<Option<bytes::Regex>>,
}

impl RuleRow {
    /// The pattern, made when first needed: two hundred would cost more than most answers.
    /// Over bytes, since the rules speak of ASCII and classes of all Unicode are megabytes.
    pub(super) fn regex(&self) -> Option<&bytes::Regex> {
        self.made
            .get_or_init(|| bytes::RegexBuilder::new(&self.pattern).unicode(false).build().ok())
            .as_ref()
    }
}

pub(super) struct Rules {
    pub(super) rules: Vec<RuleRow>,
    pub(super) words: AhoCorasick,
    /// For each word, the rules that wait for it.
    pub(super) waiting: Vec<Vec<usize>>,
}

pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut waiting: Vec<Vec<usize>> = Vec::new();
    let mut wait = |word: &str, rule: usize| match words.iter().position(|it| it == word) {
        Some(at) => waiting[at].push(rule),
        None => {
            words.push(word.to_owned());
            waiting.push(vec![rule]);
        }
    };
    for it in OWN {
        it.words.iter().for_each(|word| wait(word, rules.len()));
        rules.push(RuleRow {
            kind: it.kind.to_owned(),
            pattern: it.pattern.to_owned(),
            group: None,
            entropy: 0.0,
            picky: it.picky,
            made: OnceLock::new(),
        });
    }
    let told = include_str!("gitleaks.jsonl").lines();
    for it in told.filter_map(|it| serde_json::from_str::<RuleText>(it).ok()) {
        it.keywords.iter().for_each(|word| wait(&word.to_lowercase(), rules.len()));
        rules.push(RuleRow {
            kind: it.id,
            pattern: it.pattern,
            group: it.group,
            entropy: it.entropy.unwrap_or(0.0),
            picky: false,
            made: OnceLock::new(),
        });
    }
    let words =
        AhoCorasick::builder().ascii_case_insensitive(true).build(&words).expect("constant words");
    Rules { rules, words, waiting }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_a_pattern() {
        for it in &RULES.rules {
            assert!(it.regex().is_some(), "{}: {}", it.kind, it.pattern);
        }
        assert!(RULES.rules.len() > 200);
    }
}
