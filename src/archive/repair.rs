//! What is damaged, moved aside, so that writers may go on. Nothing is deleted, and the chain says what was done.
//!
//! A repair plans first and writes the plan down, then moves things into `lost/NUMBER/`, restores the manifest from the
//! copies of its entries, and ends with an entry of its own, which names each thing with the digest it was found with.
//! Entries that prove but no longer hang on the chain are taken back in with their files; what does not prove is not.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use super::folder::LOST;
use super::folder::MARKER;
use super::folder::MAY_NOT;
use super::folder::READERS;
use super::folder::TMP;
use super::folder::There;
use super::folder::private_folder;
use super::folder::sync_folder;
use super::folder::write_whole;
use super::kept::Archive;
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
use crate::session::Skip;

/// The plan of a repair, beside what it moves.
const PLAN: &str = "repair.json";

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

/// What is to be moved, and why.
#[derive(Default)]
struct Plan {
    moves: BTreeMap<PathBuf, String>,
    /// What is named and not there.
    missing: Vec<(String, String)>,
    /// What lost lists told, as far as the rows still do.
    brought: Vec<Brought>,
    /// Lists that are written again, as they were.
    lists: Vec<(String, Vec<u8>)>,
    /// What is moved and written again, so that it is not lost.
    again: HashSet<PathBuf>,
}

impl Plan {
    fn take(&mut self, path: impl AsRef<Path>, why: &str) {
        self.moves.entry(path.as_ref().to_owned()).or_insert_with(|| why.to_owned());
    }

    /// The same of what will be written again.
    fn take_copy(&mut self, path: impl AsRef<Path>, why: &str) {
        self.again.insert(path.as_ref().to_owned());
        self.take(path, why);
    }

    /// What moves with its folder needs no move of its own.
    fn settle(&mut self) {
        let all: HashSet<PathBuf> = self.moves.keys().cloned().collect();
        self.moves.retain(|path, _| !path.ancestors().skip(1).any(|it| all.contains(it)));
    }
}

/// A path below the archive as the chain tells it, and as it lies in `lost/`: what is no UTF-8 in it is written `%ff`, and `%`
/// itself `%25`, so that no two paths have one name.
fn name_of(path: &Path) -> String {
    let mut out = String::new();
    for it in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        out.push_str(&it.valid().replace('%', "%25"));
        it.invalid().iter().for_each(|it| out.push_str(&format!("%{it:02x}")));
    }
    out
}

