//! Text → the same text with its secrets masked, each by a mark that tells reuse and nothing else.
//!
//! People type passwords behind `-p` and print keys with `cat`; an archive of sessions is an archive of secrets. So
//! whatever is shown of a transcript goes through here first. The kept bytes are never touched.
//!
//! Tokens that say what they are (`ghp_…`, `AKIA…`) are known by the rules of gitleaks (`NOTICE`), which the field
//! maintains; what stands on command lines and in the files that sessions print is known by the table below. A rule
//! costs nothing until one of its words stands in the text. Absent: files, clocks, chance; the salt comes from outside.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::Regex;
use regex::bytes;
use serde::Deserialize;
use sha2::Digest;
use sha2::Sha256;

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

/// A line that begins or ends the text form of a private key, with what a prompt or indentation put before it.
static KEY_BEGINS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----").expect("a constant pattern")
});
static KEY_ENDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----").expect("a constant pattern")
});
/// What we put in place of a secret.
static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[masked:[a-z0-9-]+:[0-9a-f]{6}\]").expect("a constant pattern"));
/// A header of an encrypted key (RFC 1421).
static KEY_HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[\w:|> -]*(Proc-Type|DEK-Info|Comment|PublicKey|Encryption|[A-Z][A-Za-z]+-Lines): ?",
    )
    .expect("a constant pattern")
});
/// A line of a key's body. (A header of an encrypted key, such as `Proc-Type`, is no secret.)
static KEY_BODY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/=]{16,}").expect("a constant pattern"));

/// One rule as the data file has it.
#[derive(Deserialize)]
struct RuleText {
    id: String,
    pattern: String,
    keywords: Vec<String>,
    group: Option<usize>,
    entropy: Option<f64>,
}

struct RuleRow {
    kind: String,
    pattern: String,
    group: Option<usize>,
    entropy: f64,
    picky: bool,
    made: OnceLock<Option<bytes::Regex>>,
}

impl RuleRow {
    /// The pattern, made when first needed: two hundred would cost more than most answers.
    /// Over bytes, since the rules speak of ASCII and classes of all Unicode are megabytes.
    fn regex(&self) -> Option<&bytes::Regex> {
        self.made
            .get_or_init(|| bytes::RegexBuilder::new(&self.pattern).unicode(false).build().ok())
            .as_ref()
    }
}

struct Rules {
    rules: Vec<RuleRow>,
    words: AhoCorasick,
    /// For each word, the rules that wait for it.
    waiting: Vec<Vec<usize>>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
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

/// A secret found: where, and of what kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// First byte of the secret in its text.
    pub from: usize,
    /// One past its last byte.
    pub to: usize,
    /// The word that its mark shows.
    pub kind: String,
}

/// What the shell or a template puts there at run time, or what already stands for a secret.
fn is_placeholder(value: &str) -> bool {
    let mut chars = value.chars();
    let first = chars.next();
    let same = chars.all(|it| Some(it) == first);
    value.starts_with(['$', '<', '%', '`'])
        || value.starts_with("{{")
        || value.starts_with("file:")
        || value.starts_with("fileb:")
        || value.starts_with("env:")
        || value.starts_with("...")
        || value == "-"
        || (same && value.len() > 1)
        || matches!(
            value.to_ascii_lowercase().as_str(),
            "for" | "none" | "null" | "true" | "false" | "yes" | "no" | "required" | "optional"
        )
}

/// Whether a value that follows a mere word looks like a secret: mixed as words are not.
fn looks_secret(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let marks = value.bytes().filter(|it| b"!@#$%^&*+=~?".contains(it)).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let has = |is: fn(&u8) -> bool| value.bytes().any(|it| is(&it));
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && digits > 0;
    let path = value.contains('/') && !value.ends_with('=') || value.contains("::");
    !path && letters >= 2 && (digits + marks >= 2 || mixed) && entropy(value) >= 2.5
}

