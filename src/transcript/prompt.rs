//! What a prompt looks like, and what this session's prompts look like.
//!
//! Two kinds of knowledge. *Shapes* are the defaults of shells and REPLs that are the same
//! everywhere. *Learning* is for all others: prompts repeat literally, commands do not; a prompt ends where the
//! line editor never goes back beyond and not before the last change of colour. A shape alone proves
//! nothing, because output can print any shape (a README does); the walk in `commands` asks for more.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::hash::Hasher;
use std::sync::Arc;
use std::sync::LazyLock;

use regex::Regex;
use unicode_width::UnicodeWidthChar;

/// What reads the line behind a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    Shell,
    PowerShell,
    Repl,
}

/// A prompt at the start of a line, split into what it tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Which of the known shapes.
    pub family: u8,
    /// Bytes of the line that belong to the prompt, its last blank included.
    pub end: usize,
    pub reads: Reads,
    /// Says user, host or version: seldom met by chance.
    pub strong: bool,
    pub user: Option<Arc<str>>,
    pub host: Option<Arc<str>>,
    pub dir: Option<Arc<str>>,
    /// `#` or `$`, where the prompt shows either.
    pub root: Option<bool>,
}

impl Shape {
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

struct KnownShape {
    /// What a line must have to be worth a look: nearly all have not, and a pattern costs more than a scan.
    may: fn(&[u8]) -> bool,
    regex: LazyLock<Regex>,
    reads: Reads,
    strong: bool,
}

macro_rules! shape {
    ($may:expr, $pattern:expr, $reads:expr, $strong:expr) => {
        KnownShape {
            may: $may,
            regex: LazyLock::new(|| Regex::new($pattern).expect("a constant pattern")),
            reads: $reads,
            strong: $strong,
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
        Reads::Shell,
        true
    ),
    // Amazon Linux, RHEL, CentOS, Fedora: [\u@\h \W]\$
    shape!(
        |it| matches!(it.first(), Some(b'[' | b'(')),
        r"^(?:\([\w.-]+\) )?\[(?<user>[\w.+-]*)@(?<host>[\w.-]+) (?<dir>[^\]\n]+)\](?<sign>[$#])(?: |$)",
        Reads::Shell,
        true
    ),
    // Debian, Ubuntu, most container images: \u@\h:\w\$
    shape!(
        |it| holds(it, b'@') && holds(it, b':'),
        r"^(?:\([\w.-]+\) )?(?<user>[\w.+-]+)@(?<host>[\w.-]+):(?<dir>[~/][^$#\n]*?)(?<sign>[$#])(?: |$)",
        Reads::Shell,
        true
    ),
    // fish: user@host dir>
    shape!(
        |it| holds(it, b'@'),
        r"^(?<user>[\w.+-]+)@(?<host>[\w.-]+) (?<dir>[~/][^>\n]*?)(?<sign>[>#])(?: |$)",
        Reads::Shell,
        true
    ),
    // zsh as it comes: host%
    shape!(
        |it| {
            let sign = it.iter().find(|it| !is_of_host(**it));
            matches!(sign, Some(b'%' | b'#'))
        },
        // A host has a letter: `0% [Waiting` is apt's.
        r"^(?<host>[\w.-]*\p{L}[\w.-]*)(?<sign>[%#])(?: |$)",
        Reads::Shell,
        false
    ),
    // BusyBox ash: dir, blank, sign
    shape!(
        |it| matches!(it.first(), Some(b'~' | b'/')),
        r"^(?<dir>[~/][\w./~+-]*) (?<sign>[$#])(?: |$)",
        Reads::Shell,
        true
    ),
    shape!(
        |it| holds(it, b':'),
        r"^(?<host>[\w.-]+):(?<dir>[~/][\w./~+-]*)(?<sign>[$#])(?: |$)",
        Reads::Shell,
        true
    ),
    shape!(
        |it| it.starts_with(b"PS "),
        r"^PS (?<dir>[A-Za-z]:\\[^>\n]*|[A-Z]\w+:\\?[^>\n]*|/[^>\n]*)>(?: |$)",
        Reads::PowerShell,
        true
    ),
    shape!(|it| it.get(1) == Some(&b':'), r"^(?<dir>[A-Z]:\\[^>\n]*)>", Reads::PowerShell, true),
    shape!(|it| it.starts_with(b">>>"), r"^>>> ?", Reads::Repl, true),
    shape!(|it| it.starts_with(b"..."), r"^\.\.\. ?", Reads::Repl, true),
    shape!(
        |it| it.first().is_some_and(|it| is_of_host(*it)) && (holds(it, b'>') || holds(it, b'#')),
        r"^\w+[=\-'\x22(*!^][#>](?: |$)",
        Reads::Repl,
        true
    ),
    shape!(
        |it| holds(it, b'>'),
        r"^(?:sqlite|mysql|redis|ftp|sftp|lftp|mongo|cqlsh|test|irb|duckdb|[\w.-]+:\d+)(?:\[\d+\])?> ",
        Reads::Repl,
        true
    ),
    shape!(|it| it.starts_with(b"   "), r"^ {3,6}(?:\.\.\.|-|'|\x22)> ", Reads::Repl, true),
    shape!(|it| it.starts_with(b"MariaDB"), r"^MariaDB \[[^\]]+\]> ", Reads::Repl, true),
    shape!(|it| it.starts_with(b"("), r"^\((?:gdb|lldb|Pdb|mdb|byebug)\) ?", Reads::Repl, true),
    shape!(|it| it.starts_with(b"In ["), r"^In \[\d+\]: ", Reads::Repl, true),
    shape!(|it| it.trim_ascii_start().starts_with(b"..."), r"^ *\.\.\.: ", Reads::Repl, true),
    shape!(|it| it.starts_with(b"irb("), r"^irb\([^)]+\):\d+(?::\d+)?[>*] ", Reads::Repl, true),
    shape!(
        |it| matches!(it.first(), Some(b'$' | b'#' | b'%')),
        r"^(?<sign>[$#%])(?: |$)",
        Reads::Shell,
        false
    ),
];

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') || byte >= 0x80
}

/// The prompt at the start of the line, if it has a shape known everywhere.
pub fn known(text: &str) -> Option<Shape> {
    let window = head(text, 320);
    let end = window.find('\n').unwrap_or(window.len());
    let window = &window[..end];
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
            reads: known.reads,
            strong: known.strong,
            user: part("user").filter(|it| !it.is_empty()),
            host: part("host"),
            dir: part("dir"),
            root: part("sign").map(|it| &*it == "#"),
        })
    })
}

