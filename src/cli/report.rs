//! `report`: the document that an audit ends with.

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use clap::ValueEnum;

use super::answer::Answer;
use super::evidence;
use super::filters::Filters;
use super::filters::tell_window;
use super::masking;
use super::masking::Masking;
use super::masking::Shown;
use super::output::Output;
use super::output::Replace;
use super::output::Target;
use super::run::Run;
use super::verify;
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
use crate::render::report::Language;
use crate::render::report::Paper;
use crate::render::report::Places;
use crate::render::report::html;
use crate::render::report::text as report_text;
use crate::render::report::xlsx;
use crate::report;
use crate::report::Scope;
use crate::secrets::Masker;
use crate::session::Skip;
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

/// Bytes of lines that the page's player can play.
const PLAYED: usize = 4_000_000;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Report {
    #[command(flatten)]
    filters: Filters,

    /// Sessions of this account (repeatable)
    #[arg(long, value_name = "ID", help_heading = "Which sessions")]
    account: Vec<String>,

    /// File to write, or the beginning of the names of several; - is standard output
    #[arg(long, short, value_name = "PATH", default_value = "ssmtrail-report")]
    output: String,

    /// Forms to write [default: that of the file's name, else all]
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    format: Vec<ReportForm>,

    /// Language of the words around what is quoted
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,

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
    masking: Masking,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum ReportForm {
    Html,
    Md,
    Json,
    Csv,
    Xlsx,
}

const FORMS: [ReportForm; 5] =
    [ReportForm::Html, ReportForm::Md, ReportForm::Json, ReportForm::Csv, ReportForm::Xlsx];

impl ReportForm {
    fn ending(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Md => "md",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Lang {
    En,
    Ja,
}

/// One file to be written: the form, of CSV the table, and where.
struct ReportFile {
    form: ReportForm,
    table: usize,
    path: PathBuf,
}

impl Report {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        let which = self.filters.which(run.world.now, run.ui.zone)?;
        let tables = if self.survey.is_some() { 4 } else { 3 };
        let to_output = self.output == "-";
        let package = self.package(run)?;
        let parts = match (to_output, &package) {
            (true, _) => Vec::new(),
            // Within a package the report is called so.
            (false, Some(_)) => self.parts_of(&run.world.folder.join("report"), None, tables)?,
            (false, None) => self.parts(run, tables)?,
        };
        if to_output && (self.format.len() != 1 || self.format[0] == ReportForm::Csv) {
            return Err(Error::misused("standard output takes one form of one file")
                .hint("say which: --format html, md, json or xlsx"));
        }
        if to_output && self.format[0] == ReportForm::Xlsx && run.world.columns.is_some() {
            return Err(Error::misused(
                "a spreadsheet is binary and standard output is a terminal",
            )
            .hint("write it to a file: -o report.xlsx"));
        }
        let here = run.world.folder.clone();
        let shown = |it: &Path| {
            String::from(text::visible(&it.strip_prefix(&here).unwrap_or(it).to_string_lossy()))
        };
        let look = |it: &Path| Target::look(it, &shown(it), Replace::forced(self.force, "-o"));
        let targets: Vec<Target> = match &package {
            None => parts.iter().map(|it| look(&it.path)).collect::<Result<_>>()?,
            Some(it) => {
                let mut targets = vec![look(it)?];
                let signature = signature::signature_of(it);
                if self.sign.is_some() {
                    targets.push(look(&signature)?);
                } else if signature.symlink_metadata().is_ok() {
                    let why = format!("{} would lie beside another package", shown(&signature));
                    return Err(
                        Error::new(Kind::Refused, why).hint("--sign makes a new one; or remove it")
                    );
                }
                targets
            }
        };
        let secret = self.sign.as_ref().map(|it| evidence::secret_key(run, it)).transpose()?;
        let places = self.places(run)?;

        tell_window(run.ui, which.window);
        let archive = run.archive()?;
        let scope = Scope { which, accounts: self.account.clone() };
        known(&archive, &scope)?;
        let mut masker = self.masking.masker(run, &archive, "report", Shown::Of(&scope.which))?;
        let bar = run.world.progress.then(|| {
            indicatif::ProgressBar::new_spinner().with_finish(indicatif::ProgressFinish::AndClear)
        });
        let clear = || bar.iter().for_each(indicatif::ProgressBar::finish_and_clear);
        let doing = |what: String| {
            if let Some(it) = &bar {
                it.enable_steady_tick(std::time::Duration::from_millis(120));
                it.set_message(what);
            }
        };
        doing("reading the archive".into());
        let mut report = report::gather(&archive, scope, &mut masker)?;
        stopped(run)?;
        let played = report::played(&archive, &mut report, &mut masker, PLAYED);
        stopped(run)?;
        let language = match self.lang {
            Lang::En => Language::English,
            Lang::Ja => Language::Japanese,
        };
        let paper = Paper::new(&report, places.as_ref(), &played, language, run.ui.zone);
        let mut lost = Vec::new();
        if let Some(path) = &package {
            doing(format!("packing {}", shown(path)));
            refuse_secrets(&archive, &report, &masker)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let package = self.packed(&archive, &report, &paper, &parts)?;
            let written;
            (written, lost) = pack(run, package, &name, targets, secret.as_ref())?;
            clear();
            appear(run, written)?;
        } else if to_output {
            let mut bytes = std::io::Cursor::new(Vec::new());
            write(&paper, self.format[0], 0, &mut bytes)?;
            clear();
            run.ui.bytes(bytes.get_ref())?;
        } else {
            let mut written = Vec::new();
            for (part, target) in parts.iter().zip(targets) {
                stopped(run)?;
                doing(format!("writing {}", target.name()));
                let mut out = target.begin(run.world.stop)?;
                write(&paper, part.form, part.table, &mut out)?;
                written.push(out);
            }
            clear();
            appear(run, written)?;
        }
        let mut damages = archive.damages();
        damages.extend(lost);
        run.tell(&damages);
        masking::tell(run, &masker);
        let any = !report.sessions.is_empty();
        if any {
            let notable = report.commands.iter().filter(|it| !it.rules.is_empty()).count();
            run.ui.note(safe!(
                "{}, {}, {} of them notable",
                text::plural(report.sessions.len() as u64, "session"),
                text::plural(report.ran(), "command"),
                notable
            ));
        } else {
            run.ui.note("no session matches; the report says so");
        }
        Ok(Answer::found(any).with(&damages))
    }

    /// Where the package will be, if one was asked for.
    fn package(&self, run: &Run<'_, '_>) -> Result<Option<PathBuf>> {
        if !self.evidence {
            return Ok(None);
        }
        let asked = run.world.folder.join(&self.output);
        let ending = asked.extension().map(|it| it.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("tar") => Ok(Some(asked)),
            Some(it) if FORMS.iter().any(|one| one.ending() == it) || self.output == "-" => {
                Err(Error::misused("--evidence writes one .tar").hint("name it so: -o audit.tar"))
            }
            _ if self.output == "-" => {
                Err(Error::misused("--evidence writes one .tar").hint("name it: -o audit.tar"))
            }
            _ => {
                let mut path = asked.into_os_string();
                path.push(".tar");
                Ok(Some(path.into()))
            }
        }
    }

    /// What the package will hold.
    fn packed<'a>(
        &self,
        archive: &'a Archive,
        report: &'a report::Report,
        paper: &Paper<'_>,
        parts: &[ReportFile],
    ) -> Result<Package<'a>> {
        let mut files = Vec::new();
        let mut parts: Vec<&ReportFile> = parts.iter().collect();
        // In the order of a package, whatever the order in which they were asked for.
        parts.sort_by_key(|it| (FORMS.iter().position(|form| *form == it.form), it.table));
        for it in parts {
            let mut bytes = std::io::Cursor::new(Vec::new());
            write(paper, it.form, it.table, &mut bytes)?;
            let name = it.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, bytes.into_inner()));
        }
        let survey = match &self.survey {
            None => None,
            Some(it) => Some(std::fs::read(it).map_err(|error| Error::file("read", it, error))?),
        };
        Ok(Package { archive, report, files, survey })
    }

    /// The files that will be written.
    fn parts(&self, run: &Run<'_, '_>, tables: usize) -> Result<Vec<ReportFile>> {
        let asked = run.world.folder.join(&self.output);
        let ending = asked.extension().map(|it| it.to_string_lossy().to_lowercase());
        match FORMS.into_iter().find(|it| Some(it.ending()) == ending.as_deref()) {
            Some(form) if self.format.is_empty() || self.format == [form] => {
                self.parts_of(&asked.with_extension(""), Some(form), tables)
            }
            Some(form) => Err(Error::misused(format!(
                "{} ends like {}, and --format names another form",
                self.output,
                form.ending()
            ))
            .hint("leave the ending out, and each form gets its own")),
            None => self.parts_named(&asked, ending.as_deref(), tables),
        }
    }

    /// The files where the name asked for has no ending of ours: it is the beginning of theirs, unless it can only be a name.
    fn parts_named(
        &self,
        asked: &Path,
        ending: Option<&str>,
        tables: usize,
    ) -> Result<Vec<ReportFile>> {
        let is_device = std::fs::metadata(asked).is_ok_and(|it| !it.is_file() && !it.is_dir());
        // `audits/2026.10` is a beginning, `audit.txt` is a file.
        let has_ending = ending.is_some_and(|it| {
            (1..=4).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_alphabetic())
        });
        match self.format.as_slice() {
            _ if !is_device && !has_ending => self.parts_of(asked, None, tables),
            [form] if *form != ReportForm::Csv => {
                Ok(vec![ReportFile { form: *form, table: 0, path: asked.to_owned() }])
            }
            _ => Err(Error::misused(format!("{} takes one form of one file", self.output))
                .hint("say which: --format html, md, json or xlsx; a name without an ending is the beginning of several")),
        }
    }

    fn parts_of(
        &self,
        stem: &Path,
        only: Option<ReportForm>,
        tables: usize,
    ) -> Result<Vec<ReportFile>> {
        let forms = match only {
            Some(it) => vec![it],
            None if self.format.is_empty() => FORMS.to_vec(),
            None => self.format.clone(),
        };
        if stem.file_name().is_none() {
            return Err(Error::misused(format!("{} names no file", self.output)));
        }
        let mut out: Vec<ReportFile> = Vec::new();
        for form in forms {
            let names: &[&str] = match form {
                ReportForm::Csv => {
                    &["csv", "sessions.csv", "evidence.csv", "findings.csv"][..tables]
                }
                _ => &[form.ending()],
            };
            for (table, ending) in names.iter().enumerate() {
                let mut path = stem.as_os_str().to_owned();
                path.push(".");
                path.push(ending);
                let path = PathBuf::from(path);
                if !out.iter().any(|it| it.path == path) {
                    out.push(ReportFile { form, table, path });
                }
            }
        }
        Ok(out)
    }

    fn places(&self, run: &mut Run<'_, '_>) -> Result<Option<Places>> {
        let Some(path) = &self.survey else { return Ok(None) };
        let config = run.config()?;
        let promise = Promise::told(&config.promise, self.promise.as_deref())?;
        let mutes = audit::mutes(&config.mutes)?;
        verify::tell_config(run, &config);
        let survey = verify::read(path)?;
        let judgement = audit::judge(&survey, &promise, &mutes, &[]);
        Ok(Some(Places { survey, promise, judgement }))
    }
}

