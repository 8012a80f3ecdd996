//! What the process with the kernel tells its supervisor: one JSON document per line.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::report::{KernelReport, ModuleReport, ScenarioReport};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The module is loaded and has answered `_init`.
    Loaded(ModuleReport),
    /// A scenario begins.
    Begin {
        /// Its name.
        name: String,
        /// Milliseconds it will take.
        time: u64,
    },
    /// A scenario goes on.
    Taken {
        /// Events taken so far.
        events: u64,
        /// Milliseconds since it began.
        elapsed: u64,
    },
    /// A scenario has ended.
    Served(Box<ScenarioReport>),
    /// The kernel was shut down. The last message of a run without failure.
    Down(KernelReport),
    /// The run cannot go on. The last message.
    Failed(String),
}

impl Message {
    /// Writes the line to standard output at once. A supervisor that is gone ends the process.
    pub fn send(&self) {
        let mut out = io::stdout().lock();
        let written = serde_json::to_writer(&mut out, self).map_err(io::Error::from);
        if written
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())
            .is_err()
        {
            std::process::exit(1);
        }
    }
}
