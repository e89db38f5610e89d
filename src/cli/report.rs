//! `report`: the document that an audit ends with.

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use super::answer::Answer;
use super::answer::Ending;
use super::asking;
use super::evidence;
use super::filters::Filters;
use super::filters::nearest;
use super::filters::tell_window;
use super::formats::one_of;
use super::progress::Spinner;
use super::reader::Reader;
use super::revealing;
use super::revealing::Revealing;
use super::revealing::Whose;
use super::setup::Setup;
use super::verify;
use super::world::Here;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::SessionRow;
use crate::audit;
use crate::audit::promise::Promise;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::evidence::package;
use crate::evidence::package::Package;
use crate::evidence::signature;
use crate::output::Output;
use crate::output::Replace;
use crate::output::Target;
use crate::render::Ui;
use crate::render::report::Language;
use crate::render::report::Paper;
use crate::render::report::Places;
use crate::render::report::html;
use crate::render::report::text as report_text;
use crate::render::report::xlsx;
use crate::report;
use crate::report::Report;
use crate::report::Scope;
use crate::secrets::Masker;
use crate::session::Skip;
use crate::session::is_owner;
use crate::session::short_owner;
use crate::text;
use crate::text::Visible;
use crate::text::safe;

const EXAMPLES: &str = "\
Examples:
  ssmtrail report --from 2026-10-01 --to 2026-11-01         ssmtrail-report.html and its twins, in this folder
  ssmtrail report --since 7d --owner alice -o alice.html    the page alone
  ssmtrail report -o audits/2026-10 --format html,xlsx      audits/2026-10.html and audits/2026-10.xlsx
  ssmtrail report --survey settings.json --promise pci-4.0.1 --lang ja
  ssmtrail report --since 30d --evidence -o audit.tar       with the transcripts it cites, to be proved by verify-evidence
  ssmtrail report --since 1d --format md -o -               for a ticket

The page needs no network and no other file. The same archive and the same arguments give the same bytes, whenever and
wherever. A file that exists is left alone unless --force is given. Exit 1: no session lies in the window; the report says so.";

/// What is said where the person stopped it.
const STOPPED: &str = "stopped; nothing was written";

/// Bytes of lines that the page's player can play.
const PLAYED: usize = 4_000_000;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    filters: Filters,

    /// Sessions of this account (repeatable)
    #[arg(long, value_name = "ID", help_heading = "Which sessions")]
    account: Vec<String>,

    /// File to write, or the beginning of the names of several; - is standard output
    #[arg(long, short, value_name = "PATH", default_value = "ssmtrail-report")]
    output: String,

    /// Forms to write [default: that of the file's name, else all]
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', value_parser = one_of(FORMS))]
    format: Vec<ReportForm>,

    /// Language of the words around what is quoted
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = one_of(LANGUAGES))]
    lang: Language,

    /// Judge the places in this file of `ssmtrail verify --save-survey`
    #[arg(long, value_name = "FILE")]
    survey: Option<PathBuf>,

    /// Profile to judge them by
    #[arg(long, value_name = "PROFILE", requires = "survey")]
    promise: Option<String>,

    /// Pack the report, the transcripts it cites, the survey and their digests into one .tar instead
    #[arg(long)]
    evidence: bool,

    /// Sign the package with this minisign key
    #[arg(long, value_name = "KEYFILE", requires = "evidence")]
    sign: Option<PathBuf>,

    /// Write over files that exist
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    revealing: Revealing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ReportForm {
    Html,
    Md,
    Json,
    Csv,
    Xlsx,
}

/// The forms in the order of a package, each with the ending of its files.
const FORMS: &[(&str, ReportForm)] = &[
    ("html", ReportForm::Html),
    ("md", ReportForm::Md),
    ("json", ReportForm::Json),
    ("csv", ReportForm::Csv),
    ("xlsx", ReportForm::Xlsx),
];

const LANGUAGES: &[(&str, Language)] = &[("en", Language::English), ("ja", Language::Japanese)];

/// One file to be written: the form, of CSV the table, and where.
struct ReportFile {
    form: ReportForm,
    table: usize,
    path: PathBuf,
}

/// Where the report goes.
enum WrittenTo {
    /// Standard output, in this form.
    Output(ReportForm),
    /// Files of their own, each with its place.
    Files(Vec<(ReportFile, Target)>),
    /// One package, called so, of these files; its place, and that of its signature if it gets one.
    Package(PathBuf, Vec<ReportFile>, Vec<Target>),
}

impl ReportForm {
    fn ending(self) -> &'static str {
        FORMS.iter().find(|it| it.1 == self).map_or("", |it| it.0)
    }
}

