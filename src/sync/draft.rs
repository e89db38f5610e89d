//! A transcript that was read and decoded, on its way into the archive, and what became of an object.

use tokio::sync::OwnedSemaphorePermit;

use crate::archive::manifest::Alias;
use crate::archive::manifest::Brought;
use crate::archive::manifest::Other;
use crate::archive::value::Word;
use crate::intake;
use crate::intake::Content;
use crate::session::MASK;
use crate::session::SessionId;
use crate::source::Listed;
use crate::source::Seen;
use crate::time::At;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::Decoder;
use crate::transcript::decoder::FlawKind;
use crate::transcript::wire::Form;

use super::pieces::Decoded;
use super::pieces::Room;
use super::pieces::weight_of;
use super::summary::Summary;

/// Raised whenever the decoder would read the same bytes otherwise.
pub const DECODER: i64 = 10;

/// Rows of one row group: small enough that reading one session reads little else.
pub(super) const GROUP_ROWS: usize = 8192;

/// Bytes of one part of a long transcript, and of one row group of short ones.
pub(super) const PART_BYTES: usize = 4 << 20;

/// One transcript, read and (unless it is large) decoded.
pub(super) struct Draft {
    pub(super) session_id: SessionId,
    pub(super) source: String,
    pub(super) locator: String,
    pub(super) version: String,
    pub(super) form: Form,
    pub(super) digest: String,
    pub(super) stored_bytes: u64,
    pub(super) stored_at: Option<At>,
    pub(super) read_at: At,
    pub(super) content: Content,
    /// The archive holds its bytes already, in this many parts.
    pub(super) kept: Option<i64>,
    /// What a log stream has grown by, of which all else is kept already.
    pub(super) tail: Option<Tail>,
    pub(super) seen: Seen,
    /// Account and Region that the source itself tells.
    pub(super) place: (Option<String>, Option<String>),
    /// Flaws of the object rather than of its bytes.
    pub(super) object_flaws: Vec<Word<FlawKind>>,
    pub(super) claims: Claims,
    /// These, and those of its bytes.
    pub(super) flaws: Vec<FlawKind>,
    /// What was decoded, unless it is too much to hold: then it is decoded once more when it is written.
    pub(super) piece: Option<Decoded>,
}

/// New events of a kept stream.
pub(super) struct Tail {
    pub(super) content: Content,
    pub(super) digest: String,
    /// Where it stands in the whole.
    pub(super) part: i64,
    pub(super) start: i64,
}

impl Draft {
    pub(super) fn account(&self) -> Option<&str> {
        self.claims.account.as_deref().or(self.place.0.as_deref())
    }

    /// Which copy a session's text is taken from: one that kept every byte, of these the longest, and of equal ones that which was
    /// kept first. (What differs in more than its length is no copy, see `Gatherer::apart`.)
    /// Of readings of a stream it is the one that holds the others.
    pub(super) fn rank(&self) -> (bool, bool, u64, bool, i64) {
        let (whole, stored) = (self.is_whole(), self.stored_at.map_or(i64::MIN + 1, |it| it.0));
        (
            self.content.bytes() > 0,
            self.form != Form::Events || !self.claims.streamed,
            self.content.bytes(),
            whole && self.kept.is_some(),
            if whole { -stored } else { stored },
        )
    }

    /// Whether it is a copy of the session's bytes, every one kept, so that two of them must not differ.
    pub(super) fn is_whole(&self) -> bool {
        self.form != Form::Events && self.content.bytes() > 0
    }

    /// What it must agree with: the first copy that kept every byte, or the longest reading of the stream.
    pub(super) fn compared_with<'a>(
        &self,
        mut all: impl Iterator<Item = &'a Self>,
    ) -> Option<&'a Self> {
        if self.is_whole() {
            return all.find(|it| it.is_whole());
        }
        let is_reading = |it: &Self| it.form == Form::Events && it.content.bytes() > 0;
        let readings = all.filter(|it| is_reading(self) && is_reading(it));
        readings.max_by_key(|it| it.content.bytes())
    }

    /// Whether one of two copies is the beginning of the other: it was taken earlier, or cut; of readings of a log stream, whether
    /// one holds all that the other does.
    pub(super) fn goes_on_from(&self, other: &Self) -> std::io::Result<bool> {
        if self.form == Form::Events {
            return intake::one_holds_the_other(&self.content, &other.content);
        }
        let (long, short) = match self.content.bytes() >= other.content.bytes() {
            true => (self, other),
            false => (other, self),
        };
        Ok(long.content.digest_of_first(short.content.bytes())? == short.content.digest()?)
    }

    /// Decodes a small transcript whole, and of a large one its beginning, for what it claims.
    pub(super) fn decode(&mut self, room: &Room) -> std::io::Result<()> {
        self.flaws.clear();
        match &self.content {
            Content::Memory(bytes) => {
                let (piece, claims, flaws) = Decoded::of(self.form, bytes, room);
                (self.piece, self.claims) = (piece, claims);
                self.flaws.extend(flaws.iter().map(|it| it.kind));
            }
            // The rest is read when it is written.
            Content::Spooled { .. } => {
                let mut decoder = Decoder::new(self.form);
                decoder.push(&self.content.head(1 << 20)?);
                self.claims = decoder.finish().1;
            }
        }
        let told = [self.claims.session_id.as_deref(), self.claims.frame.session_id.as_deref()];
        let is_other = |it: &str| !it.contains(MASK) && it != self.session_id.as_str();
        if told.into_iter().flatten().any(is_other) {
            self.flaws.push(FlawKind::IdDiffers);
        }
        self.flaws.extend(self.object_flaws.iter().filter_map(Word::known));
        Ok(())
    }

    /// Has a flaw from now on that its bytes do not show.
    pub(super) fn mark(&mut self, flaw: FlawKind) {
        if !self.object_flaws.iter().any(|it| *it == flaw) {
            self.object_flaws.push(flaw.into());
            self.flaws.push(flaw);
        }
    }

    /// The bytes of it that are not kept yet: of a stream that grew, its growth.
    pub(super) fn fresh(&self) -> &Content {
        self.tail.as_ref().map_or(&self.content, |it| &it.content)
    }

    /// What an entry says of these.
    pub(super) fn brought(&self) -> std::io::Result<Brought> {
        Ok(Brought {
            locator: self.locator.clone(),
            version: self.version.clone(),
            digest: self.tail.as_ref().map_or(&self.digest, |it| &it.digest).clone(),
            content_digest: self.fresh().digest()?,
        })
    }
}