fn stopped(run: &Run<'_, '_>) -> Result<()> {
    match run.world.stop.load(Ordering::Relaxed) {
        true => Err(Error::new(Kind::Interrupted, "stopped; nothing was written")),
        false => Ok(()),
    }
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
    run: &Run<'_, '_>,
    package: Package<'_>,
    name: &str,
    targets: Vec<Target>,
    secret: Option<&minisign::SecretKey>,
) -> Result<(Vec<Output>, Vec<Skip>)> {
    let mut written = Vec::new();
    for it in targets {
        written.push(it.begin(run.world.stop)?);
    }
    let mut outs = written.iter_mut();
    let Some(out) = outs.next() else { return Ok((written, Vec::new())) };
    let lost = package.write(name, &mut *out)?;
    stopped(run)?;
    if let (Some(secret), Some(beside)) = (secret, outs.next()) {
        beside.put(signature::sign(secret, out.reader()?)?.as_bytes())?;
    }
    Ok((written, lost))
}

/// Only when all are whole does any appear.
fn appear(run: &mut Run<'_, '_>, written: Vec<Output>) -> Result<()> {
    let whole = written.into_iter().map(Output::whole).collect::<Result<Vec<_>>>()?;
    for it in whole {
        let name = it.name().safe();
        it.appear()?;
        run.ui.line(name)?;
    }
    Ok(())
}

