//! What was decoded and waits to be written: how much it weighs, and that all of it together never weighs too much.
//!
//! A byte of a transcript can become fifty bytes of memory (an empty line is a line), and many transcripts wait at once.
//! What would weigh too much is let go and decoded once more when it is written, piece by piece, as large transcripts are.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::intake;
use crate::intake::Content;
use crate::transcript::decoder::CHUNK;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::Decoder;
use crate::transcript::decoder::Flaw;
use crate::transcript::decoder::Piece;
use crate::transcript::wire::Form;

/// Bytes of memory that the decoded text of all transcripts of a run may take: with what was fetched and with one batch
/// of rows it fits into the 512 MiB that any command may take.
const ROOM: usize = 80 << 20;
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

/// KiB of transcripts that are read or wait to be gathered, as they lie in memory: a compressed log of 1 MB can be a hundred.
/// It bounds what all workers hold together, however many there are.
const WAITING_KIB: usize = 48 << 10;

/// Room for what is read and not yet gathered. Whoever reads takes it before.
#[derive(Clone)]
pub(super) struct Waiting(Arc<Semaphore>);

impl Default for Waiting {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(WAITING_KIB)))
    }
}

impl Waiting {
    /// Takes room for so many KiB, once it is there; `None` when nobody gathers any more.
    pub(super) async fn admit(&self, kib: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(kib.clamp(1, WAITING_KIB)).ok()?;
        Arc::clone(&self.0).acquire_many_owned(kib).await.ok()
    }

    /// Nobody gathers any more: whoever waits is let go.
    pub(super) fn close(&self) {
        self.0.close();
    }
}

/// KiB that contents of one object take while they wait. One that lies in a scratch file counts as the most that lies in
/// memory, so that few such files are open at once.
pub(super) fn weight_of<'a>(contents: impl Iterator<Item = &'a Content>) -> usize {
    let (mut bytes, mut is_spooled) = (0, false);
    for it in contents {
        match it {
            Content::Memory(it) => bytes += it.capacity(),
            // What came of one object lies in one file.
            Content::Spooled { .. } => is_spooled = true,
        }
    }
    (bytes + if is_spooled { intake::MEMORY } else { 0 }) >> 10
}

/// All that was decoded of one transcript.
pub(super) struct Decoded {
    pub(super) piece: Piece,
    weight: usize,
    room: Room,
}

impl Decoded {
    /// What a transcript says, `None` if that is more than there is room for; and what is claimed in it and wrong with it.
    pub(super) fn of(form: Form, bytes: &[u8], room: &Room) -> (Option<Self>, Claims, Vec<Flaw>) {
        let mut decoder = Decoder::new(form);
        let mut piece = Piece::default();
        let mut held = Some(Self { piece: Piece::default(), weight: 0, room: room.clone() });
        for part in bytes.chunks(CHUNK) {
            decoder.push(part);
            decoder.take_into(&mut piece);
            held = held.and_then(|it| it.and(&mut piece));
        }
        let (mut last, claims, flaws) = decoder.finish();
        (held.and_then(|it| it.and(&mut last)), claims, flaws)
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// With what follows; `None` if that is more than there is room for.
    fn and(mut self, more: &mut Piece) -> Option<Self> {
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

    /// What is held of a transcript when it has been decoded.
    fn decoded(bytes: &[u8], room: &Room) -> Option<Decoded> {
        Decoded::of(Form::Bare, bytes, room).0
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
    fn what_waits_to_be_gathered_is_weighed_as_it_lies_here() {
        let memory = Content::Memory(vec![0; 3 << 20]);
        let spooled = || Content::Spooled {
            file: Arc::new(tempfile::tempfile().unwrap()),
            extents: Vec::new(),
            bytes: 1 << 30,
        };
        assert_eq!(weight_of([&memory, &memory].into_iter()), 6 << 10);
        let both = [spooled(), spooled()];
        assert_eq!(weight_of(both.iter()), intake::MEMORY >> 10);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let waiting = Waiting::default();
            let mut held = Vec::new();
            for _ in 0..WAITING_KIB / (intake::MEMORY >> 10) {
                held.push(waiting.admit(weight_of(both.iter())).await.unwrap());
            }
            // No more scratch files than fit: the next waits until one is gathered, or nobody gathers.
            let mut next = Box::pin(waiting.admit(1));
            assert!(futures_util::poll!(&mut next).is_pending());
            held.pop();
            assert!(futures_util::poll!(&mut next).is_ready());
            // What weighs more than all goes alone.
            let mut heavy = Box::pin(waiting.admit(usize::MAX));
            assert!(futures_util::poll!(&mut heavy).is_pending());
            waiting.close();
            assert!(matches!(futures_util::poll!(&mut heavy), std::task::Poll::Ready(None)));
        });
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