impl ReportArgs {
    pub(super) fn run(
        self,
        reader: &Reader<'_>,
        setup: &Setup<'_>,
        ui: &mut Ui<'_>,
    ) -> Result<Answer> {
        let here = reader.here;
        let which = self.filters.which(here.now, ui.zone)?;
        let destination = self.destination(here, ui)?;
        let secret = self.sign.as_ref().map(|it| evidence::secret_key(setup, it)).transpose()?;
        let places = self.places(setup, ui)?;

        tell_window(ui, which.window);
        let scope = Scope { which, accounts: self.account.clone() };
        reader.ask(ui, |archive, ui| {
            known(archive, &scope)?;
            let mut masker =
                self.revealing.masker(reader, ui, archive, "report", Whose::Of(&scope.which))?;
            let spinner = Spinner::new(here.progress);
            spinner.doing("reading the archive");
            let mut report = report::gather(archive, scope, &mut masker)?;
            here.unless_stopped(STOPPED)?;
            let played = report::played(archive, &mut report, &mut masker, PLAYED);
            here.unless_stopped(STOPPED)?;
            let paper = Paper::new(&report, places.as_ref(), &played, self.lang, ui.zone);
            let lost = match destination {
                WrittenTo::Output(form) => {
                    let bytes = bytes(&paper, form, 0)?;
                    drop(spinner);
                    ui.bytes(&bytes)?;
                    Vec::new()
                }
                WrittenTo::Files(files) => {
                    write_files(here, ui, &paper, files, spinner)?;
                    Vec::new()
                }
                WrittenTo::Package(path, files, targets) => {
                    spinner.doing(safe!("packing {}", here.shown(&path)));
                    refuse_secrets(archive, &report, &masker)?;
                    let name = path.file_stem().unwrap_or_default().to_string_lossy();
                    let package = self.packed(archive, &report, &paper, files)?;
                    let (written, lost) = pack(here, package, &name, targets, secret.as_ref())?;
                    drop(spinner);
                    appear(ui, written)?;
                    lost
                }
            };
            revealing::tell(ui, &masker);
            tell_contents(ui, &report);
            let nothing = "no session matches; the report says so";
            Ok(Ending { lost, ..Ending::or(!report.sessions.is_empty(), nothing) })
        })
    }

    /// Looks at every place that will be written to, before anything is read.
    fn destination(&self, here: Here<'_>, ui: &Ui<'_>) -> Result<WrittenTo> {
        let look = |it: &Path| Target::look(it, &here.shown(it), Replace::forced(self.force, "-o"));
        if self.evidence {
            let path = self.package(here)?;
            // Within a package the report is called so.
            let files = self.files_of(&here.folder.join("report"), self.forms())?;
            let mut targets = vec![look(&path)?];
            let signature = signature::signature_of(&path);
            if self.sign.is_some() {
                targets.push(look(&signature)?);
            } else if signature.symlink_metadata().is_ok() {
                let why = format!("{} would lie beside another package", here.shown(&signature));
                return Err(
                    Error::new(Kind::Refused, why).hint("--sign makes a new one; or remove it")
                );
            }
            return Ok(WrittenTo::Package(path, files, targets));
        }
        if self.output != "-" {
            let places = self.files(here)?.into_iter();
            let files = places.map(|it| look(&it.path).map(|target| (it, target)));
            return files.collect::<Result<_>>().map(WrittenTo::Files);
        }
        match self.format.as_slice() {
            [ReportForm::Xlsx] if ui.columns.is_some() => {
                Err(Error::misused("a spreadsheet is binary and standard output is a terminal")
                    .hint("write it to a file: -o report.xlsx"))
            }
            [form] if *form != ReportForm::Csv => Ok(WrittenTo::Output(*form)),
            _ => Err(Error::misused("standard output takes one form of one file")
                .hint("say which: --format html, md, json or xlsx")),
        }
    }

    /// Where the package will be.
    fn package(&self, here: Here<'_>) -> Result<PathBuf> {
        let one = || Error::misused("--evidence writes one .tar");
        let asked = here.folder.join(&self.output);
        let ending = ending_of(&asked);
        match ending.as_deref() {
            Some("tar") => Ok(asked),
            Some(it) if FORMS.iter().any(|one| one.0 == it) => {
                Err(one().hint("name it so: -o audit.tar"))
            }
            _ if self.output == "-" => Err(one().hint("name it: -o audit.tar")),
            _ => {
                let mut path = asked.into_os_string();
                path.push(".tar");
                Ok(path.into())
            }
        }
    }

