//! Shapes: the prompts of shells and REPLs that are the same everywhere, and what each says of user, host and directory.

use std::sync::Arc;
use std::sync::LazyLock;

use regex::Regex;

use crate::transcript::prompt::skeleton::head;
use crate::transcript::prompt::skeleton::skeleton;

/// What reads the line behind a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// A Unix shell.
    Shell,
    /// PowerShell or the Windows command prompt.
    PowerShell,
    /// A program with a prompt of its own, such as a database client.
    Repl,
}

/// A prompt at the start of a line, split into what it tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Which of the known shapes.
    pub family: u8,
    /// Bytes of the line that belong to the prompt, its last blank included.
    pub end: usize,
    /// What reads what is typed behind it.
    pub reads: Reads,
    /// Says user, host or version: seldom met by chance.
    pub strong: bool,
    /// User that the prompt shows; `None` if it shows none.
    pub user: Option<Arc<str>>,
    /// Host that the prompt shows; `None` if it shows none.
    pub host: Option<Arc<str>>,
    /// Directory as the prompt shows it; `None` if it shows none.
    pub dir: Option<Arc<str>>,
    /// `#` or `$`, where the prompt shows either.
    pub root: Option<bool>,
}

impl Shape {
    /// Whether it is a Unix shell's, and seldom met by chance.
    pub fn is_of_a_shell(&self) -> bool {
        self.strong && self.reads == Reads::Shell
    }

    /// The prompt of a program that says itself where its prompt ends.
    pub fn of_repl(end: usize) -> Self {
        Self {
            family: u8::MAX,
            end,
            reads: Reads::Repl,
            strong: false,
            user: None,
            host: None,
            dir: None,
            root: None,
        }
    }
}

/// What readline draws in the place of a prompt while it searches the history.
pub const SEARCHES: [&str; 4] =
    ["(reverse-i-search)", "(i-search)", "(failed reverse-i-search)", "(failed i-search)"];

struct KnownShape {
    /// What a line must have to be worth a look: nearly all have not, and a pattern costs more than a scan.
    may: fn(&[u8]) -> bool,
    regex: LazyLock<Regex>,
    /// What reads the line, and whether it is seldom met by chance.
    kind: (Reads, bool),
}

const SHELL: (Reads, bool) = (Reads::Shell, true);
const WEAK_SHELL: (Reads, bool) = (Reads::Shell, false);
const POWERSHELL: (Reads, bool) = (Reads::PowerShell, true);
const REPL: (Reads, bool) = (Reads::Repl, true);

macro_rules! shape {
    ($may:expr, $pattern:expr, $kind:expr) => {
        KnownShape {
            may: $may,
            regex: LazyLock::new(|| Regex::new($pattern).expect("a constant pattern")),
            kind: $kind,
        }
    };
}

fn holds(text: &[u8], byte: u8) -> bool {
    memchr::memchr(byte, text).is_some()
}

static KNOWN: [KnownShape; 20] = [
    // bash and its `sh`: \s-\v\$
    shape!(
        |it| matches!(it.first(), Some(b'-' | b's' | b'b' | b'd' | b'z' | b'k' | b'a' | b'm'))
            && holds(it, b'-'),
        r"^-?(?:sh|bash|dash|zsh|ksh|ash|mksh)-\d+\.\d+(?<sign>[$#])(?: |$)",
        SHELL
    ),
    // Amazon Linux, RHEL, CentOS, Fedora: [\u@\h \W]\$
    shape!(
        |it| matches!(it.first(), Some(b'[' | b'(')),
        r"^(?:\([\w.-]+\) )?\[(?<user>[\w.+-]*)@(?<host>[\w.-]+) (?<dir>[^\]\n]+)\](?<sign>[$#])(?: |$)",
        SHELL
    ),
    // Debian, Ubuntu, most container images: \u@\h:\w\$
    shape!(
        |it| holds(it, b'@') && holds(it, b':'),
        r"^(?:\([\w.-]+\) )?(?<user>[\w.+-]+)@(?<host>[\w.-]+):(?<dir>[~/][^$#\n]*?)(?<sign>[$#])(?: |$)",
        SHELL
    ),
    // fish: user@host dir>
    shape!(
        |it| holds(it, b'@'),
        r"^(?<user>[\w.+-]+)@(?<host>[\w.-]+) (?<dir>[~/][^>\n]*?)(?<sign>[>#])(?: |$)",
        SHELL
    ),
    // zsh as it comes: host%
    shape!(
        |it| {
            let sign = it.iter().find(|it| !is_of_host(**it));
            matches!(sign, Some(b'%' | b'#'))
        },
        // A host has a letter: `0% [Waiting` is apt's.
        r"^(?<host>[\w.-]*\p{L}[\w.-]*)(?<sign>[%#])(?: |$)",
        WEAK_SHELL
    ),
    // BusyBox ash: dir, blank, sign
    shape!(
        |it| matches!(it.first(), Some(b'~' | b'/')),
        r"^(?<dir>[~/][\w./~+-]*) (?<sign>[$#])(?: |$)",
        SHELL
    ),
    shape!(
        |it| holds(it, b':'),
        r"^(?<host>[\w.-]+):(?<dir>[~/][\w./~+-]*)(?<sign>[$#])(?: |$)",
        SHELL
    ),
    shape!(
        |it| it.starts_with(b"PS "),
        r"^PS (?<dir>[A-Za-z]:\\[^>\n]*|[A-Z]\w+:\\?[^>\n]*|/[^>\n]*)>(?: |$)",
        POWERSHELL
    ),
    shape!(|it| it.get(1) == Some(&b':'), r"^(?<dir>[A-Z]:\\[^>\n]*)>", POWERSHELL),
    shape!(|it| it.starts_with(b">>>"), r"^>>> ?", REPL),
    shape!(|it| it.starts_with(b"..."), r"^\.\.\. ?", REPL),
    shape!(
        |it| it.first().is_some_and(|it| is_of_host(*it)) && (holds(it, b'>') || holds(it, b'#')),
        r"^\w+[=\-'\x22(*!^][#>](?: |$)",
        REPL
    ),
    shape!(
        |it| holds(it, b'>'),
        r"^(?:sqlite|mysql|redis|ftp|sftp|lftp|mongo|cqlsh|test|irb|duckdb|[\w.-]+:\d+)(?:\[\d+\])?> ",
        REPL
    ),
    shape!(|it| it.starts_with(b"   "), r"^ {3,6}(?:\.\.\.|-|'|\x22)> ", REPL),
    shape!(|it| it.starts_with(b"MariaDB"), r"^MariaDB \[[^\]]+\]> ", REPL),
    shape!(|it| it.starts_with(b"("), r"^\((?:gdb|lldb|Pdb|mdb|byebug)\) ?", REPL),
    shape!(|it| it.starts_with(b"In ["), r"^In \[\d+\]: ", REPL),
    shape!(|it| it.trim_ascii_start().starts_with(b"..."), r"^ *\.\.\.: ", REPL),
    shape!(|it| it.starts_with(b"irb("), r"^irb\([^)]+\):\d+(?::\d+)?[>*] ", REPL),
    shape!(
        |it| matches!(it.first(), Some(b'$' | b'#' | b'%')),
        r"^(?<sign>[$#%])(?: |$)",
        WEAK_SHELL
    ),
];

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') || byte >= 0x80
}

