//! The table: what koppel costs beside what it is compared with.

use anyhow::{Context, Result};
use comfy_table::presets::{ASCII_MARKDOWN, UTF8_HORIZONTAL_ONLY};
use comfy_table::{ContentArrangement, Table, TableStyle};
use std::fs;
use std::path::Path;

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// It is for the reader.
    None,
}

/// One figure.
#[derive(Clone)]
pub(crate) struct Row {
    what: String,
    /// What it is compared with, and what that came to.
    beside: String,
    koppel: String,
    figure: String,
    target: String,
    met: &'static str,
}

/// All figures of a run.
#[derive(Default)]
pub(crate) struct Report {
    groups: Vec<(String, Vec<Row>)>,
}

impl Report {
    /// Begins a group of figures.
    pub(crate) fn group(&mut self, title: &str) {
        eprintln!("measuring: {title}");
        self.groups.push((title.to_owned(), Vec::new()));
    }

    /// Adds a figure: `value` in `unit` is what the target is about.
    pub(crate) fn add(
        &mut self,
        what: &str,
        beside: String,
        koppel: String,
        (value, unit): (f64, &str),
        target: Target,
    ) {
        let (target, met) = match target {
            Target::AtMost(most) => (format!("≤ {most}{unit}"), yes(value <= most)),
            Target::AtLeast(least) => (format!("≥ {least}{unit}"), yes(value >= least)),
            Target::None => (String::new(), ""),
        };
        if value.is_nan() {
            return;
        }
        let row = Row {
            what: what.to_owned(),
            beside,
            koppel,
            figure: format!("{}{unit}", digits(value)),
            target,
            met,
        };
        if let Some((_, rows)) = self.groups.last_mut() {
            rows.push(row);
        }
    }

    /// Adds a ratio of times.
    pub(crate) fn times(&mut self, what: &str, of: &str, beside: f64, koppel: f64, target: Target) {
        let beside = (format!("{of} {}", time(beside)), beside);
        let figure = (koppel / beside.1, " ×");
        self.add(what, beside.0, time(koppel), figure, target);
    }

    /// Adds a ratio of rates.
    pub(crate) fn rates(&mut self, what: &str, of: &str, beside: f64, koppel: f64, target: Target) {
        let shown = format!("{of} {}/s", digits(beside));
        let figure = (koppel / beside, " ×");
        self.add(what, shown, format!("{}/s", digits(koppel)), figure, target);
    }

    /// As tables for a terminal.
    pub(crate) fn table(&self) -> String {
        self.tables(UTF8_HORIZONTAL_ONLY, ContentArrangement::Dynamic)
    }

    /// Writes the tables into the documentation, each between the marks of its
    /// group; those of groups that were not measured stay.
    pub(crate) fn document(&self) -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
        let mut text = fs::read_to_string(&path)?;
        for group in &self.groups {
            let (title, _) = group;
            let alone = Self {
                groups: vec![group.clone()],
            };
            let (begin, end) = (format!("<!-- {title} -->\n"), "<!-- end -->");
            let (before, rest) = text
                .split_once(&begin)
                .with_context(|| format!("{}: there is no {begin}", path.display()))?;
            let (_, after) = rest
                .split_once(end)
                .with_context(|| format!("{}: there is no {end} after {begin}", path.display()))?;
            let table = alone.tables(ASCII_MARKDOWN, ContentArrangement::Disabled);
            text = format!("{before}{begin}\n{table}\n{end}{after}");
        }
        Ok(fs::write(&path, text)?)
    }

    fn tables(&self, preset: TableStyle, arrangement: ContentArrangement) -> String {
        let mut text = String::new();
        for (title, rows) in &self.groups {
            let mut table = Table::new();
            table
                .load_style(preset)
                .set_content_arrangement(arrangement.clone())
                .set_header([title, "compared with", "koppel", "figure", "target", "met"]);
            for row in rows {
                table.add_row([
                    &row.what,
                    &row.beside,
                    &row.koppel,
                    &row.figure,
                    &row.target,
                    row.met,
                ]);
            }
            text += &format!("{table}\n");
        }
        text
    }
}

fn yes(met: bool) -> &'static str {
    if met { "yes" } else { "no" }
}

/// Three digits that count.
pub(crate) fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// A time in seconds, in the unit that suits it.
pub(crate) fn time(seconds: f64) -> String {
    let (factor, unit) = match seconds {
        seconds if seconds >= 1.0 => (1.0, "s"),
        seconds if seconds >= 1e-3 => (1e3, "ms"),
        seconds if seconds >= 1e-6 => (1e6, "µs"),
        _ => (1e9, "ns"),
    };
    format!("{} {unit}", digits(seconds * factor))
}

/// Bytes, in the unit that suits them.
pub(crate) fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= (1 << 20) as f64 => format!("{} MiB", digits(bytes / (1 << 20) as f64)),
        bytes => format!("{} KiB", digits(bytes / 1024.0)),
    }
}