/// Whether any shape can match: nearly every line of output is turned away here, at the speed of a scan.
pub fn may_be_known(text: &[u8]) -> bool {
    if text.starts_with(b"(") || text.starts_with(b"In [") || text.starts_with(b"irb(") {
        return true;
    }
    if text.trim_ascii_start().starts_with(b"...") {
        return true;
    }
    memchr::memchr3_iter(b'$', b'#', b'%', text)
        .any(|at| text.get(at + 1).is_none_or(|it| *it == b' '))
        || memchr::memchr(b'>', text).is_some()
}

/// What stays the same in one shell's prompt while its user moves about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A known shape that shows a directory: what else it shows.
    Shape { family: u8, user: Option<Arc<str>>, host: Option<Arc<str>>, root: Option<bool> },
    /// The prompt as it stands, or its skeleton where its shape is not known.
    Text(Box<str>),
}

impl Identity {
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

/// At most `most` bytes of the text, cut between characters.
pub fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0);
    &text[..end]
}

/// The prompt with everything that changes from line to line made equal: words, numbers, paths.
pub fn skeleton(prompt: &str) -> String {
    let mut out = String::with_capacity(prompt.len().min(32));
    each_of_skeleton(prompt, |part| out.push_str(part));
    out
}

/// Whether there is nothing but words and blanks in it, as in most lines of output.
pub fn is_wordy(prompt: &str) -> bool {
    prompt.split(' ').filter(|it| !it.is_empty()).all(|word| {
        word.chars().all(is_of_word)
            && (matches!(word, "/" | "~" | "~/") || word.chars().any(char::is_alphanumeric))
    })
}

