//! A moving line for people who wait; nothing when standard error is no terminal.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// The line.
pub struct Progress(ProgressBar);

impl Progress {
    /// A line that says that the kernel boots.
    pub fn start() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:12} [{bar:24}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix("loading");
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(bar)
    }

    /// A scenario of `time` milliseconds begins.
    pub fn begin(&self, name: &str, time: u64) {
        self.0.set_prefix(name.to_owned());
        self.0.set_message("");
        self.0.set_length(time);
        self.0.set_position(0);
    }

    /// The scenario has taken `events` events in `elapsed` milliseconds.
    pub fn taken(&self, events: u64, elapsed: u64) {
        self.0.set_position(elapsed);
        self.0.set_message(format!("{} events", HumanCount(events)));
    }

    /// The line goes.
    pub fn end(self) {
        self.0.finish_and_clear();
    }
}
