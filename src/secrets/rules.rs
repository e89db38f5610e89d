//! The rules: ours for command lines and the files that sessions print, and those of gitleaks for tokens that say what they are.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::bytes;
use serde::Deserialize;
use toml_edit::Document;
use toml_edit::Item;
use toml_edit::Table;

/// What `{value}` is in a pattern of ours: a value as shells write it.
const VALUE: &str = r#"('[^']+'|"[^"]+"|[^\s'"|;&<>()`]+)"#;

/// One rule as the data files have it, and its pattern.
#[derive(Default, Deserialize)]
pub(super) struct RuleRow {
    pub(super) id: String,
    /// The rule is tried where one of these words stands in the text.
    keywords: Vec<String>,
    pattern: String,
    /// Which group of the pattern is the secret: the first that matched, if none is named.
    pub(super) group: Option<usize>,
    /// Bits a character that the secret has at least.
    #[serde(default)]
    pub(super) entropy: f64,
    /// The value must look like a secret and not like a word, since what stands before it is weak.
    #[serde(default)]
    pub(super) picky: bool,
    #[serde(skip)]
    made: OnceLock<Option<bytes::Regex>>,
}

impl RuleRow {
    /// A rule of our own table.
    fn own(table: &Table) -> Self {
        let text = |name: &str| table.get(name).and_then(Item::as_str).unwrap_or_default();
        let keywords = table.get("keywords").and_then(Item::as_array).into_iter().flatten();
        Self {
            id: text("id").to_owned(),
            keywords: keywords.filter_map(|it| it.as_str()).map(str::to_owned).collect(),
            pattern: text("pattern").replace("{value}", VALUE),
            picky: table.contains_key("picky"),
            ..Self::default()
        }
    }

    /// The pattern, made when first needed: two hundred would cost more than most answers.
    /// Over bytes, since the rules speak of ASCII and classes of all Unicode are megabytes.
    pub(super) fn regex(&self) -> Option<&bytes::Regex> {
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
    let own = Document::parse(include_str!("own.toml")).expect("a constant table");
    let own = own.get("rules").and_then(Item::as_array_of_tables).into_iter().flatten();
    let gitleaks = include_str!("gitleaks.jsonl").lines();
    let gitleaks = gitleaks.map(|it| serde_json::from_str(it).expect("a constant rule"));
    let rules: Vec<RuleRow> = own.map(RuleRow::own).chain(gitleaks).collect();
    let mut waiting: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (nth, rule) in rules.iter().enumerate() {
        for word in &rule.keywords {
            waiting.entry(word.to_lowercase()).or_default().push(nth);
        }
    }
    let words = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(waiting.keys())
        .expect("constant words");
    Rules { rules, words, waiting: waiting.into_values().collect() }
});

/// The rules of which a word stands in the text, in their order.
pub(super) fn awake(text: &str) -> impl Iterator<Item = &'static RuleRow> {
    let rules = &*RULES;
    let words = rules.words.find_overlapping_iter(text);
    let awake: BTreeSet<usize> =
        words.flat_map(|it| &rules.waiting[it.pattern().as_usize()]).copied().collect();
    awake.into_iter().map(|it| &rules.rules[it])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_a_pattern() {
        for it in &RULES.rules {
            assert!(it.regex().is_some(), "{}: {}", it.id, it.pattern);
        }
        assert!(RULES.rules.len() > 200);
        let own = include_str!("own.toml").matches("[[rules]]").count();
        assert_eq!(own, 41);
        assert!(RULES.rules[..own].iter().all(|it| !it.id.is_empty() && !it.keywords.is_empty()));
    }
}