/// Whether there are two words or more in it, so that it is seldom met by chance in another.
pub fn has_words(prompt: &str) -> bool {
    words(prompt).nth(1).is_some()
}

/// Its words, paths among them.
fn words(prompt: &str) -> impl Iterator<Item = &str> + Clone {
    prompt.split(|it| !is_of_word(it)).filter(|it| it.chars().any(char::is_alphanumeric))
}

/// Whether two prompts have a word in common, or too few words to tell.
pub fn shares_a_word(one: &str, other: &str) -> bool {
    !has_words(one) || shared_words(one, other) > 0
}

/// Words that two prompts have in common.
pub fn shared_words(one: &str, other: &str) -> usize {
    words(one).filter(|it| words(other).any(|other| other == *it)).count()
}

fn is_of_word(ch: char) -> bool {
    match ch {
        '/' | '~' | '.' | '-' | '_' | '+' => true,
        _ if ch.is_ascii() => ch.is_ascii_alphanumeric(),
        _ => ch.is_alphanumeric(),
    }
}

/// A table whose keys are hashes already.
pub type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Hashed>>;

/// Takes a hash as it is.
#[derive(Default)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, it| sum.rotate_left(8) ^ u64::from(*it));
    }

    fn write_u64(&mut self, it: u64) {
        self.0 = it;
    }

    fn finish(&self) -> u64 {
        // FNV's high bits are its weakest, and the table looks at them first.
        self.0 ^ self.0.rotate_left(32)
    }
}