    /// What the package will hold.
    fn packed<'a>(
        &self,
        archive: &'a Archive,
        report: &'a report::Report,
        paper: &Paper<'_>,
        mut files: Vec<ReportFile>,
    ) -> Result<Package<'a>> {
        // In the order of a package, whatever the order in which they were asked for.
        files.sort_by_key(|it| (it.form, it.table));
        let held = files.iter().map(|it| {
            let name = it.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, bytes(paper, it.form, it.table)?))
        });
        let survey = self
            .survey
            .as_ref()
            .map(|it| std::fs::read(it).map_err(|error| Error::file("read", it, error)));
        Ok(Package {
            archive,
            report,
            files: held.collect::<Result<_>>()?,
            survey: survey.transpose()?,
        })
    }

    /// The forms that are asked for; all where none is.
    fn forms(&self) -> Vec<ReportForm> {
        match self.format.is_empty() {
            true => FORMS.iter().map(|it| it.1).collect(),
            false => self.format.clone(),
        }
    }

    /// The files that will be written.
    fn files(&self, here: Here<'_>) -> Result<Vec<ReportFile>> {
        let asked = here.folder.join(&self.output);
        let ending = ending_of(&asked);
        match FORMS.iter().find(|it| Some(it.0) == ending.as_deref()) {
            Some((_, form)) if self.format.is_empty() || self.format == [*form] => {
                self.files_of(&asked.with_extension(""), vec![*form])
            }
            Some((ending, _)) => Err(Error::misused(format!(
                "{} ends like {ending}, and --format names another form",
                self.output
            ))
            .hint("leave the ending out, and each form gets its own")),
            None => self.files_named(asked, ending.as_deref()),
        }
    }

    /// The files where the name asked for has no ending of ours: it is the beginning of theirs, unless it can only be a name.
    fn files_named(&self, asked: PathBuf, ending: Option<&str>) -> Result<Vec<ReportFile>> {
        let is_device = std::fs::metadata(&asked).is_ok_and(|it| !it.is_file() && !it.is_dir());
        // `audits/2026.10` is a beginning, `audit.txt` is a file.
        let has_ending = ending.is_some_and(|it| {
            (1..=4).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_alphabetic())
        });
        match self.format.as_slice() {
            _ if !is_device && !has_ending => self.files_of(&asked, self.forms()),
            [form] if *form != ReportForm::Csv => {
                Ok(vec![ReportFile { form: *form, table: 0, path: asked }])
            }
            _ => Err(Error::misused(format!("{} takes one form of one file", self.output))
                .hint("say which: --format html, md, json or xlsx; a name without an ending is the beginning of several")),
        }
    }

    fn files_of(&self, stem: &Path, forms: Vec<ReportForm>) -> Result<Vec<ReportFile>> {
        const TABLES: [&str; 4] = ["csv", "sessions.csv", "evidence.csv", "findings.csv"];
        if stem.file_name().is_none() {
            return Err(Error::misused(format!("{} names no file", self.output)));
        }
        let tables = if self.survey.is_some() { 4 } else { 3 };
        let mut out: Vec<ReportFile> = Vec::new();
        for form in forms {
            let endings = match form {
                ReportForm::Csv => &TABLES[..tables],
                _ => &[form.ending()],
            };
            for (table, ending) in endings.iter().enumerate() {
                let mut path = stem.as_os_str().to_owned();
                path.push(format!(".{ending}"));
                let path = PathBuf::from(path);
                if !out.iter().any(|it| it.path == path) {
                    out.push(ReportFile { form, table, path });
                }
            }
        }
        Ok(out)
    }

    fn places(&self, setup: &Setup<'_>, ui: &mut Ui<'_>) -> Result<Option<Places>> {
        let Some(path) = &self.survey else { return Ok(None) };
        let config = setup.config()?;
        let promise = Promise::told(&config.promise, self.promise.as_deref())?;
        let mutes = audit::mutes(&config.mutes)?;
        verify::tell_config(setup, ui, config);
        let survey = asking::read(setup.here, path)?;
        let judgement = audit::judge(&survey, &promise, &mutes, &[]);
        Ok(Some(Places { survey, promise, judgement }))
    }
}

/// The ending of a file's name, in small letters.
fn ending_of(path: &Path) -> Option<String> {
    path.extension().map(|it| it.to_string_lossy().to_lowercase())
}

fn bytes(paper: &Paper<'_>, form: ReportForm, table: usize) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    write(paper, form, table, &mut bytes)?;
    Ok(bytes.into_inner())
}

fn write(
    paper: &Paper<'_>,
    form: ReportForm,
    table: usize,
    out: &mut (impl Write + std::io::Seek + Send),
) -> Result<()> {
    let text = match form {
        ReportForm::Xlsx => return xlsx(paper, out),
        ReportForm::Csv => return report_text::csv(paper, table, out),
        ReportForm::Json => return report_text::json(paper, out),
        ReportForm::Html => html(paper),
        ReportForm::Md => report_text::markdown(paper),
    };
    out.write_all(text.as_bytes())
        .map_err(|it| Error::new(Kind::Refused, format!("cannot write the report: {it}")))
}

