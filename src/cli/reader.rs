//! The way into the archive for commands that read nothing else: they reach neither the configuration nor the environment.

use std::path::PathBuf;

use super::answer::Answer;
use super::answer::Ending;
use super::answer::tell_lost;
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

    /// Asks the archive, and ends the answer: says what could not be read of it. A command that reads the archive alone has no
    /// other way into it; one that asks AWS has [`Setup::ask`], which says it, too.
    pub(super) fn ask(
        &self,
        ui: &mut Ui<'_>,
        question: impl FnOnce(&Archive, &mut Ui<'_>) -> Result<Ending>,
    ) -> Result<Answer> {
        let asked = Archive::ask(&self.root()?, |archive| question(archive, ui))?;
        let ending = asked.answer;
        let lost = [asked.lost, ending.lost].concat();
        tell_lost(ui, &lost);
        if !ending.any && lost.is_empty() && !ending.nothing.is_empty() {
            ui.note(ending.nothing);
        }
        Ok(Answer::found(ending.any).with(&lost))
    }

    /// Asks for what the filters ask, and says first which window is in force and whom a name matched.
    pub(super) fn ask_for(
        &self,
        filters: &Filters,
        ui: &mut Ui<'_>,
        question: impl FnOnce(&Archive, &Which, &mut Ui<'_>) -> Result<Ending>,
    ) -> Result<Answer> {
        let which = filters.which(self.here.now, ui.zone)?;
        tell_window(ui, which.window);
        self.ask(ui, |archive, ui| {
            tell_owners(ui, archive, &which)?;
            question(archive, &which, ui)
        })
    }
}
