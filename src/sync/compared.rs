//! What a newer reading of a session changed in its commands.

use std::hash::BuildHasher;

use crate::source::FIXED;

/// Commands of an earlier reading of a session, to be compared with those that are read now: eight bytes each, for a session may
/// have millions.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// In order: where each stands, and in the last 24 bits what it says, or [`MET`] of one that was met again. Of sixteen million
    /// that read differently one may count as the same.
    before: Vec<u64>,
    pub(super) new: u64,
    pub(super) different: u64,
}

/// Bits of what a command says.
const SAYS: u32 = 24;

/// What no command says.
const MET: u64 = 0;

impl Compared {
    pub(super) fn with_capacity(commands: usize) -> Self {
        Self { before: Vec::with_capacity(commands), ..Self::default() }
    }

    pub(super) fn add(&mut self, byte_start: i64, kind: &str, text: &str) {
        self.before.push(Self::key(byte_start) | Self::says(kind, text));
    }

    /// All of them were added.
    pub(super) fn settle(&mut self) {
        self.before.sort_unstable();
    }

    fn key(byte_start: i64) -> u64 {
        (byte_start as u64) << SAYS
    }

    fn says(kind: &str, text: &str) -> u64 {
        (FIXED.hash_one((kind, text)) >> (u64::BITS - SAYS)).max(MET + 1)
    }

    pub(super) fn meet(&mut self, byte_start: i64, kind: &str, text: &str) {
        let (place, now) = (Self::key(byte_start), Self::says(kind, text));
        let of = |it: u64| (it >> SAYS) << SAYS;
        let from = self.before.partition_point(|it| of(*it) < place);
        let same = self.before[from..].iter_mut().take_while(|it| of(**it) == place);
        match same.filter(|it| **it != place | MET).min_by_key(|it| **it != place | now) {
            None => self.new += 1,
            Some(it) => {
                self.different += u64::from(*it != place | now);
                *it = place | MET;
            }
        }
    }

    /// Those that were not met again.
    pub(super) fn gone(&self) -> u64 {
        let says = (1 << SAYS) - 1;
        self.before.iter().filter(|it| **it & says != MET).count() as u64
    }
}
