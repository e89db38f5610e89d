//! What was settled before the command: the configuration, the environment, and the archive's folder as they name it.
//! Only commands that ask AWS, or tell what is settled, get to see it.

use std::cell::OnceCell;
use std::path::PathBuf;

use super::answer::tell_lost;
use super::world::Here;
use super::world::World;
use crate::archive::Answered;
use crate::archive::Archive;
use crate::config;
use crate::config::Access;
use crate::config::Config;
use crate::config::Origin;
use crate::config::Place;
use crate::config::Told;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::Ui;

pub(super) struct Setup<'a> {
    pub(super) here: Here<'a>,
    /// The archive as the arguments or the environment name it.
    pub(super) archive: Option<PathBuf>,
    world: &'a World<'a>,
    /// The configuration file as they name it.
    file: Option<PathBuf>,
    config: OnceCell<Config>,
}

impl<'a> Setup<'a> {
    pub(super) fn new(
        world: &'a World<'a>,
        archive: Option<PathBuf>,
        file: Option<PathBuf>,
    ) -> Self {
        let here = Here {
            now: world.now,
            folder: &world.folder,
            stop: world.stop,
            progress: world.progress,
        };
        Self { here, archive, world, file, config: OnceCell::new() }
    }

    /// Folder of the archive.
    pub(super) fn root(&self) -> Result<PathBuf> {
        if let Some(it) = &self.archive {
            return Ok(it.clone());
        }
        if let Some(it) = &self.config()?.archive {
            return Ok(PathBuf::from(&it.value));
        }
        self.world.data_home.as_ref().map(|it| it.join("ssmtrail")).ok_or_else(|| {
            Error::misused("there is no folder for the archive").hint("name one with --archive DIR")
        })
    }

    /// Asks the archive, where there is one, and says what could not be read of it.
    pub(super) fn ask<T>(
        &self,
        ui: &mut Ui<'_>,
        question: impl FnOnce(&Archive) -> Result<T>,
    ) -> Result<Option<Answered<T>>> {
        let asked = self.kept()?.map(|it| it.answered(question)).transpose()?;
        asked.iter().for_each(|it| tell_lost(ui, &it.lost));
        Ok(asked)
    }

    /// The archive, where there is one; for what tells itself what could not be read of it.
    pub(super) fn kept(&self) -> Result<Option<Archive>> {
        match Archive::open(&self.root()?) {
            Ok(it) => Ok(Some(it)),
            Err(it) if it.kind == Kind::Missing => Ok(None),
            Err(it) => Err(it),
        }
    }

    /// Where the configuration is, or would be if it were written.
    pub(super) fn config_place(&self) -> PathBuf {
        if let Some(it) = &self.file {
            return it.clone();
        }
        let here = self.world.folder.join(config::NAME);
        let home = self.world.config_home.as_ref().map(|it| it.join("ssmtrail").join(config::NAME));
        match home {
            Some(home) if !here.exists() && home.exists() => home,
            _ => here,
        }
    }

    /// Whether the configuration is in force because it lies in the working folder, and for no other reason.
    pub(super) fn is_of_folder(&self) -> bool {
        self.file.is_none() && self.world.folder.join(config::NAME).exists()
    }

    /// The configuration; empty where there is none. Paths in it are relative to its own folder.
    pub(super) fn config(&self) -> Result<&Config> {
        if let Some(it) = self.config.get() {
            return Ok(it);
        }
        let path = self.config_place();
        let name = path.file_name().map_or(config::NAME.into(), |it| it.to_string_lossy());
        let mut config = match std::fs::read_to_string(&path) {
            Ok(text) => Config::read(&text, &name)?,
            Err(it) if it.kind() == std::io::ErrorKind::NotFound && self.file.is_none() => {
                Config::default()
            }
            Err(it) => return Err(Error::file("read", &path, it)),
        };
        let folder = path.parent().unwrap_or(&path);
        if let Some(it) = &mut config.archive {
            it.value = folder.join(&it.value).to_string_lossy().into_owned();
        }
        for it in &mut config.sources {
            if let Place::Folder(path) = &mut it.place {
                *path = folder.join(&*path);
            }
        }
        Ok(self.config.get_or_init(|| config))
    }

    /// A variable of the environment.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.world.environment.get(name).map(String::as_str)
    }

    /// How AWS is reached where neither the command line nor a source says: by the environment, then by the file.
    pub(super) fn access(&self) -> Result<Access> {
        Ok(self.environment().or(&self.config()?.access))
    }

    /// What the environment says of the way to AWS.
    pub(super) fn environment(&self) -> Access {
        let told = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = self.variable(name).filter(|it| !it.is_empty())?;
                Some(Told { value: value.to_owned(), from: Origin::Environment(name) })
            })
        };
        Access {
            profile: told(&["AWS_PROFILE"]),
            region: told(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
            endpoint_url: told(&["AWS_ENDPOINT_URL"]),
            ..Access::default()
        }
    }
}