/// Refuses a filter that matches nothing in the whole archive: it is more likely misspelt than true.
fn known(archive: &Archive, scope: &Scope) -> Result<()> {
    type Name = fn(&SessionRow) -> Option<String>;
    let owner: Name = |it| it.owner.as_deref().map(|it| short_owner(it).to_owned());
    let asked: [(&str, &[String], Name); 4] = [
        ("owner", &scope.which.owners, owner),
        ("owner that contains", &scope.which.owners_containing, owner),
        ("target", &scope.which.targets, |it| it.target.clone()),
        ("account", &scope.accounts, |it| it.account_id.clone()),
    ];
    if asked.iter().all(|it| it.1.is_empty()) {
        return Ok(());
    }
    let sessions = archive.sessions(&Which::default())?;
    for (word, texts, name) in asked {
        for text in texts {
            let found = match word {
                "account" => sessions.iter().any(|it| it.account_id.as_ref() == Some(text)),
                "owner" => sessions.iter().filter_map(|it| it.owner.as_deref()).any(|it| {
                    it.eq_ignore_ascii_case(text) || short_owner(it).eq_ignore_ascii_case(text)
                }),
                "owner that contains" => matches(&sessions, text, |it| it.owner.as_deref()),
                _ => matches(&sessions, text, |it| it.target.as_deref()),
            };
            if found {
                continue;
            }
            let mut names: Vec<String> = sessions.iter().filter_map(name).collect();
            names.sort_unstable();
            names.dedup();
            let error = Error::new(
                Kind::Missing,
                format!("no session of the archive has an {word} like {text}")
                    .replace("an target", "a target"),
            );
            if names.is_empty() {
                return Err(error.hint("`ssmtrail sessions` lists what the archive holds"));
            }
            let folded = text.to_lowercase();
            names.sort_by_cached_key(|it| std::cmp::Reverse(nearness(&folded, &it.to_lowercase())));
            names.truncate(5);
            return Err(error.hint(format!("the nearest are {}", names.join(", "))));
        }
    }
    Ok(())
}

fn matches(sessions: &[SessionRow], text: &str, of: fn(&SessionRow) -> Option<&str>) -> bool {
    let text = text.to_lowercase();
    sessions.iter().filter_map(of).any(|it| it.to_lowercase().contains(&text))
}

/// How near a name is, in thousandths.
fn nearness(text: &str, name: &str) -> u32 {
    (strsim::jaro_winkler(text, name) * 1000.0) as u32
}

/// Bytes cannot be masked: they are packed whole or not at all.
fn refuse_secrets(
    archive: &Archive,
    report: &crate::report::Report,
    masker: &Masker,
) -> Result<()> {
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
