//! The way into the archive for commands that read nothing else: they reach neither the configuration nor the environment.

use std::path::PathBuf;

use super::filters::Filters;
use super::filters::tell_owners;
use super::filters::tell_window;
use super::setup::Setup;
use super::world::Here;
use super::world::User;
use super::world::World;
use crate::archive::Archive;
use crate::archive::Which;
use crate::error::Result;
use crate::render::Ui;

/// Where the archive is, and who asks for it.
pub(super) struct Reader<'a> {
    pub(super) here: Here<'a>,
    pub(super) user: &'a User,
    /// The command line, as it was given.
    pub(super) arguments: &'a [String],
    setup: &'a Setup<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(setup: &'a Setup<'a>, world: &'a World<'a>) -> Self {
        Self { here: setup.here, user: &world.user, arguments: &world.arguments, setup }
    }

    /// Folder of the archive.
    pub(super) fn root(&self) -> Result<PathBuf> {
        self.setup.root()
    }

    pub(super) fn open(&self) -> Result<Archive> {
        Archive::open(&self.root()?)
    }

    /// Opens the archive for what the filters ask, and says which window is in force and whom a name matched.
    pub(super) fn ask(&self, filters: &Filters, ui: &mut Ui<'_>) -> Result<(Archive, Which)> {
        let which = filters.which(self.here.now, ui.zone)?;
        tell_window(ui, which.window);
        let archive = self.open()?;
        tell_owners(ui, &archive, &which)?;
        Ok((archive, which))
    }
}