/// The beginning of one row of input regions. Its last sign is one, whoever the user is: half a session as root is no other prompt.
fn region_key(row: u8, literal: &str) -> u64 {
    let key = match literal.strip_suffix(['#', '%']) {
        Some(rest) => hashed(skeleton_hash(rest), "$"),
        None => skeleton_hash(literal),
    };
    key ^ (u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// FNV-1a: fixed, so that the same bytes give the same answer on every run.
const HASH_OF_NOTHING: u64 = 0xcbf2_9ce4_8422_2325;

fn hashed(sum: u64, text: &str) -> u64 {
    text.bytes().fold(sum, |sum, it| (sum ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3))
}

/// The skeleton as a number, for tables that see every line.
pub fn skeleton_hash(prompt: &str) -> u64 {
    let mut sum = HASH_OF_NOTHING;
    each_of_skeleton(prompt, |part| sum = hashed(sum, part));
    sum
}

/// [`skeleton_hash`] of several beginnings of a text, without the blanks that they end in. One pass, for `ends` ascend.
pub fn hashes_of_beginnings(text: &str, ends: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut out = Vec::with_capacity(8);
    // All that was closed so far, with blanks and without those at its end.
    let (mut sum, mut solid) = (HASH_OF_NOTHING, HASH_OF_NOTHING);
    let mut word: Option<(usize, bool)> = None;
    let mut blank = false;
    let closed = |sum, word: &str, is_word: bool| hashed(sum, if is_word { "w" } else { word });
    let mut chars = text.char_indices().peekable();
    for end in ends {
        while let Some((at, ch)) = chars.next_if(|it| it.0 < end) {
            if is_of_word(ch) {
                let (_, is_word) = word.get_or_insert((at, false));
                *is_word |= ch.is_alphanumeric() || matches!(ch, '/' | '~');
                blank = false;
                continue;
            }
            if let Some((start, is_word)) = word.take() {
                sum = closed(sum, &text[start..at], is_word);
                solid = sum;
            }
            if !(ch == ' ' && blank) {
                sum = hashed(sum, &text[at..at + ch.len_utf8()]);
            }
            if !ch.is_whitespace() {
                solid = sum;
            }
            blank = ch == ' ';
        }
        out.push(match word {
            Some((start, is_word)) => closed(sum, &text[start..end], is_word),
            None => solid,
        });
    }
    out
}

fn each_of_skeleton(prompt: &str, mut push: impl FnMut(&str)) {
    let mut word: Option<usize> = None;
    let mut blank = false;
    let close = |word: &str, push: &mut dyn FnMut(&str)| {
        // An arrow or a plus is a sign, not a word.
        let is_word = word.chars().any(|it| it.is_alphanumeric() || matches!(it, '/' | '~'));
        push(if is_word { "w" } else { word });
    };
    for (at, ch) in prompt.char_indices() {
        if is_of_word(ch) {
            word.get_or_insert(at);
            blank = false;
            continue;
        }
        if let Some(start) = word.take() {
            close(&prompt[start..at], &mut push);
        }
        if !(ch == ' ' && blank) {
            push(&prompt[at..at + ch.len_utf8()]);
        }
        blank = ch == ' ';
    }
    if let Some(start) = word {
        close(&prompt[start..], &mut push);
    }
}

/// Byte at which the column begins, counting as a terminal does.
pub fn byte_of_column(text: &str, column: usize) -> usize {
    let mut at = 0;
    for (byte, ch) in text.char_indices() {
        if at >= column {
            return byte;
        }
        at += if ch == '\t' { 8 - at % 8 } else { UnicodeWidthChar::width(ch).unwrap_or(0) };
    }
    text.len()
}

/// A place where a prompt may end, and how much a prompt would end like that.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub end: usize,
    pub weight: f32,
}

/// Signs that people end prompts with.
fn sign_weight(ch: char) -> f32 {
    match ch {
        '$' | '#' | '%' | '>' => 1.0,
        '❯' | '➜' | 'λ' | '»' | '›' | '▶' | '→' | '⟩' | '❱' | '⚡' => 1.0,
        '\u{e0a0}'..='\u{e0d7}' => 0.9,
        ':' | ')' | ']' | '}' | '|' | '~' | '!' | '?' | '*' | '@' | '^' | '&' => 0.5,
        _ if !ch.is_ascii() && !ch.is_alphanumeric() => 0.8,
        _ if ch.is_ascii_punctuation() => 0.3,
        _ => 0.2,
    }
}

/// A blank, or one that must not break: powerline is built with those.
fn is_blank(ch: char) -> bool {
    matches!(ch, ' ' | '\u{a0}')
}

/// Every place in a line where a prompt may end: behind a sign and a blank, behind a sign, behind a blank.
pub fn candidates(text: &str) -> Vec<Candidate> {
    let mut found = Vec::with_capacity(8);
    let window = head(text, 240);
    let mut before = None;
    let mut sign = None;
    for (at, ch) in window.char_indices() {
        if is_blank(ch) {
            if let Some(last) = sign {
                found.push(Candidate { end: at + ch.len_utf8(), weight: sign_weight(last) });
            } else if before.is_some_and(is_blank) && !found.is_empty() {
                // A prompt may end in several blanks.
                let weight = found.last().map_or(0.1, |it| it.weight);
                found.push(Candidate { end: at + ch.len_utf8(), weight });
            }
            sign = None;
        } else {
            if let Some(last) = before
                && matches!(last, '>' | '$' | '#' | '%' | ':')
            {
                found.push(Candidate { end: at, weight: 0.25 });
            }
            sign = Some(ch);
        }
        before = Some(ch);
        if found.len() >= 24 {
            break;
        }
    }
    // The line may be the bare prompt, its last blank trimmed.
    if let Some(last) = sign
        && window.len() == text.len()
    {
        found.push(Candidate { end: text.len(), weight: sign_weight(last) * 0.6 });
    }
    found
}

/// How often one skeleton was seen where a prompt could be.
#[derive(Default, Debug)]
struct Support {
    count: u32,
    bare: u32,
    /// Different texts, as far as they are held apart.
    distinct: u32,
    /// Fewest blanks that stood between it and what followed, if anything did; else 0.
    blanks: u8,
    /// The prompts themselves, as far as there is room, and how often the line editor went back exactly to the end of each.
    literals: ByHash<u32>,
    /// How often the editor went back to the end of a text that it went back to more than once. Once can
    /// be chance: an edit in the middle of a command also goes back somewhere.
    tight: u32,
}

/// The last change of colour stands at the prompt's end, or before the sign or blanks it ends with: readline
/// never paints what is typed.
fn painted(text: &str, paint: usize, low: Option<usize>, found: &mut Vec<Candidate>) {
    let Some(rest) = text.get(paint..).filter(|_| paint > 0) else { return };
    let sign = |it: char| {
        it.is_whitespace()
            || matches!(it, '$' | '#' | '%' | '>' | ':' | ')' | ']')
            || sign_weight(it) >= 0.8
    };
    let end = paint + rest.find(|it| !sign(it)).unwrap_or(rest.len());
    // A command may begin with a sign: then the blank before it is where the prompt ends.
    let end = text[paint..end].rfind(char::is_whitespace).map_or(paint, |at| {
        paint + at + text[paint + at..].chars().next().map_or(0, char::len_utf8)
    });
    for (end, weight) in [(paint, 1.2), (end, 1.5)] {
        if low.is_some_and(|low| end > low) {
            continue;
        }
        match found.iter_mut().find(|it| it.end == end) {
            Some(it) => it.weight = it.weight.max(weight),
            None => found.push(Candidate { end, weight }),
        }
    }
}

/// Last characters of prompts. One that ends in a word ends in another one elsewhere.
#[derive(Default, Debug)]
struct Ends {
    word: bool,
    ascii: u128,
    others: Vec<char>,
}

impl Ends {
    fn insert(&mut self, it: char) {
        if it.is_alphanumeric() {
            self.word = true;
        } else if it.is_ascii() {
            self.ascii |= 1 << u32::from(it);
        } else if !self.others.contains(&it) && self.others.len() < 64 {
            self.others.push(it);
        }
    }

    fn contains(&self, it: char) -> bool {
        if it.is_ascii() {
            self.ascii >> u32::from(it) & 1 == 1 || self.word && it.is_ascii_alphanumeric()
        } else {
            self.others.contains(&it) || self.word && it.is_alphanumeric()
        }
    }
}

/// What the session itself has taught. Grows with each window; never forgets.
#[derive(Default, Debug)]
pub struct Learnt {
    regions: ByHash<Support>,
    lines: ByHash<Support>,
    /// What prompts of lines may end with: most output is turned away by its last character.
    ends: Ends,
    /// Lines learnt from.
    seen: u32,
    /// Texts held apart, of all kinds.
    literals: usize,
    /// Columns at which rows of regions end behind blanks, and how often: right-hand prompts.
    right_ends: HashMap<u16, u32>,
    /// The same by what they say: an edit may have moved one.
    right_texts: ByHash<u32>,
    rows_seen: u32,
    /// The first sign in each row of regions that a blank follows and that commands seldom have, and how often it was that one.
    first_signs: HashMap<(u8, char), u32>,
}

/// The first sign of the row that ends most prompts, and the place behind it; root's is the same as anybody's.
fn first_sign(found: &[Candidate], text: &str) -> Option<(char, usize)> {
    found.iter().find_map(|it| {
        let sign = text[..it.end].strip_suffix(is_blank)?.chars().next_back()?;
        let sign = if matches!(sign, '#' | '%') { '$' } else { sign };
        (sign_weight(sign) >= 1.0).then_some((sign, it.end))
    })
}

/// A text as a number, the same on every run.
pub fn hash(text: &str) -> u64 {
    hashed(HASH_OF_NOTHING, text)
}

/// The same of characters.
pub fn hash_of(chars: impl Iterator<Item = char>) -> u64 {
    chars.fold(HASH_OF_NOTHING, |sum, it| (sum ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3))
}

/// Distinct skeletons held; output of any shape must not grow the table without bound.
const SKELETONS_MAX: usize = 4096;

/// Each place once with what stands before it, blanks at the end apart: two places on both sides of a blank
/// are one.
fn distinct<'a>(
    text: &'a str,
    found: &'a [Candidate],
) -> impl Iterator<Item = (Candidate, &'a str)> {
    found.iter().enumerate().filter_map(move |(nth, it)| {
        let literal = text[..it.end].trim_end();
        // The farther of the two is where an edit goes back to.
        let again = found.iter().enumerate().any(|(other_nth, other)| {
            (other.end, other_nth) > (it.end, nth)
                && text[..other.end].trim_end().len() == literal.len()
        });
        (!again).then_some((*it, literal))
    })
}

