//! Progress for the person who waits: on standard error, only where it is a terminal.

use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use crate::sync::Progress;

/// A bar, or nothing at all.
pub(super) struct Bar {
    bar: Option<ProgressBar>,
    objects: u64,
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
        Self { bar, objects: 0 }
    }
}

impl Progress for Bar {
    fn listed(&mut self, _objects: u64, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(bytes);
        }
    }

    fn took(&mut self, objects: u64, bytes: u64) {
        self.objects += objects;
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{} objects", crate::render::count(self.objects)));
            bar.inc(bytes);
        }
    }

    fn finished(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