/// Bits a character, after Shannon.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|it| counts[it as usize] += 1);
    let all = text.len() as f64;
    counts
        .iter()
        .filter(|it| **it > 0)
        .map(|it| {
            let share = f64::from(*it) / all;
            -share * share.log2()
        })
        .sum()
}

/// The secrets in a text, in order and apart from each other.
pub fn find(text: &str) -> Vec<Found> {
    let rules = &*RULES;
    let mut tried: BTreeSet<usize> = BTreeSet::new();
    for word in rules.words.find_overlapping_iter(text) {
        tried.extend(&rules.waiting[word.pattern().as_usize()]);
    }
    if tried.is_empty() {
        return Vec::new();
    }
    let marks: Vec<regex::Match<'_>> = MARK.find_iter(text).collect();
    let mut found: Vec<Found> = Vec::new();
    for nth in tried {
        let rule = &rules.rules[nth];
        let Some(regex) = rule.regex() else { continue };
        for captures in regex.captures_iter(text.as_bytes()) {
            let group = match rule.group {
                Some(it) => captures.get(it),
                None => captures.iter().skip(1).flatten().next().or_else(|| captures.get(0)),
            };
            let Some(group) = group else { continue };
            let (mut from, mut to) = (group.start(), group.end());
            let bytes = text.as_bytes();
            if to - from >= 2 && matches!(bytes[from], b'\'' | b'"') && bytes[to - 1] == bytes[from]
            {
                (from, to) = (from + 1, to - 1);
            }
            let Some(value) = text.get(from..to) else { continue };
            let is_one = !value.is_empty()
                && (rule.kind == "password-hash" || !is_placeholder(value))
                && (rule.entropy == 0.0 || entropy(value) >= rule.entropy)
                && (!rule.picky || looks_secret(value));
            if !is_one {
                continue;
            }
            // Marks stay as they are. What somebody put one into is a secret all the same.
            let (mut at, mut pieces) = (from, Vec::new());
            for it in marks.iter().filter(|it| from < it.end() && it.start() < to) {
                pieces.push((at, it.start().max(at)));
                at = it.end();
            }
            let is_whole = pieces.is_empty();
            pieces.push((at, to.max(at)));
            found.extend(
                pieces
                    .into_iter()
                    .filter(|(from, to)| {
                        is_whole || text[*from..*to].bytes().any(|it| it.is_ascii_alphanumeric())
                    })
                    .map(|(from, to)| Found { from, to, kind: rule.kind.clone() }),
            );
        }
    }
    // Of those that overlap, the one that says most of what it is; ours, then the longer.
    found.sort_by_key(|it| (it.from, std::cmp::Reverse(it.to)));
    let mut apart: Vec<Found> = Vec::with_capacity(found.len());
    for it in found {
        match apart.last_mut() {
            Some(last) if it.from < last.to => {
                last.to = last.to.max(it.to);
                if matches!(last.kind.as_str(), "variable" | "setting" | "option") {
                    last.kind = it.kind;
                }
            }
            _ => apart.push(it),
        }
    }
    apart
}

/// Whether a line could hold a part of a private key's body, whatever `cat -n`, `grep` or YAML put before it. Its place among
/// the other lines tells.
pub fn may_be_in_key(text: &str) -> bool {
    KEY_BODY.find_iter(text).any(|it| is_mixed(it.as_str()))
        || last_word(text)
            .is_some_and(|(from, to)| text.len() <= to - from + 8 && is_mixed(&text[from..to]))
}

/// The last word of a line, if it is base64.
fn last_word(line: &str) -> Option<(usize, usize)> {
    let text = line.trim_end().trim_end_matches("\\n").trim_end_matches(['"', '\'']);
    let from = text.rfind([' ', '\t', ':', '|', '"', '\'']).map_or(0, |it| it + 1);
    let is_base64 = |it: u8| it.is_ascii_alphanumeric() || b"+/=".contains(&it);
    let word = &text[from..];
    (!word.is_empty() && word.bytes().all(is_base64)).then_some((from, text.len()))
}