/// Blanks that stand in the text behind what it begins with.
fn blanks_behind(text: &str, literal: &str) -> usize {
    text.as_bytes()[literal.len()..].iter().take_while(|it| **it == b' ').count()
}

impl Learnt {
    /// One row of an input region, `row` counted from its first line. `low` is the byte that the line
    /// editor went back to, if it did.
    pub fn region_row(&mut self, row: u8, text: &str, found: &[Candidate], low: Option<usize>) {
        if row == 0 {
            self.rows_seen += 1;
        }
        if let Some((sign, _)) = first_sign(found, text)
            && self.first_signs.len() < 64
        {
            *self.first_signs.entry((row, sign)).or_default() += 1;
        }
        if let Some((end, part)) = right_end(text) {
            if self.right_ends.len() < 512 || self.right_ends.contains_key(&end) {
                *self.right_ends.entry(end).or_default() += 1;
            }
            let part = hash(part);
            if self.right_texts.len() < 512 || self.right_texts.contains_key(&part) {
                *self.right_texts.entry(part).or_default() += 1;
            }
        }
        for (it, literal) in distinct(text, found) {
            let key = region_key(row, literal);
            if self.regions.len() >= SKELETONS_MAX && !self.regions.contains_key(&key) {
                continue;
            }
            let seen = self.regions.entry(key).or_default();
            seen.count += 1;
            let bare = text.trim_end().len() <= it.end;
            seen.bare += u32::from(bare);
            if !bare {
                let blanks = blanks_behind(text, literal).min(255) as u8;
                seen.blanks = if seen.blanks == 0 { blanks } else { seen.blanks.min(blanks) };
            }
            self.literals += usize::from(seen.literal(literal, low == Some(it.end), self.literals));
        }
    }