/// Whether anything is in this place, even a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether what is in this place, if anything, is a file.
fn is_file(path: &Path) -> bool {
    !is_there(path) || path.metadata().is_ok_and(|it| it.is_file())
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

/// What is damaged, and what is to be done about it.
struct Diagnosis {
    has_marker: bool,
    manifest: Manifest,
    /// The chain as far as it hangs together.
    chain: Vec<Entry>,
    /// Entries that prove by themselves and no longer hang on it.
    islands: Vec<Entry>,
    /// The entry among them that a writer had begun.
    stranded: Option<Entry>,
    plan: Plan,
    /// Paths of files that count no longer.
    retired: Vec<String>,
    /// What earlier repairs moved and never told.
    untold: Vec<Repaired>,
    /// An entry lacks its copy.
    copies: bool,
    /// Lists that are written again.
    lists: u64,
}

impl Diagnosis {
    /// Looks at everything; an entry that was begun and can be finished is.
    fn of(root: &Path, writer: &mut Writer, has_marker: bool) -> Result<Self> {
        let mut manifest = super::state::state(root);
        if manifest.pending.is_some() && manifest.damages.is_empty() && writer.finish().is_ok() {
            manifest = super::state::state(root);
        }
        if let Some(it) = manifest.damages.iter().find(|it| it.why == MAY_NOT) {
            return Err(may_not(root, &it.locator));
        }
        let stranded = stranded(root, writer, &manifest);
        if let Some(it) = &stranded {
            manifest.pending = Some(it.clone());
        }
        let mut plan = Plan::default();
        if !has_marker {
            plan.take(MARKER, "it does not say the format");
        }
        damaged_chain(root, &manifest, stranded.as_ref(), &mut plan);
        let (chain, mut islands) = parted(&manifest);
        islands.extend(stranded.clone());
        let archive = Archive::over(root, manifest.clone());
        let retired = damaged_files(&archive, &mut plan)?;
        damaged_sides(&archive, &mut plan)?;
        for it in &islands {
            // Their names go; their files are taken back in.
            for path in [Some(it.copy()), it.list()].into_iter().flatten() {
                if is_there(&root.join(&path)) {
                    plan.take(&path, "its entry no longer hangs on the chain");
                }
            }
        }
        let copies = copies_missing(root, &chain, &mut plan)?;
        let lists = lists(root, &archive, &chain, &mut plan)?;
        let untold = unfinished_plans(root, &manifest)?;
        plan.settle();
        Ok(Self {
            has_marker,
            manifest,
            chain,
            islands,
            stranded,
            plan,
            retired,
            untold,
            copies,
            lists,
        })
    }

    fn is_nothing(&self) -> bool {
        self.plan.moves.is_empty()
            && self.plan.missing.is_empty()
            && self.islands.is_empty()
            && self.untold.is_empty()
            && self.manifest.damages.is_empty()
            && self.has_marker
    }

    fn again(&self) -> u64 {
        self.lists + u64::from(self.copies)
    }

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

/// Files of the tables that are missing or not as they were written. Returns their paths.
fn damaged_files(archive: &Archive, plan: &mut Plan) -> Result<Vec<String>> {
    let mut retired = Vec::new();
    for note in archive.live_files() {
        match writer::digest(&archive.path_of(note)) {
            Ok((_, digest)) if digest == note.sha256 => continue,
            Ok(_) => plan.take(&note.path, "it was changed after it was written"),
            Err(it) if it.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(may_not(&archive.root, &note.path));
            }
            // A file may be where its folder should be.
            Err(_) if !is_there(&archive.path_of(note)) => {
                plan.missing.push((note.path.clone(), "it is missing".into()));
            }
            Err(it) => plan.take(&note.path, &super::folder::unread(&it)),
        }
        retired.push(note.path.clone());
    }
    Ok(retired)
}

/// The salt, the record of reveals and the feeds, as far as they are damaged.
fn damaged_sides(archive: &Archive, plan: &mut Plan) -> Result<()> {
    let record = [Path::new(sides::REVEALS), Path::new(sides::REVEALS_HEAD)];
    for sides::SideFault { path, place, why } in sides::faults(archive) {
        if why == MAY_NOT {
            return Err(may_not(&archive.root, &place));
        }
        let paths = match record.contains(&path.as_path()) {
            true => record.map(Path::to_owned).to_vec(),
            false => vec![path],
        };
        for it in paths {
            match is_there(&archive.root.join(&it)) {
                true => plan.take(&it, &why),
                false => plan.missing.push((name_of(&it), why.clone())),
            }
        }
    }
    Ok(())
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

/// Whoever may not read a thing does not judge it.
fn may_not(root: &Path, what: &str) -> Error {
    Error::new(Kind::Refused, format!("{}: {}", root.join(what).display(), MAY_NOT))
        .hint("run `ssmtrail archive repair` as the user who owns the archive")
}

/// An entry that a writer had written down when it died and whose files are whole: they are taken back in, whatever else is
/// damaged. It goes on from the last one that is here, or from one that is lost. What goes on from an earlier one is of
/// another copy of the archive.
fn stranded(root: &Path, writer: &Writer, manifest: &Manifest) -> Option<Entry> {
    let entry = Entry::proved(&There::at(&root.join(manifest::NEXT)).bytes()?)?;
    let (last, digest) = (manifest.entries.last().map_or(0, |it| it.entry), manifest.last_digest());
    let salt = |it: &Entry| it.sides.as_ref().map(|it| it.salt.clone());
    let is_ours = manifest.entries.last().is_none_or(|it| salt(it) == salt(&entry));
    let goes_on = entry.previous == digest || entry.entry > last + 1 && is_ours;
    (goes_on && entry.entry > last && writer.unsound(&entry).is_none()).then_some(entry)
}

/// What of the manifest, of files that nobody names and of an entry that was begun is to be moved.
fn damaged_chain(root: &Path, manifest: &Manifest, stranded: Option<&Entry>, plan: &mut Plan) {
    let below = Below::of(root);
    // The files themselves: what is no UTF-8 in a name cannot be told by its damage.
    for it in below.unnamed(manifest) {
        plan.take(it, "no entry of the manifest names it");
    }
    let of_chain = |it: &&Skip| {
        let path = it.locator.split(" line ").next().unwrap_or(&it.locator);
        [manifest::NAME, manifest::NEXT].contains(&path)
    };
    for it in manifest.damages.iter().filter(of_chain) {
        // "manifest.jsonl line 3", or the file as a whole.
        let path = it.locator.split(" line ").next().unwrap_or(&it.locator);
        match path {
            manifest::NAME if !is_there(&root.join(path)) => {
                plan.missing.push((path.to_owned(), it.why.clone()));
            }
            path => plan.take(path, &it.why),
        }
    }
    for it in below.unread {
        plan.take(&it.locator, &it.why);
    }
    for it in super::state::not_folders(root) {
        plan.take(it, NO_FOLDER);
    }
    let waiting = walkdir::WalkDir::new(root.join(TMP)).follow_root_links(false);
    let waiting = waiting.into_iter().filter_map(|it| it.ok());
    for it in waiting.filter(|it| it.file_type().is_file()) {
        let of_stranded = |below: &Path| {
            let added = stranded.iter().flat_map(|it| it.added.iter().map(|it| it.path.clone()));
            let mut all = added.chain(stranded.and_then(Entry::list));
            all.any(|it| Path::new(&writer::waiting(&it)) == below)
        };
        // A writer died at these; without their entry nobody can tell that they are superfluous.
        if !(manifest.damages.is_empty() && manifest.pending.is_none())
            && let Ok(below) = it.path().strip_prefix(root)
            && !of_stranded(below)
        {
            plan.take(below, "a writer was stopped before it was named");
        }
    }
    if stranded.is_some() {
        plan.take(manifest::NEXT, "its entry no longer hangs on the chain");
    } else if let Some(it) = &manifest.pending {
        let why = "a writer was stopped, and its entry cannot be finished";
        plan.take(manifest::NEXT, why);
        for path in it.added.iter().map(|it| it.path.clone()).chain(it.list()) {
            if is_there(&root.join(&path)) {
                plan.take(&path, why);
            }
        }
    }
}

/// The chain as far as it hangs together, and entries behind that prove by themselves.
fn parted(manifest: &Manifest) -> (Vec<Entry>, Vec<Entry>) {
    let mut chain: Vec<Entry> = Vec::new();
    let mut islands = Vec::new();
    for it in &manifest.entries {
        let last = chain.last().map_or("", |it| it.digest.as_str());
        if islands.is_empty() && it.previous == last {
            chain.push(it.clone());
        } else {
            islands.push(it.clone());
        }
    }
    (chain, islands)
}

/// Lists of what entries brought that are damaged or missing: written again where the kept rows tell the same, else named
/// as lost. Returns how many were written again.
fn lists(root: &Path, archive: &Archive, chain: &[Entry], plan: &mut Plan) -> Result<u64> {
    let gone: HashSet<&str> =
        chain.iter().flat_map(|it| &it.repaired).map(|it| it.what.as_str()).collect();
    let mut wanted: BTreeMap<i64, (&Entry, Vec<Brought>)> = BTreeMap::new();
    for entry in chain {
        let Some(list) = entry.list().filter(|it| !gone.contains(it.as_str())) else { continue };
        let sound = manifest::read_list(&root.join(&list));
        if sound.as_ref().is_err_and(|it| it.kind() == std::io::ErrorKind::PermissionDenied) {
            return Err(may_not(root, &list));
        }
        if !sound.is_ok_and(|it| Some(Seal::of(&it)) == entry.brought) {
            wanted.insert(entry.generation, (entry, Vec::new()));
        }
    }
    if wanted.is_empty() {
        return Ok(0);
    }
    archive.read_table("transcripts", &super::verify::READ, |frame| {
        for (it, part, generation) in super::verify::brought(&frame)? {
            // A stretch of a stream begins with any part; the same stretch has the same words.
            if let Some((_, list)) = wanted.get_mut(&generation)
                && (part == 0 || !list.contains(&it))
            {
                list.push(it);
            }
        }
        Ok(())
    });
    let mut again = 0;
    for (entry, mut list) in wanted.into_values() {
        let Some(path) = entry.list() else { continue };
        list.sort_unstable();
        list.dedup();
        if Some(Seal::of(&list)) == entry.brought && is_file(&root.join(&path)) {
            if is_there(&root.join(&path)) {
                plan.take_copy(&path, "it was changed after it was written");
            }
            plan.lists.push((path, manifest::list_bytes(&list)?));
            again += 1;
            continue;
        }
        // What the rows still tell is brought by the repair's entry from now on.
        plan.brought.extend(list);
        match is_there(&root.join(&path)) {
            true => plan.take(&path, "it was changed after it was written"),
            false => plan.missing.push((path, "it is missing".into())),
        }
    }
    Ok(again)
}

fn make_entries(root: &Path) -> Result<()> {
    let path = root.join(manifest::ENTRIES);
    private_folder(&path).map_err(|it| Error::file("make", &path, it))
}

/// Whether an entry lacks its copy. What is no file in the place of one is moved.
fn copies_missing(root: &Path, chain: &[Entry], plan: &mut Plan) -> Result<bool> {
    let mut any = false;
    for it in chain {
        let same = |copy: &[u8]| serde_json::from_slice::<Entry>(copy).ok().as_ref() == Some(it);
        match There::at(&root.join(it.copy())) {
            There::Bytes(copy) if same(&copy) => {}
            There::Bytes(_) => {
                plan.take_copy(it.copy(), "it is not what the manifest says");
                any = true;
            }
            There::Absent => any = true,
            There::Unread(why) if why.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(may_not(root, &it.copy()));
            }
            There::Unread(why) => {
                plan.take(it.copy(), &super::folder::unread(&why));
                any = true;
            }
        }
    }
    Ok(any)
}

/// What earlier repairs moved that were stopped before they said so: whatever lies in their folders and no entry names.
/// Their plans tell why; what lies there is told without a plan, too.
fn unfinished_plans(root: &Path, manifest: &Manifest) -> Result<Vec<Repaired>> {
    let finished: HashSet<u64> = manifest.entries.iter().map(|it| it.entry).collect();
    let told: HashSet<&str> = manifest
        .entries
        .iter()
        .flat_map(|it| &it.repaired)
        .map(|it| it.moved_to.as_str())
        .collect();
    let mut out = Vec::new();
    for (number, folder) in lost_folders(root).into_iter().filter(|it| !finished.contains(&it.0)) {
        let plan = There::at(&folder.join(PLAN)).bytes().unwrap_or_default();
        let plan: Vec<Repaired> = serde_json::from_slice(&plan).unwrap_or_default();
        for it in walkdir::WalkDir::new(&folder).sort_by_file_name() {
            let it = it.map_err(|it| Error::file("read", &folder, it.into()))?;
            let what = it.path().strip_prefix(&folder).unwrap_or(it.path()).to_string_lossy();
            if it.file_type().is_dir() || what == PLAN {
                continue;
            }
            let moved_to = format!("{LOST}/{number:08}/{what}");
            if told.contains(moved_to.as_str()) {
                continue;
            }
            out.push(match plan.iter().find(|it| it.moved_to == moved_to) {
                Some(it) => it.clone(),
                None => Repaired {
                    what: what.clone().into_owned(),
                    sha256: writer::digest(it.path()).map(|it| it.1).unwrap_or_default(),
                    moved_to,
                    why: "an earlier repair moved it, was stopped, and left no plan that says why"
                        .into(),
                },
            });
        }
    }
    Ok(out)
}

fn lost_folders(root: &Path) -> Vec<(u64, PathBuf)> {
    let found = std::fs::read_dir(root.join(LOST)).into_iter().flatten().filter_map(|it| it.ok());
    let mut out: Vec<(u64, PathBuf)> = found
        .filter_map(|it| Some((it.file_name().to_string_lossy().parse().ok()?, it.path())))
        .collect();
    out.sort_unstable();
    out
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