/// Whether a line can stand between the first and the last line of a private key: a stretch of its body, whatever `cat -n`, `grep` or
/// YAML put before it, the last few letters of it, a header of an encrypted key, or nothing.
fn may_stand_in_key(line: &str) -> bool {
    let text = line.trim();
    text.is_empty()
        || KEY_HEADER.is_match(text)
        || KEY_BODY.is_match(text)
        || last_word(text).is_some_and(|(from, to)| text.len() <= to - from + 8)
}

/// Base64 of random bytes has small and capital letters; most paths and ids have not.
fn is_mixed(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.bytes().any(|it| is(&it));
    text.ends_with('=') || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

/// A text that looks like a line of a private key's body where its neighbours are not known.
fn is_key_like(whole: &str, from: usize, to: usize) -> bool {
    let text = &whole[from..to];
    // Lines of PEM and GnuPG have 64 characters, of OpenSSH 70; the last one any number, and it stands alone: a checksum says
    // before it of what kind it is.
    let is_alone = !whole[..from].ends_with([':', '-', '"', '\'']);
    let bare = text.trim_end_matches('=');
    let mixed = is_mixed(bare) && bare.bytes().any(|it| it.is_ascii_digit());
    match text.len() {
        60.. => mixed && entropy(text) >= 4.0,
        _ => is_alone && mixed && (text.ends_with('=') || text.len() >= 40) && entropy(text) >= 3.0,
    }
}

/// A text without its secrets and without anything that is made of them.
pub fn blank(text: &str) -> Cow<'_, str> {
    match Masker::new([0; 32]).text(text) {
        Cow::Borrowed(it) => Cow::Borrowed(it),
        Cow::Owned(it) => Cow::Owned(unmarked(&it).into_owned()),
    }
}

/// Where the marks of a masked text stand, in order.
pub fn marks(masked: &str) -> Vec<(usize, usize)> {
    MARK.find_iter(masked).map(|it| (it.start(), it.end())).collect()
}

/// A masked text with the same word in place of each mark.
pub fn unmarked(masked: &str) -> Cow<'_, str> {
    MARK.replace_all(masked, "[masked]")
}

/// Masks secrets, or shows them if that was asked for.
#[derive(Clone, Debug)]
pub struct Masker {
    /// Told to nobody who reads the output, so that a weak password cannot be guessed from its mark.
    salt: Option<[u8; 32]>,
    key: KeyLine,
    /// Secrets masked so far.
    pub masked: u64,
}

/// Where a line stands to a private key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum KeyLine {
    #[default]
    Outside,
    /// Behind its first line: what comes next may be none of it.
    Begun,
    /// Behind a line of its body.
    Inside,
}

impl Masker {
    /// Masks with marks of this salt: the archive's own.
    pub fn new(salt: [u8; 32]) -> Self {
        Self { salt: Some(salt), key: KeyLine::Outside, masked: 0 }
    }

    /// Masks nothing.
    pub fn revealing() -> Self {
        Self { salt: None, key: KeyLine::Outside, masked: 0 }
    }

    /// Whether the line that came last ended inside a private key.
    pub fn in_key(&self) -> bool {
        self.key != KeyLine::Outside
    }

    /// Masks what is known to be the body of a private key.
    pub fn key_body(&mut self, text: &mut String) {
        self.key = if self.salt.is_some() { KeyLine::Inside } else { KeyLine::Outside };
        self.apply_line(text);
        self.key = KeyLine::Outside;
    }

    /// Whether secrets are shown as they are.
    pub fn reveals(&self) -> bool {
        self.salt.is_none()
    }

    /// A new session begins: no key goes on from the one before.
    pub fn start(&mut self) {
        self.key = KeyLine::Outside;
    }