    /// Where the prompt's own sign ends, if nearly all rows of regions have that one first.
    pub fn own_sign(&self, row: u8, text: &str, found: &[Candidate]) -> Option<usize> {
        let (sign, end) = first_sign(found, text)?;
        let many = self.first_signs.get(&(row, sign)).copied().unwrap_or(0);
        (many >= 4 && many * 5 >= self.rows_seen * 4).then_some(end)
    }

    /// Where a prompt ends that blanks stand behind: as many of them as it always has. What is more was typed, as an
    /// indentation.
    pub fn with_its_blanks(&self, row: u8, text: &str, end: usize) -> usize {
        let literal = text[..end].trim_end();
        let stand = blanks_behind(text, literal);
        let seen = self.regions.get(&region_key(row, literal)).map_or(0, |it| it.blanks);
        // So many blanks fill a row; no prompt ends in them.
        if seen == 0 || stand > 40 { end } else { literal.len() + usize::from(seen).min(stand) }
    }

    /// One line that a line editor has drawn: it was edited, or a window title came before it.
    pub fn line(&mut self, text: &str, found: &[Candidate], low: Option<usize>) {
        self.seen += 1;
        for (it, literal) in distinct(text, found) {
            let key = skeleton_hash(literal);
            if self.lines.len() >= SKELETONS_MAX && !self.lines.contains_key(&key) {
                continue;
            }
            let seen = self.lines.entry(key).or_default();
            seen.count += 1;
            seen.bare += u32::from(text.trim_end().len() <= it.end);
            self.literals += usize::from(seen.literal(literal, low == Some(it.end), self.literals));
            // Any edit goes back to some word; to the same one again, only where a prompt ends in it.
            if let Some(last) = literal.chars().next_back()
                && (seen.tight >= 2 || !last.is_alphanumeric())
            {
                self.ends.insert(last);
            }
        }
    }