/// Writes the package into the first of the places, and its signature, if it gets one, into the second.
fn pack(
    here: Here<'_>,
    package: Package<'_>,
    name: &str,
    targets: Vec<Target>,
    secret: Option<&minisign::SecretKey>,
) -> Result<(Vec<Output>, Vec<Skip>)> {
    let begun = targets.into_iter().map(|it| it.begin(here.stop));
    let mut written = begun.collect::<Result<Vec<_>>>()?;
    let mut outs = written.iter_mut();
    let Some(out) = outs.next() else { return Ok((written, Vec::new())) };
    let lost = package.write(name, &mut *out)?;
    here.unless_stopped(STOPPED)?;
    if let (Some(secret), Some(beside)) = (secret, outs.next()) {
        beside.put(signature::sign(secret, out.reader()?)?.as_bytes())?;
    }
    Ok((written, lost))
}

/// Only when all are whole does any appear.
fn appear(ui: &mut Ui<'_>, written: Vec<Output>) -> Result<()> {
    let whole = written.into_iter().map(Output::whole).collect::<Result<Vec<_>>>()?;
    for it in whole {
        let name = it.name().safe();
        it.appear()?;
        ui.line(name)?;
    }
    Ok(())
}

/// Refuses a filter that matches nothing in the whole archive: it is more likely misspelt than true.
fn known(archive: &Archive, scope: &Scope) -> Result<()> {
    type Name = fn(&SessionRow) -> Option<&str>;
    type Is = fn(&str, &str) -> bool;
    let owner: Name = |it| it.owner.as_deref();
    let short: Name = |it| it.owner.as_deref().map(short_owner);
    let target: Name = |it| it.target.as_deref();
    let account: Name = |it| it.account_id.as_deref();
    let holds: Is = |it, text| it.to_lowercase().contains(&text.to_lowercase());
    let is: Is = is_owner;
    let same: Is = |it, text| it == text;
    let asked: [(&str, &[String], Name, Name, Is); 4] = [
        ("an owner", &scope.which.owners, owner, short, is),
        ("an owner that contains", &scope.which.owners_containing, owner, short, holds),
        ("a target", &scope.which.targets, target, target, holds),
        ("an account", &scope.accounts, account, account, same),
    ];
    if asked.iter().all(|it| it.1.is_empty()) {
        return Ok(());
    }
    let sessions = archive.sessions(&Which::default())?;
    for (word, texts, whole, name, matches) in asked {
        let has = |text: &&String| sessions.iter().filter_map(whole).any(|it| matches(it, text));
        let Some(text) = texts.iter().find(|it| !has(it)) else { continue };
        let why = format!("no session of the archive has {word} like {text}");
        let near = nearest(sessions.iter().filter_map(name), text);
        let hint = match near.is_empty() {
            true => "`ssmtrail sessions` lists what the archive holds".to_owned(),
            false => format!("the nearest are {}", near.join(", ")),
        };
        return Err(archive.absent(&why, &hint));
    }
    Ok(())
}

/// Bytes cannot be masked: they are packed whole or not at all.
fn refuse_secrets(archive: &Archive, report: &report::Report, masker: &Masker) -> Result<()> {
    let showing = package::showing_secrets(archive, report, masker)?;
    if showing == 0 {
        return Ok(());
    }
    Err(Error::misused(format!(
        "{} of the report {} secrets, and bytes that are evidence cannot be masked",
        &*text::plural(showing as u64, "session"),
        if showing == 1 { "shows" } else { "show" }
    ))
    .hint("--reveal packs them as they are, and the archive records it; or leave --evidence out"))
}
/// Writes each file beside its place; they appear together.
fn write_files(
    here: Here<'_>,
    ui: &mut Ui<'_>,
    paper: &Paper<'_>,
    files: Vec<(ReportFile, Target)>,
    spinner: Spinner,
) -> Result<()> {
    let mut written = Vec::new();
    for (file, target) in files {
        here.unless_stopped(STOPPED)?;
        spinner.doing(safe!("writing {}", target.name()));
        let mut out = target.begin(here.stop)?;
        write(paper, file.form, file.table, &mut out)?;
        written.push(out);
    }
    drop(spinner);
    appear(ui, written)
}

/// How much is in a report.
fn tell_contents(ui: &mut Ui<'_>, report: &Report) {
    if report.sessions.is_empty() {
        return;
    }
    let notable = report.commands.iter().filter(|it| !it.rules.is_empty()).count();
    ui.note(safe!(
        "{}, {}, {} of them notable",
        text::plural(report.sessions.len() as u64, "session"),
        text::plural(report.ran(), "command"),
        notable
    ));
}