    /// What stands for a secret: the same for the same secret, whatever rule found it.
    pub fn mark(&self, kind: &str, secret: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.salt.unwrap_or_default());
        hasher.update(secret.as_bytes());
        let digest = hasher.finalize();
        format!("[masked:{kind}:{:02x}{:02x}{:02x}]", digest[0], digest[1], digest[2])
    }

    /// Some text by itself: a command, a line that stands alone, a value.
    pub fn text<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        let was = std::mem::take(&mut self.key);
        let masked = self.lines_of(text);
        self.key = was;
        masked
    }

    /// A value whose neighbours are not known, such as a cell of a query's answer: what looks like a line of a private key
    /// is masked, too.
    pub fn alone<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        let masked = self.text(text);
        if self.salt.is_none() || !may_be_in_key(&masked) {
            return masked;
        }
        let found: Vec<Found> = KEY_BODY
            .find_iter(&masked)
            .filter(|it| is_key_like(&masked, it.start(), it.end()))
            .map(|it| Found { from: it.start(), to: it.end(), kind: "private-key".into() })
            .collect();
        if found.is_empty() {
            return masked;
        }
        self.masked += found.len() as u64;
        Cow::Owned(self.marked(&masked, &found).0)
    }

    /// The next line of a session: a private key goes on from the line before.
    pub fn line<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        self.lines_of(text)
    }

    /// What is secret in the next line of a session, in order and apart; a private key goes on from the line before.
    ///
    /// What stands beside a secret may look like none only because of it. So the rest is looked at again, with the marks in
    /// place, until nothing more is found: masked text masks to itself.
    pub fn spans(&mut self, text: &str) -> Vec<Found> {
        let before = self.key;
        let mut found = self.seen(text);
        let after = self.key;
        for _ in 0..8 {
            if found.is_empty() {
                break;
            }
            let (shown, back) = self.marked(text, &found);
            self.key = before;
            let more = self.seen(&shown);
            if more.is_empty() {
                break;
            }
            // A place in the marked text is as far behind the last mark as it is behind that secret in the text.
            let place = |at: usize| {
                let nth = back.partition_point(|it| it.0 <= at);
                let (shown, own) = nth.checked_sub(1).map_or((0, 0), |it| back[it]);
                own + (at - shown)
            };
            found.extend(more.into_iter().map(|it| Found {
                from: place(it.from),
                to: place(it.to),
                kind: it.kind,
            }));
            found.sort_by_key(|it| it.from);
        }
        self.key = after;
        found
    }

    /// A text with marks in place of what was found, and where each mark ends there and the secret here.
    fn marked(&self, text: &str, found: &[Found]) -> (String, Vec<(usize, usize)>) {
        let mut out = String::with_capacity(text.len() + 16);
        let (mut at, mut back) = (0, Vec::with_capacity(found.len()));
        for it in found {
            out.push_str(&text[at..it.from]);
            out.push_str(&self.mark(&it.kind, &text[it.from..it.to]));
            at = it.to;
            back.push((out.len(), at));
        }
        out.push_str(&text[at..]);
        (out, back)
    }

    /// What one look finds.
    fn seen(&mut self, text: &str) -> Vec<Found> {
        let mut found = find(text);
        if self.in_key() || text.contains("PRIVATE KEY") {
            let mut at = 0;
            for line in text.split_inclusive('\n') {
                let mut from = 0;
                if !self.in_key()
                    && let Some(it) = KEY_BEGINS.find(line)
                {
                    self.key = KeyLine::Begun;
                    from = it.end();
                }
                if self.in_key() {
                    let end = KEY_ENDS.find(&line[from..]).map(|it| from + it.start());
                    let body = &line[from..end.unwrap_or(line.len())];
                    if from == 0 && end.is_none() && !may_stand_in_key(body) {
                        // Whoever prints the first line of a key alone must not hide what comes after it.
                        self.key = KeyLine::Outside;
                        at += line.len();
                        continue;
                    }
                    let mut pieces: Vec<(usize, usize)> =
                        KEY_BODY.find_iter(body).map(|it| (it.start(), it.end())).collect();
                    if pieces.is_empty()
                        && self.key == KeyLine::Inside
                        && !KEY_HEADER.is_match(body)
                    {
                        // The last line of a body has any length.
                        pieces.extend(last_word(body));
                    }
                    if !pieces.is_empty() {
                        self.key = KeyLine::Inside;
                    }
                    found.extend(pieces.into_iter().map(|piece| Found {
                        from: at + from + piece.0,
                        to: at + from + piece.1,
                        kind: "private-key".into(),
                    }));
                    if end.is_some() {
                        self.key = KeyLine::Outside;
                    }
                }
                at += line.len();
            }
            found.sort_by_key(|it| it.from);
        }
        let mut end = 0;
        found.retain(|it| {
            let apart = it.from >= end && it.to > it.from;
            end = if apart { it.to } else { end };
            apart
        });
        found
    }

    fn lines_of<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if self.salt.is_none() {
            return Cow::Borrowed(text);
        }
        let found = self.spans(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        self.masked += found.len() as u64;
        let (out, _) = self.marked(text, &found);
        Cow::Owned(out)
    }

    /// Masks a text in its place.
    pub fn apply(&mut self, text: &mut String) {
        if let Cow::Owned(it) = self.text(text) {
            *text = it;
        }
    }

    /// Masks the next line of a session in its place.
    pub fn apply_line(&mut self, text: &mut String) {
        if let Cow::Owned(it) = self.line(text) {
            *text = it;
        }
    }
}

