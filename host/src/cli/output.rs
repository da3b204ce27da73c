//! Where the commands write: text for people, with colour on a terminal, or
//! JSON for programs. Results go to standard output, all else to standard
//! error.

use crate::ledger::Redactor;
use crate::text::printable;
use anstyle::{AnsiColor, Style};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::time::Duration;

pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// Writes for people or for programs.
pub(super) struct Output {
    json: bool,
    redactor: Redactor,
}

impl Output {
    pub(super) fn new(json: bool, redactor: Redactor) -> Self {
        Self { json, redactor }
    }

    /// Whether it writes for programs.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Knows the secrets of the host, which are not written.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// A result: the value for programs, or what `text` prints for people.
    pub(super) fn result<T: Serialize>(&self, value: &T, text: impl FnOnce()) {
        if self.json {
            // The values are our own; they always have a JSON form.
            let json = serde_json::to_string_pretty(value).unwrap_or_else(|error| {
                serde_json::json!({"error": error.to_string()}).to_string()
            });
            anstream::println!("{json}");
        } else {
            text();
        }
    }

    /// Text for people only.
    pub(super) fn text(&self, print: impl FnOnce()) {
        if !self.json {
            print();
        }
    }

    /// A step of something longer, for people only.
    pub(super) fn heading(&self, text: &str) {
        if !self.json {
            anstream::println!("\n{BOLD}{text}{BOLD:#}");
        }
    }

    /// A line for people only.
    pub(super) fn line(&self, text: &str) {
        if !self.json {
            anstream::println!("{text}");
        }
    }

    /// Why the command failed.
    pub(super) fn failure(&self, code: &str, text: &str) {
        let text = &self.redactor.text(text.to_owned());
        if self.json {
            let json = serde_json::json!({"error": {"code": code, "message": text}});
            anstream::eprintln!("{json}");
        } else {
            // Much of it is what a connector or an outside party said.
            anstream::eprintln!("{RED}error:{RED:#} {}", printable(text));
        }
    }

    /// Shows that something takes a while, on a terminal only.
    pub(super) fn busy(&self, what: String) -> ProgressBar {
        if self.json {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }
}

/// A table for people.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec());
    table
}

/// Cents as euros.
pub(super) fn euros(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("€ {sign}{}.{:02}", cents / 100, cents % 100)
}