    /// Whether a learnt prompt may end like this.
    pub fn may_end(&self, literal: &str) -> bool {
        literal.trim_end().chars().next_back().is_none_or(|it| self.ends.contains(it))
    }

    /// Whether a learnt prompt may end anywhere in the line.
    pub fn may_end_within(&self, text: &str) -> bool {
        self.ends.word || text.chars().any(|it| self.ends.contains(it))
    }

    /// No line that was edited has been seen.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether the row ends where this session's right-hand prompts do.
    pub fn is_right_end(&self, text: &str) -> bool {
        let often = |it: Option<&u32>| it.is_some_and(|it| *it >= 3 && *it * 3 >= self.rows_seen);
        !self.right_ends.is_empty()
            && right_end(text).is_some_and(|(end, part)| {
                often(self.right_ends.get(&end)) || often(self.right_texts.get(&hash(part)))
            })
    }

    /// Whether the line editor went back exactly to the end of this text, and did so again.
    pub fn is_returned_to(&self, literal: &str) -> bool {
        let literal = literal.trim_end();
        let seen = self.lines.get(&skeleton_hash(literal));
        seen.and_then(|it| it.literals.get(&hash(literal))).is_some_and(|it| *it >= 3)
    }

    /// How often lines had a beginning of this kind.
    pub fn line_count(&self, literal: &str) -> u32 {
        self.lines.get(&skeleton_hash(literal.trim_end())).map_or(0, |it| it.count)
    }

    /// How often this row of a region had a beginning of this kind.
    pub fn region_count(&self, row: u8, literal: &str) -> u32 {
        self.regions.get(&region_key(row, literal.trim_end())).map_or(0, |it| it.count)
    }

    /// How likely the region's row has its prompt end here.
    pub fn region_score(&self, row: u8, text: &str, it: Candidate) -> f32 {
        let literal = text[..it.end].trim_end();
        self.regions.get(&region_key(row, literal)).map_or(0.0, |seen| seen.score(it.weight))
    }

    /// How likely a line's prompt ends here: 0 if lines with this beginning never showed what only a line
    /// editor does.
    pub fn line_score(&self, literal: &str, weight: f32) -> f32 {
        self.hashed_score(skeleton_hash(literal.trim_end()), weight)
    }

    /// The same of a beginning that was hashed already.
    pub fn hashed_score(&self, beginning: u64, weight: f32) -> f32 {
        let Some(seen) = self.lines.get(&beginning) else { return 0.0 };
        let common = seen.count >= 3 && seen.count * 5 >= self.seen * 3;
        let enough = seen.count >= 2 && (weight >= 0.8 || seen.tight >= 2)
            || common && weight >= 0.3
            || seen.count >= 1 && weight >= 0.8 && seen.bare >= 1;
        if enough { seen.score(weight) } else { 0.0 }
    }
}

/// Texts of one kind that are held apart; those beyond count as different from all others.
const LITERALS_MAX: usize = 1024;
/// The same of all kinds together: a few megabytes, where so many kinds would be two hundred.
const LITERALS_IN_ALL: usize = 1 << 17;

impl Support {
    /// Counts a text, and holds it apart if there is room beside those held `in_all`; whether it is one more.
    fn literal(&mut self, text: &str, tight: bool, in_all: usize) -> bool {
        let room = self.literals.len() < LITERALS_MAX && in_all < LITERALS_IN_ALL;
        match self.literals.entry(hash(text)) {
            std::collections::hash_map::Entry::Occupied(mut it) if tight => {
                *it.get_mut() += 1;
                self.tight += match it.get() {
                    1 => 0,
                    2 => 2,
                    _ => 1,
                };
            }
            std::collections::hash_map::Entry::Occupied(_) => {}
            std::collections::hash_map::Entry::Vacant(it) => {
                self.distinct += 1;
                if room {
                    it.insert(u32::from(tight));
                }
                return room;
            }
        }
        false
    }

