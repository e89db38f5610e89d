//! Progress for the person who waits: on standard error, only where it is a terminal.

use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use crate::sync::Progress;

/// A bar, or nothing at all.
pub(super) struct Bar {
    bar: Option<ProgressBar>,
    source: String,
    objects: u64,
    of: u64,
}

impl Bar {
    pub(super) fn new(shown: bool) -> Self {
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
        Self { bar, source: String::new(), objects: 0, of: 0 }
    }

    fn say(&self) {
        if let Some(bar) = &self.bar {
            let (objects, of) = (crate::render::count(self.objects), crate::render::count(self.of));
            bar.set_message(format!("{} {objects} of {of} listed", self.source));
        }
    }
}

impl Progress for Bar {
    fn source(&mut self, name: &str) {
        let name = crate::render::visible(name);
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

    fn finished(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