/// Looks for secrets in bytes, which nobody can mask: also where they were typed and erased again, or never drawn at all.
///
/// Lines are what people saw; bytes hold more. Each stretch between line breaks is looked at three times: with its control
/// sequences gone, which joins what colours part; with each control character as a break, which shows what stands inside of a
/// window's title; and with the escapes of JSON undone, since log events are JSON within JSON.
#[derive(Debug)]
pub struct ByteSearch {
    masker: Masker,
    /// A line that has not ended.
    rest: Vec<u8>,
}

/// Control sequences ("XTerm Control Sequences": C1, CSI, OSC).
static SEQUENCES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
    )
    .ok()
});

impl Default for ByteSearch {
    fn default() -> Self {
        Self { masker: Masker::new([0; 32]), rest: Vec::new() }
    }
}

impl ByteSearch {
    /// Longest line that is looked at as one, and how much of it is looked at again with the next.
    const LINE: usize = 1 << 20;
    const OVERLAP: usize = 4 << 10;

    /// Takes the next bytes, in chunks of any size.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let most = Self::LINE.saturating_sub(self.rest.len()).max(1);
            let end = bytes.iter().take(most).position(|it| *it == b'\n');
            let many = end.map_or(most.min(bytes.len()), |it| it + 1);
            self.rest.extend_from_slice(&bytes[..many]);
            bytes = &bytes[many..];
            if end.is_some() {
                self.line(0);
            } else if self.rest.len() >= Self::LINE {
                self.line(Self::OVERLAP);
            }
        }
    }

    /// Whether there were any.
    pub fn finish(mut self) -> bool {
        self.line(0);
        self.masker.masked > 0
    }

    fn line(&mut self, kept: usize) {
        let line = std::mem::take(&mut self.rest);
        self.rest.extend_from_slice(&line[line.len() - kept..]);
        if self.masker.masked > 0 {
            return;
        }
        let mut text = String::from_utf8_lossy(&line).into_owned();
        for level in 0..4 {
            if level > 0 && !text.contains('\\') {
                break;
            }
            if level > 0 {
                text = unescaped(&text);
            }
            let joined = match SEQUENCES.as_ref() {
                Some(it) => it.replace_all(&text, ""),
                None => Cow::Borrowed(text.as_str()),
            };
            let joined = joined.replace('\r', "\n");
            // A private key goes on from line to line of the bytes themselves.
            if level == 0 {
                self.masker.line(&joined);
            } else {
                self.masker.text(&joined);
            }
            if text.chars().any(|it| it.is_control() && !matches!(it, '\n' | '\t')) {
                let apart: String =
                    text.chars().map(|it| if it.is_control() { '\n' } else { it }).collect();
                self.masker.text(&apart);
            }
        }
    }
}

