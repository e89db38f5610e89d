//! What is damaged, moved aside, so that writers may go on. Nothing is deleted, and the chain says what was done.
//!
//! A repair plans first and writes the plan down, then moves things into `lost/NUMBER/`, restores the manifest from the
//! copies of its entries, and ends with an entry of its own, which names each thing with the digest it was found with.
//! Entries that prove but no longer hang on the chain are taken back in with their files; what does not prove is not.

use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use super::diagnosis::Diagnosis;
use super::diagnosis::PLAN;
use super::diagnosis::Plan;
use super::diagnosis::is_there;
use super::diagnosis::lost_folders;
use super::diagnosis::may_not;
use super::diagnosis::name_of;
use super::folder::LOST;
use super::folder::MARKER;
use super::folder::MAY_NOT;
use super::folder::READERS;
use super::folder::There;
use super::folder::private_folder;
use super::folder::sync_folder;
use super::folder::write_whole;
use super::manifest;
use super::manifest::ADOPTED;
use super::manifest::BEYOND;
use super::manifest::Brought;
use super::manifest::Entry;
use super::manifest::FileNote;
use super::manifest::Manifest;
use super::manifest::Repaired;
use super::manifest::Seal;
use super::schema::TABLES;
use super::sides;
use super::state::Below;
use super::state::NO_FOLDER;
use super::writer;
use super::writer::Segment;
use super::writer::Writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Number of its entry; 0 if there was nothing to repair.
    pub entry: u64,
    /// What was moved, taken back in or missing, one item a thing.
    pub done: Vec<Repaired>,
    /// Entries that were restored to the manifest from their copies.
    pub restored: u64,
    /// Copies and lists of entries that were written again from what the archive still knows.
    pub again: u64,
    /// Tables of which a file was moved aside or is missing.
    pub tables: Vec<String>,
    /// `ENTRY:DIGEST` of the last entry after the repair; `None` in an archive without entries.
    pub head: Option<String>,
}

/// Repairs the archive in this folder.
///
/// # Errors
/// No archive there, a newer one, another writer, the system's refusal. Whatever stops it, it can be run again.
pub fn repair(root: &Path, written_at: &str) -> Result<Repair> {
    // Before anything is locked: a folder of something else gets no file of ours.
    marker_is_sound(root)?;
    super::folder::must_be_file(&root.join(READERS)).map_err(|it| {
        Error::file("open", &root.join(READERS), it).hint("remove it: a lock holds nothing")
    })?;
    {
        let _writer = Writer::open_damaged(root)?;
        undo(root)?;
    }
    let has_marker = marker_is_sound(root)?;
    let mut writer = Writer::open_damaged(root)?;
    let found = Diagnosis::of(root, &mut writer, has_marker)?;
    if found.is_nothing() {
        make_entries(root)?;
        write_lists(root, &found.plan)?;
        if found.copies {
            Manifest::rewrite(root, &found.chain)?;
        }
        let head = found.manifest.head();
        return Ok(Repair { head, again: found.again(), ..Repair::default() });
    }
    found.carry_out(root, writer, written_at)
}

impl Diagnosis {
    /// Moves, restores, and says so in an entry of its own.
    fn carry_out(mut self, root: &Path, mut writer: Writer, written_at: &str) -> Result<Repair> {
        let number = number(root, &self.manifest);
        let folder = format!("{LOST}/{number:08}");
        let (moves, mut done) = self.told(root, &folder);
        let (adopted, mut entry, brought) = self.adopted(root, &mut done);
        if super::state::not_folders(root).contains(&LOST) {
            let lost = root.join(LOST);
            let why = Error::new(Kind::Refused, format!("{}: {NO_FOLDER}", lost.display()));
            return Err(why.hint(
                "what is damaged would be moved into it: give it another name, outside the archive",
            ));
        }
        // The plan first: whoever comes after a crash finds what was moved, and why.
        let lost = root.join(&folder);
        super::folder::stays_inside(root, &lost)?;
        private_folder(&lost).map_err(|it| Error::file("make", &lost, it))?;
        let text = serde_json::to_vec_pretty(&done)
            .map_err(|it| Error::file("write", &lost, it.into()))?;
        write_whole(&lost.join(PLAN), &text)?;
        for (path, moved_to) in &moves {
            move_aside(root, path, moved_to)?;
        }
        self.restore(root, &writer)?;
        let has_damage =
            self.manifest.damages.iter().any(|it| it.locator.starts_with(manifest::NAME));
        writer.restore(Manifest::read(root));
        entry.did = "repair".into();
        entry.written_at = written_at.into();
        entry.repaired.clone_from(&done);
        entry.generation = number as i64;
        let segment = Segment::new(root, number as i64)?;
        writer.publish_as(number, segment, adopted, (entry, brought))?;
        Ok(Repair {
            entry: number,
            restored: if has_damage { self.chain.len() as u64 } else { 0 },
            tables: tables(&done),
            done,
            again: self.again(),
            head: writer.head(),
        })
    }

