//! What is damaged in an archive, and what a repair is to do about it: looked at before anything is moved.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use super::folder::LOST;
use super::folder::MARKER;
use super::folder::MAY_NOT;
use super::folder::TMP;
use super::folder::There;
use super::kept::Archive;
use super::manifest;
use super::manifest::Brought;
use super::manifest::Entry;
use super::manifest::Manifest;
use super::manifest::Repaired;
use super::manifest::Seal;
use super::sides;
use super::state::Below;
use super::state::NO_FOLDER;
use super::writer;
use super::writer::Writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;

/// The plan of a repair, beside what it moves.
pub(super) const PLAN: &str = "repair.json";

/// What is to be moved, and why.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) moves: BTreeMap<PathBuf, String>,
    /// What is named and not there.
    pub(super) missing: Vec<(String, String)>,
    /// What lost lists told, as far as the rows still do.
    pub(super) brought: Vec<Brought>,
    /// Lists that are written again, as they were.
    pub(super) lists: Vec<(String, Vec<u8>)>,
    /// What is moved and written again, so that it is not lost.
    pub(super) again: HashSet<PathBuf>,
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
pub(super) fn name_of(path: &Path) -> String {
    let mut out = String::new();
    for it in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        out.push_str(&it.valid().replace('%', "%25"));
        it.invalid().iter().for_each(|it| out.push_str(&format!("%{it:02x}")));
    }
    out
}

/// Whether anything is in this place, even a link that leads nowhere.
pub(super) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether what is in this place, if anything, is a file.
fn is_file(path: &Path) -> bool {
    !is_there(path) || path.metadata().is_ok_and(|it| it.is_file())
}

/// What is damaged, and what is to be done about it.
pub(super) struct Diagnosis {
    pub(super) has_marker: bool,
    pub(super) manifest: Manifest,
    /// The chain as far as it hangs together.
    pub(super) chain: Vec<Entry>,
    /// Entries that prove by themselves and no longer hang on it.
    pub(super) islands: Vec<Entry>,
    /// The entry among them that a writer had begun.
    pub(super) stranded: Option<Entry>,
    pub(super) plan: Plan,
    /// Paths of files that count no longer.
    pub(super) retired: Vec<String>,
    /// What earlier repairs moved and never told.
    pub(super) untold: Vec<Repaired>,
    /// An entry lacks its copy.
    pub(super) copies: bool,
    /// Lists that are written again.
    pub(super) lists: u64,
}

impl Diagnosis {
    /// Looks at everything; an entry that was begun and can be finished is.
    pub(super) fn of(root: &Path, writer: &mut Writer, has_marker: bool) -> Result<Self> {
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

    pub(super) fn is_nothing(&self) -> bool {
        self.plan.moves.is_empty()
            && self.plan.missing.is_empty()
            && self.islands.is_empty()
            && self.untold.is_empty()
            && self.manifest.damages.is_empty()
            && self.has_marker
    }

    pub(super) fn again(&self) -> u64 {
        self.lists + u64::from(self.copies)
    }
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

/// Whoever may not read a thing does not judge it.
pub(super) fn may_not(root: &Path, what: &str) -> Error {
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

pub(super) fn lost_folders(root: &Path) -> Vec<(u64, PathBuf)> {
    let found = std::fs::read_dir(root.join(LOST)).into_iter().flatten().filter_map(|it| it.ok());
    let mut out: Vec<(u64, PathBuf)> = found
        .filter_map(|it| Some((it.file_name().to_string_lossy().parse().ok()?, it.path())))
        .collect();
    out.sort_unstable();
    out
}
