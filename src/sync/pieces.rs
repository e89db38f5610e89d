//! What was decoded and waits to be written: how much it weighs, and that all of it together never weighs too much.
//!
//! A byte of a transcript can become fifty bytes of memory (an empty line is a line), and many transcripts wait at once.
//! What would weigh too much is let go and decoded once more when it is written, piece by piece, as large transcripts are.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::transcript::decoder::Piece;

/// Bytes of memory that the decoded text of all transcripts of a run may take: with what was fetched and with one batch
/// of rows it fits into the 512 MiB that any command may take.
const ROOM: usize = 128 << 20;
/// The same of one transcript.
const MOST: usize = 32 << 20;

/// Room for what was decoded.
#[derive(Clone)]
pub(super) struct Room(Arc<Weights>);

struct Weights {
    most: usize,
    most_of_one: usize,
    held: AtomicUsize,
    /// The most that was ever held at once.
    peak: AtomicUsize,
}

impl Default for Room {
    fn default() -> Self {
        Self::of(ROOM, MOST)
    }
}

impl Room {
    fn of(most: usize, most_of_one: usize) -> Self {
        let (held, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Weights { most, most_of_one, held, peak }))
    }

    /// For the few transcripts of one session, which are written before others are brought back.
    pub(super) fn of_one_session() -> Self {
        Self::of(MOST, MOST)
    }

    /// Whether the room is half taken by something of this weight: then it is time to write that.
    pub(super) fn is_half_of_all(weight: usize) -> bool {
        weight >= ROOM / 2
    }

    /// Takes so much of the room, if it is there.
    fn take(&self, weight: usize) -> bool {
        let fits = |held: usize| held.checked_add(weight).filter(|it| *it <= self.0.most);
        let taken = self.0.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        if let Ok(before) = taken {
            self.0.peak.fetch_max(before + weight, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    fn give_back(&self, weight: usize) {
        self.0.held.fetch_sub(weight, Ordering::Relaxed);
    }
}

/// All that was decoded of one transcript.
pub(super) struct Decoded {
    pub(super) piece: Piece,
    weight: usize,
    room: Room,
}

impl Decoded {
    pub(super) fn new(room: &Room) -> Self {
        Self { piece: Piece::default(), weight: 0, room: room.clone() }
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// With what follows; `None` if that is more than there is room for.
    pub(super) fn and(mut self, more: &mut Piece) -> Option<Self> {
        let weight = more.weight();
        if self.weight + weight > self.room.0.most_of_one || !self.room.take(weight) {
            return None;
        }
        let first = self.weight == 0;
        self.weight += weight;
        match std::mem::take(more) {
            it if first => self.piece = it,
            it => self.piece.append(it),
        }
        Some(self)
    }
}

impl Drop for Decoded {
    fn drop(&mut self) {
        self.room.give_back(self.weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::decoder::CHUNK;
    use crate::transcript::decoder::Decoder;
    use crate::transcript::wire::Form;

    /// What is held of a transcript when it has been decoded.
    fn decoded(bytes: &[u8], room: &Room) -> Option<Decoded> {
        let mut decoder = Decoder::new(Form::Bare);
        let mut piece = Piece::default();
        let mut held = Some(Decoded::new(room));
        for part in bytes.chunks(CHUNK) {
            decoder.push(part);
            decoder.take_into(&mut piece);
            held = held.and_then(|it| it.and(&mut piece));
        }
        let (mut last, ..) = decoder.finish();
        held.and_then(|it| it.and(&mut last))
    }

    #[test]
    fn a_transcript_that_weighs_too_much_decoded_is_let_go() {
        let room = Room::of(4 << 20, 1 << 20);
        for heavy in [b"\n".as_slice(), b"sh-4.2$ ls\r\n", b"[u@h ~]$ echo a b c\r\n"] {
            let bytes = heavy.repeat((1 << 20) / heavy.len());
            assert!(decoded(&bytes, &room).is_none());
            assert_eq!(room.0.held.load(Ordering::Relaxed), 0);
        }
        assert!(room.0.peak.load(Ordering::Relaxed) <= 1 << 20);
        let light =
            decoded(&b"the quick brown fox jumps over the lazy dog\r\n".repeat(5000), &room);
        assert_eq!(light.map(|it| it.piece.lines.len()), Some(5000));
    }

    #[test]
    fn transcripts_that_wait_at_once_share_the_room() {
        let room = Room::of(4 << 20, 1 << 20);
        let bytes = b"\n".repeat(20_000);
        let mut waiting: Vec<Decoded> = (0..100).filter_map(|_| decoded(&bytes, &room)).collect();
        let each = waiting[0].weight();
        assert_eq!(waiting.len(), (4 << 20) / each);
        assert_eq!(room.0.held.load(Ordering::Relaxed), waiting.len() * each);
        assert!(room.0.peak.load(Ordering::Relaxed) <= 4 << 20);
        assert!(decoded(&bytes, &room).is_none());
        waiting.pop();
        assert!(decoded(&bytes, &room).is_some());
    }
}
