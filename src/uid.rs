//! Names of commands that outlive their places.
//!
//! Whoever keeps a copy of what was exported knows a command by its `uid`. The place of a command shifts when a session is read
//! better, a second copy comes, or its account becomes known. So a name is made of what was typed and of how often the session
//! has the same text before; and where a newer reading of a session has a text less often, the names that are left over are
//! withdrawn, so that the copy ends with what the archive holds.

use std::collections::BTreeSet;
use std::collections::HashMap;

use sha2::Digest;
use sha2::Sha256;

use crate::secrets;

/// Bytes of a name. Written as hex digits.
const BYTES: usize = 16;

/// What a name knows of a text, secrets left out: nobody can try passwords against it.
pub fn fingerprint(text: &str) -> u64 {
    of_masked(&secrets::blank(text))
}

/// The same of a text in which secrets are masked already.
pub fn of_masked(text: &str) -> u64 {
    let digest = Sha256::digest(secrets::unmarked(text).as_bytes());
    u64::from_be_bytes(std::array::from_fn(|it| digest[it]))
}

/// The name of a session.
pub fn of_session(session_key: &str) -> String {
    hex::encode(&Sha256::digest(session_key)[..BYTES])
}

type Name = [u8; BYTES];

/// The name of the `nth` command, from 1, of those of a session that have the same text.
fn of_command(session_key: &str, text: u64, nth: u32) -> Name {
    let mut hasher = Sha256::new();
    hasher.update(session_key);
    hasher.update([0]);
    hasher.update(text.to_be_bytes());
    hasher.update(nth.to_be_bytes());
    let digest = hasher.finalize();
    std::array::from_fn(|it| digest[it])
}

/// A name as it is written.
fn read(hex: &str) -> Option<Name> {
    let mut name = [0; BYTES];
    hex::decode_to_slice(hex, &mut name).ok()?;
    Some(name)
}

/// Names the commands of sessions that come one after the other, each from its first command on.
#[derive(Default)]
pub struct Names {
    session_key: String,
    seen: HashMap<u64, u32>,
}

impl Names {
    /// The name of the next command; `text` is its fingerprint.
    pub fn next(&mut self, session_key: &str, text: u64) -> String {
        if self.session_key != session_key {
            session_key.clone_into(&mut self.session_key);
            self.seen.clear();
        }
        let nth = self.seen.entry(text).or_default();
        *nth += 1;
        hex::encode(of_command(session_key, text, *nth))
    }
}

/// What an earlier reading of a session had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Fingerprints of its commands.
    pub texts: Vec<u64>,
    /// Names that were withdrawn by then.
    pub withdrawn: Vec<String>,
}

impl Before {
    /// Names that a newer reading of the session, whose commands have these fingerprints, has no more.
    pub fn withdrawn(self, session_key: &str, mut now: Vec<u64>) -> Vec<String> {
        let mut before = self.texts;
        before.sort_unstable();
        now.sort_unstable();
        let mut names: BTreeSet<Name> = self.withdrawn.iter().filter_map(|it| read(it)).collect();
        if !names.is_empty() {
            // What is read again is withdrawn no longer.
            for same in now.chunk_by(|one, other| one == other) {
                for (nth, text) in (1..).zip(same) {
                    names.remove(&of_command(session_key, *text, nth));
                }
            }
        }
        for same in before.chunk_by(|one, other| one == other) {
            let Some(text) = same.first() else { continue };
            let from = now.partition_point(|it| it < text);
            let kept = now[from..].iter().take_while(|it| *it == text).count();
            names.extend(
                (kept..same.len()).map(|nth| of_command(session_key, *text, nth as u32 + 1)),
            );
        }
        names.iter().map(hex::encode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader has who keeps the last of each name, when this is read after that.
    fn kept(readings: &[&[&str]]) -> Vec<String> {
        let mut copy: HashMap<String, String> = HashMap::new();
        let mut before: Option<Before> = None;
        for reading in readings {
            let texts: Vec<u64> = reading.iter().map(|it| fingerprint(it)).collect();
            let withdrawn = before.take().map(|it| it.withdrawn("alice-1", texts.clone()));
            let withdrawn = withdrawn.unwrap_or_default();
            for name in &withdrawn {
                copy.remove(name);
            }
            let mut names = Names::default();
            for (text, it) in texts.iter().zip(*reading) {
                copy.insert(names.next("alice-1", *text), (*it).to_owned());
            }
            before = Some(Before { texts, withdrawn });
        }
        let mut out: Vec<String> = copy.into_values().collect();
        out.sort_unstable();
        out
    }

    #[test]
    fn whoever_keeps_the_last_of_each_name_ends_with_the_last_reading() {
        for readings in [
            [&["ls", "id", "ls"] as &[&str], &["id", "ls"], &["id", "ls"]],
            [&["a", "b"], &["b", "a", "c"], &["c"]],
            [&["a", "b"], &[], &["b", "b", "a"]],
            [&["a", "a", "a"], &["a"], &["a", "a"]],
        ] {
            let mut wanted: Vec<String> = readings[2].iter().map(|it| (*it).to_owned()).collect();
            wanted.sort_unstable();
            assert_eq!(kept(&readings), wanted);
        }
    }

    #[test]
    fn a_name_tells_nothing_of_a_secret() {
        assert_eq!(
            fingerprint("export DB_PASSWORD=hunter2x"),
            fingerprint("export DB_PASSWORD=correct4horse")
        );
        assert_ne!(fingerprint("export A=1"), fingerprint("export A=2"));
        let masked = "export DB_PASSWORD=[masked:variable:0f1e2d]";
        assert_eq!(of_masked(masked), fingerprint("export DB_PASSWORD=hunter2x"));
    }
}