/// Those flaws that are there.
pub(super) fn flaws_of(told: &[(bool, FlawKind)]) -> Vec<FlawKind> {
    told.iter().filter(|it| it.0).map(|it| it.1).collect()
}

/// The new events of a stream whose beginning is kept, with the key of its session.
pub(super) struct Growth {
    pub(super) kept: super::plan::KeptStream,
    /// The stream as listed now.
    pub(super) listed: Listed,
    /// The version that is held from now on.
    pub(super) version: String,
    pub(super) stored_at: Option<At>,
    pub(super) content: Content,
    pub(super) digest: String,
    pub(super) repeated: u64,
    pub(super) seen: Seen,
}

/// What became of one object: what is told of it, and what of it is to be kept.
#[derive(Default)]
pub(super) struct ObjectOutcome {
    pub(super) told: Summary,
    pub(super) drafts: Vec<Draft>,
    pub(super) growths: Vec<Growth>,
    /// What makes a version known of which all is held.
    pub(super) aliases: Vec<Alias>,
    /// What is no transcript: remembered, so that it is not read again.
    pub(super) others: Vec<Other>,
}

impl ObjectOutcome {
    /// KiB that it takes while it waits to be gathered.
    pub(super) fn weight(&self) -> usize {
        let growths = self.growths.iter().map(|it| &it.content);
        weight_of(self.drafts.iter().map(|it| &it.content).chain(growths))
    }
}

/// An object that is done.
pub(super) struct Done {
    pub(super) outcome: ObjectOutcome,
    pub(super) _room: (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit),
}

#[cfg(test)]
impl Draft {
    /// A transcript of alice that lay in a folder, decoded.
    pub(super) fn sample(locator: &str, text: &str) -> Self {
        let mut draft = Self {
            session_id: SessionId::new("alice-0123456789abcdef0").unwrap(),
            source: "/logs".into(),
            locator: locator.into(),
            version: "v1".into(),
            form: Form::Script,
            digest: "digest".into(),
            stored_bytes: text.len() as u64,
            stored_at: None,
            read_at: At::default(),
            content: Content::Memory(text.into()),
            kept: None,
            tail: None,
            seen: Seen::default(),
            place: (None, None),
            object_flaws: Vec::new(),
            claims: Claims::default(),
            flaws: Vec::new(),
            piece: None,
        };
        draft.decode(&Room::of_one_session()).unwrap();
        draft
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_copies_is_the_beginning_of_the_other_or_they_are_none() {
        let whole = "Script started on 2026-11-23 13:39:19+0000\nsh-4.2$ ls\r\r\n";
        let one = Draft::sample("a.log", whole);
        let cut = Draft::sample("b.log", &whole[..whole.len() - 5]);
        let differs = Draft::sample("c.log", &whole.replace("ls", "id"));
        for (other, agrees) in [(&one, true), (&cut, true), (&differs, false)] {
            assert_eq!(one.goes_on_from(other).unwrap(), agrees, "{}", other.locator);
            assert_eq!(other.goes_on_from(&one).unwrap(), agrees, "{}", other.locator);
        }
        assert!(one.rank() > cut.rank(), "the longer is read");
    }

    #[test]
    fn a_flaw_of_a_newer_version_is_kept_and_is_none_that_this_one_tells() {
        let mut draft = Draft::sample("a.log", "$ ls\r\n");
        draft.object_flaws.push(Word::of("of-a-newer-version"));
        let before = draft.flaws.clone();
        draft.mark(FlawKind::KeptDamaged);
        assert_eq!(draft.object_flaws[0].as_str(), "of-a-newer-version");
        assert_eq!(draft.flaws.len(), before.len() + 1);
    }

    #[test]
    fn a_flaw_is_marked_once() {
        let mut draft = Draft::sample("a.log", "$ ls\r\n");
        let before = draft.flaws.len();
        draft.mark(FlawKind::KeptDamaged);
        draft.mark(FlawKind::KeptDamaged);
        assert_eq!(draft.object_flaws, [FlawKind::KeptDamaged]);
        assert_eq!(draft.flaws.len(), before + 1);
    }
}