    /// Each thing that is moved with its new place, and all that the entry says was moved or is missing.
    fn told(&mut self, root: &Path, folder: &str) -> (Vec<(PathBuf, String)>, Vec<Repaired>) {
        let mut moves = Vec::new();
        let mut done = std::mem::take(&mut self.untold);
        for (path, why) in &self.plan.moves {
            let sha256 = writer::digest(&root.join(path)).map(|it| it.1).unwrap_or_default();
            let mut moved_to = String::new();
            if is_there(&root.join(path)) {
                moved_to = format!("{folder}/{}", name_of(path));
                moves.push((path.clone(), moved_to.clone()));
            }
            // Whoever looks for what was lost looks for its name.
            let what = match self.plan.again.contains(path) {
                true => format!("{} as it was", name_of(path)),
                false => name_of(path),
            };
            done.push(Repaired { what, moved_to, sha256, why: why.clone() });
        }
        let missing = self.plan.missing.iter().map(|(what, why)| Repaired {
            what: what.clone(),
            why: why.clone(),
            ..Repaired::default()
        });
        done.extend(missing);
        (moves, done)
    }

    /// Files of entries that are taken back in, and what the repair's own entry says in their place.
    fn adopted(
        &mut self,
        root: &Path,
        done: &mut Vec<Repaired>,
    ) -> (Vec<FileNote>, Entry, Vec<Brought>) {
        let mut brought = std::mem::take(&mut self.plan.brought);
        let mut entry = Entry::default();
        let mut adopted = Vec::new();
        for it in &self.islands {
            done.push(Repaired {
                what: format!("entry {}", it.head()),
                moved_to: String::new(),
                sha256: it.digest.clone(),
                why: ADOPTED.into(),
            });
            adopted.extend(it.added.iter().cloned());
            entry.retired.extend(it.retired.iter().cloned());
            entry.superseded.extend(it.superseded.iter().cloned());
            entry.aliases.extend(it.aliases.iter().cloned());
            entry.others.extend(it.others.iter().cloned());
            if let Some(list) = it.list() {
                let lists = [root.join(writer::waiting(&list)), root.join(&list)].into_iter();
                let mut sound = lists.filter_map(|it| manifest::read_list(&it).ok());
                let sound = sound.find(|list| Some(Seal::of(list)) == it.brought);
                brought.extend(sound.unwrap_or_default());
            }
        }
        entry.retired.append(&mut self.retired);
        (adopted, entry, brought)
    }

    /// Puts in its place what is whole, once the rest is out of the way.
    fn restore(&self, root: &Path, writer: &Writer) -> Result<()> {
        if let Some(it) = &self.stranded {
            // Its list is brought by the repair's own entry.
            writer.put_in_place(&Entry { brought: None, ..it.clone() })?;
        }
        make_entries(root)?;
        write_lists(root, &self.plan)?;
        if !self.has_marker {
            write_whole(&root.join(MARKER), writer::marker().as_bytes())?;
        }
        sides::make_salt(root)?;
        Manifest::rewrite(root, &self.chain)?;
        for folder in [LOST, manifest::ENTRIES] {
            sync_folder(&root.join(folder))?;
        }
        sync_folder(root)
    }
}

fn write_lists(root: &Path, plan: &Plan) -> Result<()> {
    plan.lists.iter().try_for_each(|(path, bytes)| write_whole(&root.join(path), bytes))
}

