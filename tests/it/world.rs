//! A small world of its own for each test: a folder, a fixed day, nothing from outside.

use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::time::SystemTime;

use expect_test::Expect;
use ssmtrail::cli;
use ssmtrail::time::At;

/// 2026-11-23T12:00:00Z.
pub(crate) const NOW: At = At(1_795_435_200_000_000);

/// The footer and header that util-linux 2.34 writes.
pub(crate) const HEADER: &str =
    "Script started on 2026-11-20 10:00:00+00:00 [<not executed on terminal>]\n";
pub(crate) const FOOTER: &str =
    "\nScript done on 2026-11-20 10:00:00+00:00 [COMMAND_EXIT_CODE=\"0\"]\n";

pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// What was said, in one text.
pub(crate) struct Said(pub(crate) String);

impl Said {
    /// For one expectation that several answers meet.
    #[track_caller]
    pub(crate) fn is_same(&self, expected: &Expect) {
        expected.assert_eq(&self.0);
    }

    #[track_caller]
    pub(crate) fn is(&self, expected: Expect) {
        expected.assert_eq(&self.0);
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A world that has archived the transcripts of the demo.
    pub(crate) fn with_demo() -> Self {
        let world = Self::new();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/demo");
        for it in std::fs::read_dir(demo).expect("the demo's transcripts") {
            let path = it.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            world.file(&format!("logs/{name}"), &std::fs::read(&path).expect("a transcript"));
        }
        world.salted();
        world.run("sync logs");
        world
    }

    /// Marks of masked secrets are the same in every run of an archive that is made here afterwards.
    pub(crate) fn salted(&self) {
        use std::io::Write as _;
        std::fs::create_dir_all(self.path("archive")).expect("the archive's folder");
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path("archive/salt"))
            .expect("the salt");
        file.write_all("07".repeat(32).as_bytes()).expect("the salt written");
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// A file that was last changed on 2026-11-20.
    pub(crate) fn file(&self, below: &str, bytes: &[u8]) -> &Self {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder made");
        std::fs::write(&path, bytes).expect("a file written");
        self.touch(below, 1_795_176_000)
    }

    pub(crate) fn touch(&self, below: &str, unix_secs: u64) -> &Self {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_secs);
        let file = std::fs::File::options().write(true).open(self.path(below)).expect("the file");
        file.set_modified(at).expect("its time set");
        self
    }

    /// A transcript whose lines stand behind header and before footer, with the line ends of a real one.
    pub(crate) fn transcript(&self, below: &str, lines: &[&str]) -> &Self {
        let body: String = lines.iter().map(|it| format!("{it}\r\r\n")).collect();
        self.file(below, format!("{HEADER}{body}{FOOTER}").as_bytes())
    }

    /// Plays one command line; paths in it and in the answer are relative to this world.
    pub(crate) fn run(&self, line: &str) -> Said {
        self.play(&words(line))
    }

    pub(crate) fn play(&self, words: &[String]) -> Said {
        let (out, err, code) = self.parts(words);
        let mut said = String::new();
        said.push_str(&out);
        if !out.is_empty() && !out.ends_with('\n') {
            said.push('\n');
        }
        for line in err.lines() {
            said.push_str("! ");
            said.push_str(line);
            said.push('\n');
        }
        if code != 0 {
            said.push_str(&format!("[exit {code}]\n"));
        }
        let here = self.folder.path().canonicalize().expect("this world");
        let said = said
            .replace(&format!("{}/", here.display()), "")
            .replace(&here.display().to_string(), ".");
        Said(crate::peer::headless(&said))
    }

    /// Standard output, standard error and exit code.
    pub(crate) fn parts(&self, words: &[String]) -> (String, String, u8) {
        self.parts_as(words, None)
    }

    pub(crate) fn parts_as(
        &self,
        words: &[String],
        columns: Option<usize>,
    ) -> (String, String, u8) {
        static GO_ON: AtomicBool = AtomicBool::new(false);
        let archive = self.path("archive").to_string_lossy().into_owned();
        let mut line = vec!["ssmtrail".to_owned(), "--archive".to_owned(), archive];
        for (nth, word) in words.iter().enumerate() {
            let here = self.path(word);
            let is_path = nth > 0
                && !word.starts_with('-')
                && !word.is_empty()
                && here.symlink_metadata().is_ok();
            line.push(if is_path { here.to_string_lossy().into_owned() } else { word.clone() });
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let world = cli::World {
            now: NOW,
            no_color: true,
            columns,
            progress: false,
            stop: &GO_ON,
            data_home: None,
            config_home: None,
            folder: self.path("."),
            environment: Default::default(),
            user: cli::User { name: Some("auditor".into()), uid: Some(1000), login_uid: None },
            arguments: words.to_vec(),
        };
        let code = match cli::parse(line.into_iter().map(Into::into)) {
            Err(it) => {
                err.extend(it.text.into_bytes());
                it.code
            }
            Ok(args) => match cli::run(args, &world, &mut out, &mut err) {
                Ok(it) => it.code(),
                Err(it) => {
                    cli::complain(&it, &mut err);
                    cli::Answer::Failed.code()
                }
            },
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        (text(out), text(err), code)
    }
}

/// Words of a command line; single and double quotes hold words together.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for ch in line.chars() {
        match (quote, ch) {
            (Some(open), _) if ch == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(ch),
            (None, '\'' | '"') => {
                quote = Some(ch);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(ch),
        }
    }
    words.extend(word);
    words
}

impl Said {
    #[track_caller]
    pub(crate) fn is_file(&self, expected: expect_test::ExpectFile) {
        expected.assert_eq(&self.0);
    }
}