    fn score(&self, weight: f32) -> f32 {
        let count = self.count as f32;
        let repeats = (count - self.distinct as f32) / count;
        let bare = if self.bare > 1 { 1.3 } else { 1.0 };
        let tight = self.tight as f32;
        (count * weight * (0.6 + repeats) + 3.0 * tight) * bare
    }
}

/// The farthest place that is as common as `end`, and ends as prompts do: a prompt of several segments is
/// common in each of its parts, and commands differ.
pub fn farthest(text: &str, end: usize, found: &[Candidate], count: impl Fn(&str) -> u32) -> usize {
    let here = count(&text[..end]);
    if here < 3 {
        return end;
    }
    found
        .iter()
        .filter(|it| {
            it.weight >= 0.3 && text.get(end..it.end).is_some_and(|it| !it.trim().is_empty())
        })
        .filter(|it| count(&text[..it.end]) * 4 >= here * 3)
        .map(|it| it.end)
        .max()
        .unwrap_or(end)
}

/// The column at which the text ends and its last part, if blanks stand before that.
fn right_end(text: &str) -> Option<(u16, &str)> {
    let bare = text.trim_end();
    if bare.len() > 1024 {
        return None;
    }
    let gap = bare.as_bytes().windows(2).rposition(|it| it == b"  ")?;
    (gap > 0 && bare.len() - gap < 120).then(|| {
        let end = bare.chars().filter_map(UnicodeWidthChar::width).sum::<usize>() as u16;
        (end, &bare[gap + 2..])
    })
}

/// Where the prompt of a drawn line may end, within what the line editor has shown: not behind the byte it
/// went back to, not before the last change of colour.
pub fn bounded(text: &str, low: Option<usize>, paint: Option<usize>) -> Vec<Candidate> {
    let mut found = candidates(text);
    if let Some(low) = low {
        found.retain(|it| it.end <= low);
        if low > 0 && !found.iter().any(|it| it.end == low) {
            found.push(Candidate { end: low, weight: 0.15 });
        }
    }
    if let Some(paint) = paint
        && low.is_none_or(|it| paint <= it)
    {
        let kept: Vec<Candidate> = found.iter().copied().filter(|it| it.end >= paint).collect();
        if !kept.is_empty() {
            found = kept;
        }
        painted(text, paint, low, &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_hashed_together_as_they_are_one_by_one() {
        for text in [
            "[dana@h ~]$ ls  -l",
            "  ->  + x",
            "a\u{a0}b\u{3000}c  d",
            "❯ né é~ //",
            "",
            "x",
            "x   ",
            "\tx\t",
            "word/~.. ++ 日本 $ 語 ",
        ] {
            let ends: Vec<usize> =
                (0..=text.len()).filter(|it| text.is_char_boundary(*it)).collect();
            let together = hashes_of_beginnings(text, ends.iter().copied());
            let apart: Vec<u64> =
                ends.iter().map(|it| skeleton_hash(text[..*it].trim_end())).collect();
            assert_eq!(together, apart, "{text:?}");
        }
    }

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

    #[test]
    fn what_a_session_teaches_of_its_prompts_has_an_end() {
        let mut learnt = Learnt::default();
        for nth in 0..LITERALS_IN_ALL as u32 / 3 {
            // Many kinds, each with texts of its own.
            let kind: String =
                (0..8).map(|it| if nth >> it & 1 == 1 { "! " } else { "? " }).collect();
            let text = format!("{kind}u{nth} $ ls");
            learnt.line(&text, &bounded(&text, None, None), None);
            learnt.region_row(0, &text, &bounded(&text, None, None), None);
        }
        let held = |it: &ByHash<Support>| it.values().map(|it| it.literals.len()).sum::<usize>();
        assert_eq!(held(&learnt.lines) + held(&learnt.regions), LITERALS_IN_ALL);
    }

    #[test]
    fn a_skeleton_keeps_signs_and_forgets_words() {
        assert_eq!(skeleton("[ssm-user@ip-1 bin]$ "), "[w@w w]$ ");
        assert_eq!(skeleton("14:03:22 /opt $"), "w:w:w w $");
    }
}
