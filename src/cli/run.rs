//! What a command gets: the world as `main` read it once, the archive, the configuration, and where to speak.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use crate::archive::Archive;
use crate::config::Access;
use crate::config::Config;
use crate::config::Origin;
use crate::config::Place;
use crate::config::Told;
use crate::error::Error;
use crate::error::Result;
use crate::render::Ui;
use crate::session::Skip;
use crate::text;
use crate::text::safe;

/// Who runs this, by the operating system's word.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// Login name; `None` if the system does not tell.
    pub name: Option<String>,
    /// Effective user id; `None` where the system does not tell, as Linux alone does.
    pub uid: Option<u32>,
    /// Who logged in, whoever they became since ("pam_loginuid(8)"); Linux alone knows.
    pub login_uid: Option<u32>,
}

/// What surrounds a run, told from outside: `main` reads the world once.
pub struct World<'a> {
    /// Now, UTC microseconds.
    pub now: i64,
    /// Whether `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// Columns of the terminal that standard output is, if it is one.
    pub columns: Option<usize>,
    /// Standard error is a terminal: progress may be shown.
    pub progress: bool,
    /// Becomes `true` on a signal: what runs then ends early.
    pub stop: &'a AtomicBool,
    /// The user's folder for data, such as `~/.local/share`; `None` if none can be told.
    pub data_home: Option<PathBuf>,
    /// The user's folder for configuration, such as `~/.config`; `None` if none can be told.
    pub config_home: Option<PathBuf>,
    /// The working folder.
    pub folder: PathBuf,
    /// Variables whose names begin with `AWS_` or `SSMTRAIL_`.
    pub environment: BTreeMap<String, String>,
    /// Who runs this, by the operating system's word.
    pub user: User,
    /// The command line, as it was given.
    pub arguments: Vec<String>,
}

/// What every command gets.
pub(super) struct Run<'a, 'b> {
    pub(super) ui: &'a mut Ui<'b>,
    pub(super) world: &'a World<'a>,
    /// The archive as the arguments or the environment name it.
    pub(super) root: Option<PathBuf>,
    /// The configuration file as they name it.
    pub(super) config_path: Option<PathBuf>,
    pub(super) config: Option<(PathBuf, Config)>,
}

impl Run<'_, '_> {
    pub(super) fn root(&mut self) -> Result<PathBuf> {
        if let Some(it) = &self.root {
            return Ok(it.clone());
        }
        if let Some(it) = self.config()?.archive {
            return Ok(it.value.into());
        }
        self.world.data_home.as_ref().map(|it| it.join("ssmtrail")).ok_or_else(|| {
            Error::misused("there is no folder for the archive").hint("name one with --archive DIR")
        })
    }

    /// Where the configuration is, or would be if it were written.
    pub(super) fn config_place(&self) -> PathBuf {
        if let Some(it) = &self.config_path {
            return it.clone();
        }
        let here = self.world.folder.join(crate::config::NAME);
        let home =
            self.world.config_home.as_ref().map(|it| it.join("ssmtrail").join(crate::config::NAME));
        match home {
            Some(home) if !here.exists() && home.exists() => home,
            _ => here,
        }
    }

    /// Name of the configuration that is in force because it lies in the working folder, and for no other reason.
    pub(super) fn config_of_folder(&self) -> Option<String> {
        let here = self.world.folder.join(crate::config::NAME);
        let by_chance = self.config_path.is_none() && here.exists();
        by_chance.then(|| crate::config::NAME.to_owned())
    }

    /// The configuration; empty where there is none. Paths in it are relative to its own folder.
    pub(super) fn config(&mut self) -> Result<Config> {
        if let Some((_, it)) = &self.config {
            return Ok(it.clone());
        }
        let path = self.config_place();
        let name = path.file_name().map_or(crate::config::NAME.into(), |it| it.to_string_lossy());
        let mut config = match std::fs::read_to_string(&path) {
            Ok(text) => Config::read(&text, &name)?,
            Err(it) if it.kind() == std::io::ErrorKind::NotFound && self.config_path.is_none() => {
                Config::default()
            }
            Err(it) => return Err(Error::file("read", &path, it)),
        };
        let folder = path.parent().unwrap_or(&path).to_owned();
        if let Some(it) = &mut config.archive {
            it.value = folder.join(&it.value).to_string_lossy().into_owned();
        }
        for it in &mut config.sources {
            if let Place::Folder(path) = &mut it.place {
                *path = folder.join(&*path);
            }
        }
        self.config = Some((path, config.clone()));
        Ok(config)
    }

    /// What the environment says of the way to AWS.
    pub(super) fn environment(&self) -> Access {
        let told = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = self.world.environment.get(*name).filter(|it| !it.is_empty())?;
                Some(Told { value: value.clone(), from: Origin::Environment(name) })
            })
        };
        Access {
            profile: told(&["AWS_PROFILE"]),
            region: told(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
            endpoint_url: told(&["AWS_ENDPOINT_URL"]),
            ..Access::default()
        }
    }

    pub(super) fn archive(&mut self) -> Result<Archive> {
        Archive::open(&self.root()?)
    }

    /// The archive, or one that nobody has made yet.
    pub(super) fn archive_if_any(&mut self) -> Result<Archive> {
        match self.archive() {
            Err(it) if it.kind == crate::error::Kind::Missing => Ok(Archive::none(&self.root()?)),
            it => it,
        }
    }

    /// Tells what was unreadable, so that no gap is silent.
    pub(super) fn tell(&mut self, damages: &[Skip]) {
        // A manifest that is gone leaves every file without a name: the first say enough.
        const SHOWN: usize = 10;
        let more = damages.len().saturating_sub(SHOWN);
        for it in damages.iter().take(SHOWN) {
            self.ui.note(safe!("unreadable: {}: {}", it.locator, it.why));
        }
        if more > 0 {
            self.ui.note(safe!("unreadable: {} more", text::count(more as u64)));
        }
        if damages.iter().any(|it| it.loses) {
            self.ui.note(
                "hint: the answer is from what could be read; `ssmtrail archive verify` says more",
            );
        }
    }
}