/// The prompt at the start of the line, if it has a shape known everywhere.
pub fn known(text: &str) -> Option<Shape> {
    let window = head(text, 320).split('\n').next().unwrap_or_default();
    if !may_be_known(window.as_bytes()) {
        return None;
    }
    KNOWN.iter().enumerate().find_map(|(family, known)| {
        if !(known.may)(window.as_bytes()) {
            return None;
        }
        // Where it ends is found by an automaton. Its parts are found by trial, which costs by the length of the text.
        let end = known.regex.find(window)?.end();
        let found = known.regex.captures(&window[..end])?;
        let part = |name: &str| found.name(name).map(|it| Arc::<str>::from(it.as_str()));
        Some(Shape {
            family: family as u8,
            end,
            reads: known.kind.0,
            strong: known.kind.1,
            user: part("user").filter(|it| !it.is_empty()),
            host: part("host"),
            dir: part("dir"),
            root: part("sign").map(|it| &*it == "#"),
        })
    })
}

/// Whether any shape can match: nearly every line of output is turned away here, at the speed of a scan.
pub fn may_be_known(text: &[u8]) -> bool {
    let mut signs = memchr::memchr3_iter(b'$', b'#', b'%', text);
    text.starts_with(b"(")
        || text.starts_with(b"In [")
        || text.starts_with(b"irb(")
        || text.trim_ascii_start().starts_with(b"...")
        || signs.any(|at| text.get(at + 1).is_none_or(|it| *it == b' '))
        || holds(text, b'>')
}

/// What stays the same in one shell's prompt while its user moves about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A known shape that shows a directory: what else it shows.
    Shape {
        /// Which of the known shapes, as in [`Shape::family`].
        family: u8,
        /// User that the prompt shows; `None` if it shows none.
        user: Option<Arc<str>>,
        /// Host that the prompt shows; `None` if it shows none.
        host: Option<Arc<str>>,
        /// Whether the sign is root's `#`; `None` where the prompt does not show which.
        root: Option<bool>,
    },
    /// The prompt as it stands, or its skeleton where its shape is not known.
    Text(Box<str>),
}

impl Identity {
    /// The identity of a prompt as shown, given its shape if that is known.
    pub fn of(shown: &str, shape: Option<&Shape>) -> Self {
        let bare = shown.trim_end();
        match shape.filter(|it| it.strong && it.end == shown.len()) {
            Some(it) if it.dir.is_some() => Self::Shape {
                family: it.family,
                user: it.user.clone(),
                host: it.host.clone(),
                root: it.root,
            },
            Some(_) => Self::Text(bare.into()),
            None => Self::Text(skeleton(bare).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reads;
    use super::known;

    #[test]
    fn shapes_tell_user_host_and_directory() {
        let it = known("[root@ip-10-0-1-23 ~]# ls").unwrap();
        assert_eq!((it.user.as_deref(), it.dir.as_deref()), (Some("root"), Some("~")));
        assert_eq!(it.root, Some(true));
        let it = known("ssm-user@ip-10-0-1-23:/opt/app$ ls").unwrap();
        assert_eq!(it.dir.as_deref(), Some("/opt/app"));
        assert_eq!(it.end, "ssm-user@ip-10-0-1-23:/opt/app$ ".len());
        assert_eq!(known("/opt/app # ls").unwrap().dir.as_deref(), Some("/opt/app"));
        assert_eq!(known(r"PS C:\App> dir").unwrap().reads, Reads::PowerShell);
        assert_eq!(known("shop=> select 1;").unwrap().reads, Reads::Repl);
        assert!(known("total 24").is_none());
        assert!(known("listen: 0.0.0.0:8080").is_none());
    }
}