/// Puts back what a repair moved that was stopped before its entry: it is planned again, with all that was there before. What
/// has come to its place meanwhile stays, and what lies in its folder is told.
fn undo(root: &Path) -> Result<()> {
    let manifest = Manifest::read(root);
    let finished: HashSet<u64> = manifest.entries.iter().map(|it| it.entry).collect();
    for (_, folder) in lost_folders(root).into_iter().filter(|it| !finished.contains(&it.0)) {
        for it in walkdir::WalkDir::new(&folder).contents_first(true) {
            let it = it.map_err(|it| Error::file("read", &folder, it.into()))?;
            let Ok(what) = it.path().strip_prefix(&folder) else { continue };
            let place = root.join(what);
            if it.file_type().is_dir() || what == Path::new(PLAN) || is_there(&place) {
                continue;
            }
            let above = place.parent().unwrap_or(root);
            super::folder::stays_inside(root, above)?;
            private_folder(above).map_err(|it| Error::file("make", above, it))?;
            std::fs::rename(it.path(), &place).map_err(|it| Error::file("move", &place, it))?;
            sync_folder(above)?;
        }
    }
    Ok(())
}

/// Whether the marker is as it was written.
fn marker_is_sound(root: &Path) -> Result<bool> {
    match super::verify::marker_fault(root)? {
        Some(why) if why == MAY_NOT => Err(may_not(root, MARKER)),
        it => Ok(it.is_none()),
    }
}

fn make_entries(root: &Path) -> Result<()> {
    let path = root.join(manifest::ENTRIES);
    private_folder(&path).map_err(|it| Error::file("make", &path, it))
}

/// The number of the repair's entry: beyond every number that anything here bears, so that none is used twice and no
/// feed passes over an entry.
fn number(root: &Path, manifest: &Manifest) -> u64 {
    let mut most = manifest.entries.iter().map(|it| it.entry.max(it.generation as u64)).max();
    let mut see = |it: Option<u64>| most = most.max(it);
    see(manifest.pending.as_ref().map(|it| it.entry));
    for it in Below::of(root).files {
        // A name may say any number; one that no archive reaches is nobody's.
        let stem = it.file_name().and_then(|it| it.to_str()).and_then(|it| it.split('.').next());
        see(stem.and_then(|it| it.parse().ok()).filter(|it| *it < BEYOND));
    }
    see(lost_folders(root).last().map(|it| it.0));
    let bytes = There::at(&root.join(manifest::NAME)).bytes().unwrap_or_default();
    for line in bytes.split(|it| *it == b'\n') {
        let said: Option<serde_json::Value> = serde_json::from_slice(line).ok();
        see(said.and_then(|it| it.get("entry")?.as_u64()).filter(|it| *it < BEYOND));
    }
    let feeds = std::fs::read_dir(root.join(super::folder::FEEDS)).into_iter().flatten();
    for it in feeds.filter_map(|it| it.ok()) {
        let bytes = There::at(&it.path()).bytes().unwrap_or_default();
        let text = String::from_utf8(bytes).unwrap_or_default();
        let number = text.split_ascii_whitespace().next().and_then(|it| it.parse().ok());
        see(number.filter(|it| *it < BEYOND));
    }
    most.unwrap_or(0) + 1
}

fn move_aside(root: &Path, from: &Path, to: &str) -> Result<()> {
    let (from, to) = (root.join(from), root.join(to));
    let folder = to.parent().unwrap_or(root);
    super::folder::stays_inside(root, folder)?;
    super::folder::stays_inside(root, from.parent().unwrap_or(root))?;
    private_folder(folder).map_err(|it| Error::file("make", folder, it))?;
    if is_there(&to) {
        let taken = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "something lies there");
        return Err(Error::file("write", &to, taken));
    }
    std::fs::rename(&from, &to).map_err(|it| Error::file("move", &from, it))?;
    sync_folder(folder)?;
    from.parent().map_or(Ok(()), sync_folder)
}

/// Tables of which something was moved or is missing.
fn tables(done: &[Repaired]) -> Vec<String> {
    let mut out: Vec<String> = TABLES
        .iter()
        .map(|it| it.name.to_owned())
        .filter(|name| done.iter().any(|it| it.what.starts_with(&format!("{name}/"))))
        .collect();
    out.sort_unstable();
    out
}