/// One level of JSON's escapes undone.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(it) = rest.chars().next() else { break };
        rest = &rest[it.len_utf8()..];
        match it {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let code = rest.get(..4).and_then(|it| u32::from_str_radix(it, 16).ok());
                rest = if code.is_some() { &rest[4..] } else { rest };
                out.push(code.and_then(char::from_u32).unwrap_or('\u{fffd}'));
            }
            it => out.push(it),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker() -> Masker {
        Masker::new([7; 32])
    }

    #[test]
    fn every_rule_is_a_pattern() {
        for it in &RULES.rules {
            assert!(it.regex().is_some(), "{}: {}", it.kind, it.pattern);
        }
        assert!(RULES.rules.len() > 200);
    }

    #[test]
    fn the_same_secret_gets_the_same_mark_wherever_it_stands() {
        let one = masker().text("mysql -u root -phunter2x prod").into_owned();
        let other = masker().text("export DB_PASSWORD=hunter2x").into_owned();
        let mark = |text: &str| text.split(':').nth(2).unwrap()[..6].to_owned();
        assert_eq!(mark(&one), mark(&other));
        assert!(!one.contains("hunter2x") && one.starts_with("mysql -u root -p[masked:password:"));
        let elsewhere = Masker::new([8; 32]).text("mysql -u root -phunter2x prod").into_owned();
        assert_ne!(mark(&one), mark(&elsewhere), "another archive, another salt");
    }

    #[test]
    fn a_private_key_is_masked_line_by_line_and_no_further() {
        let mut masker = masker();
        let body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz";
        let lines = [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            body,
            "-----END OPENSSH PRIVATE KEY-----",
            body,
        ];
        let shown: Vec<String> = lines.iter().map(|it| masker.line(it).into_owned()).collect();
        assert_eq!((shown[0].as_str(), shown[2].as_str()), (lines[0], lines[2]));
        assert!(shown[1].starts_with("[masked:private-key:"));
        assert_eq!(shown[3], body, "what follows the key is none");
    }

    #[test]
    fn what_is_masked_stays_as_it_is() {
        let once = masker().text("curl -u admin:s3cret! https://u:p4ss@h/").into_owned();
        assert_eq!(masker().text(&once), once);
    }

    #[test]
    fn whoever_reveals_changes_nothing() {
        assert_eq!(Masker::revealing().text("sshpass -p x1y2 ssh h"), "sshpass -p x1y2 ssh h");
    }

    fn found(bytes: &[u8]) -> bool {
        let mut search = ByteSearch::default();
        bytes.chunks(7).for_each(|it| search.push(it));
        search.finish()
    }

    #[test]
    fn secrets_in_bytes_are_found_whatever_became_of_them_on_the_screen() {
        for bytes in [
            "$ mysql -u root -phunter2x\r\x1b[K$ ls\n",
            "\x1b]0;mysql -u root -phunter2x\x07$ ls\n",
            "\x1b]0;mysql -u root -phunter2x",
            "$ \x1b[32mmysql\x1b[0m -u root \x1b[4m-phunter2x\x1b[0m\r\n",
            r#"{"message":"{\"sessionData\":[\"$ mysql -u root -phunter2x\\r\\n\"]}"}"#,
            r#"{"message":"{\"sessionData\":[\"\\u001b[32mmysql -u root -phunter2x\\r\\n\"]}"}"#,
            "-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\r\n",
        ] {
            assert!(found(bytes.as_bytes()), "{bytes:?}");
        }
        assert!(found(&[b"x".repeat(2 << 20), b" mysql -u root -phunter2x ".to_vec()].concat()));
        for bytes in
            ["", "$ mysql -u root -p\r\nEnter password: \r\n", "$ ls \x1b[1m-la\x1b[0m\n", "\\u00"]
        {
            assert!(!found(bytes.as_bytes()), "{bytes:?}");
        }
    }
}
