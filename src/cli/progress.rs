//! Progress for the person who waits: on standard error. A bar only where that is a terminal; that AWS gives nothing is
//! said anywhere, because a run that stands still looks like one that works.

use std::time::Duration;
use std::time::Instant;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressFinish;
use indicatif::ProgressStyle;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::Ui;
use crate::sync::Progress;
use crate::text;
use crate::text::Safe;
use crate::text::safe;

/// Time between two lines that say that nothing comes.
const REPEATED: Duration = Duration::from_secs(30);
/// How long an answer may take before waiting for it is said.
const QUIET: Duration = Duration::from_secs(10);

/// When a line was last written that only says what lasts.
#[derive(Default)]
struct Seldom(Option<Instant>);

impl Seldom {
    /// Whether it is time for another.
    fn may(&mut self) -> bool {
        let may = self.0.is_none_or(|it| it.elapsed() >= REPEATED);
        if may {
            self.0 = Some(Instant::now());
        }
        may
    }
}

/// Waits for something that asks AWS, and says so while it lasts.
///
/// # Errors
/// The person stopped it.
pub(super) fn patiently<T>(
    runtime: &tokio::runtime::Runtime,
    say: &mut dyn FnMut(Safe),
    stop: &std::sync::atomic::AtomicBool,
    what: &str,
    it: impl Future<Output = T>,
) -> Result<T> {
    let (began, mut seldom) = (Instant::now(), Seldom::default());
    runtime.block_on(async {
        let mut it = std::pin::pin!(it);
        loop {
            let tick = tokio::time::sleep(Duration::from_millis(100));
            tokio::select! {
                it = &mut it => return Ok(it),
                () = tick => {}
            }
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(Error::new(Kind::Interrupted, "stopped"));
            }
            let waited = began.elapsed();
            if waited >= QUIET && seldom.may() {
                let seconds = waited.as_secs();
                say(safe!("still asking about {}, for {} seconds now", what, seconds));
            }
        }
    })
}

/// A sign on a terminal that something goes on, and what; nothing elsewhere. Dropped, it is gone.
pub(super) struct Spinner(Option<ProgressBar>);

impl Spinner {
    pub(super) fn new(shown: bool) -> Self {
        let bar = shown.then(|| ProgressBar::new_spinner().with_finish(ProgressFinish::AndClear));
        if let Some(it) = &bar {
            it.enable_steady_tick(Duration::from_millis(120));
        }
        Self(bar)
    }

    /// What goes on.
    pub(super) fn doing(&self, what: impl Into<Safe>) {
        if let Some(it) = &self.0 {
            it.set_message(String::from(what.into()));
        }
    }

    /// A line that stays.
    pub(super) fn say(&self, ui: &mut Ui<'_>, text: Safe) {
        match &self.0 {
            Some(it) => it.println(&*text),
            None => ui.note(text),
        }
    }
}

/// A bar, or nothing but what must be said.
pub(super) struct Bar<'a, 'b> {
    bar: Option<ProgressBar>,
    ui: &'a mut Ui<'b>,
    source: String,
    objects: u64,
    of: u64,
    waiting: Option<Safe>,
    seldom: Seldom,
}

impl<'a, 'b> Bar<'a, 'b> {
    pub(super) fn new(shown: bool, ui: &'a mut Ui<'b>) -> Self {
        let bar = shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(
                "{msg} {wide_bar:.cyan/dim} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
            );
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            bar,
            ui,
            source: String::new(),
            objects: 0,
            of: 0,
            waiting: None,
            seldom: Seldom::default(),
        }
    }

    fn say(&self) {
        if let Some(bar) = &self.bar {
            let (objects, of) = (text::count(self.objects), text::count(self.of));
            bar.set_message(String::from(match &self.waiting {
                Some(it) => safe!("{} {} of {} listed: {}", self.source, objects, of, it),
                None => safe!("{} {} of {} listed", self.source, objects, of),
            }));
        }
    }
}

impl Progress for Bar<'_, '_> {
    fn source(&mut self, name: &str) {
        let name = text::visible(name);
        // The end of a long name tells more than its beginning.
        let skip = name.chars().count().saturating_sub(32);
        self.source = name.chars().skip(skip).collect();
        self.say();
    }

    fn listed(&mut self, objects: u64, bytes: u64) {
        self.of = objects;
        if let Some(bar) = &self.bar {
            // A log group does not tell how long its streams are.
            bar.set_length(bytes.max(bar.position()));
        }
        self.say();
    }

    fn took(&mut self, objects: u64, bytes: u64) {
        self.objects += objects;
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
        self.say();
    }

    fn waiting(&mut self, words: Option<&str>) {
        self.waiting = words.map(text::visible);
        let Some(words) = &self.waiting else { return };
        // A bar says it as long as it lasts; a log gets a line now and then.
        if self.bar.is_none() && self.seldom.may() {
            self.ui.note(safe!("{}: {}", self.source, words));
        }
    }

    fn finished(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_nothing_comes_is_said_in_a_line_now_and_then_where_no_bar_is() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut ui = Ui::new(&mut out, &mut err);
        let mut bar = Bar::new(false, &mut ui);
        bar.source("s3://acme/\u{9b}");
        bar.waiting(None);
        for _ in 0..9 {
            bar.waiting(Some("no good answer from AWS for 12 seconds (503 SlowDown)"));
        }
        assert_eq!(
            String::from_utf8(err).unwrap(),
            "s3://acme/\\u{9b}: no good answer from AWS for 12 seconds (503 SlowDown)\n"
        );
    }
}
