//! Charts, as figures of known sizes that a template draws in SVG.

use super::format::number;
use crate::language::{Language, fill};
use std::fmt::Display;

/// The size of a chart of columns, in units of its own.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 220;
const LEFT: u64 = 44;
const TOP: u64 = 12;
const BOTTOM: u64 = 28;

/// A series: one part of every column.
pub(super) struct Series {
    /// How it is drawn: a class of the style sheet.
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    /// A value for each column.
    pub(super) values: Vec<u64>,
}

/// A chart of columns, each made of parts.
pub(super) struct Columns {
    pub(super) width: u64,
    pub(super) height: u64,
    /// The lines behind the columns.
    pub(super) lines: Vec<Line>,
    pub(super) columns: Vec<Column>,
    pub(super) series: Vec<Series>,
    /// From where to where the lines go.
    pub(super) left: u64,
    pub(super) right: u64,
}

/// A line at a value.
pub(super) struct Line {
    pub(super) y: u64,
    pub(super) label: String,
}

/// A column.
pub(super) struct Column {
    pub(super) label: String,
    /// Where its label stands.
    pub(super) middle: u64,
    pub(super) base: u64,
    pub(super) parts: Vec<Part>,
}

/// A part of a column.
pub(super) struct Part {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) class: &'static str,
    /// What it says when it is pointed at.
    pub(super) text: String,
}

impl Columns {
    /// A chart of these series, whose columns have these labels.
    pub(super) fn new(labels: &[String], series: Vec<Series>, language: Language) -> Self {
        let total = |at: usize| -> u64 {
            let values = series.iter().map(|series| series.values.get(at));
            values.flatten().sum()
        };
        let highest = (0..labels.len()).map(total).max().unwrap_or_default();
        let (step, most) = scale(highest);
        let room = HEIGHT - TOP - BOTTOM;
        let tall = |value: u64| value.saturating_mul(room) / most;
        let base = HEIGHT - BOTTOM;
        let pitch = (WIDTH - LEFT) / (labels.len().max(1) as u64);
        let wide = pitch * 2 / 3;
        let columns = labels.iter().enumerate().map(|(at, label)| {
            let left = LEFT + pitch * at as u64 + (pitch - wide) / 2;
            let mut below = 0;
            let mut parts = Vec::new();
            for one in &series {
                let value = one.values.get(at).copied().unwrap_or_default();
                if value == 0 {
                    continue;
                }
                let (from, to) = (tall(below), tall(below + value));
                below += value;
                parts.push(Part {
                    x: left,
                    y: base - to,
                    width: wide,
                    // One of many is seen, too.
                    height: (to - from).max(1),
                    class: one.class,
                    text: fill(
                        "{}: {} {}",
                        &[label, &number(value, language), &one.name as &dyn Display],
                    ),
                });
            }
            Column {
                label: label.clone(),
                middle: left + wide / 2,
                base: base + 18,
                parts,
            }
        });
        let columns = columns.collect();
        let lines = (0..=most / step).map(|at| Line {
            y: base - tall(at * step),
            label: number(at * step, language),
        });
        Self {
            width: WIDTH,
            height: HEIGHT,
            lines: lines.collect(),
            columns,
            left: LEFT - 4,
            right: WIDTH,
            series,
        }
    }
}

/// The distance of the lines, and the value of the highest: round ones.
fn scale(highest: u64) -> (u64, u64) {
    let mut step: u64 = 1;
    let mut factors = [2, 5, 10].into_iter().cycle();
    let mut unit: u64 = 1;
    while step.saturating_mul(4) < highest {
        let factor = factors.next().unwrap_or(10);
        step = unit.saturating_mul(factor);
        if factor == 10 {
            unit = step;
        }
    }
    let lines = highest.div_ceil(step).max(2);
    (step, step.saturating_mul(lines))
}

/// A row of a chart of bars: a table whose rows have a bar each.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: String,
    /// How long the bar is, of 100.
    pub(super) length: u64,
    /// Where more of it is to be seen.
    pub(super) path: Option<String>,
}

/// Bars for values by name.
pub(super) fn bars(
    values: impl IntoIterator<Item = (String, u64, Option<String>)>,
    language: Language,
) -> Vec<Bar> {
    let values: Vec<_> = values.into_iter().collect();
    let most = values.iter().map(|(_, value, _)| *value).max();
    let most = most.unwrap_or_default().max(1);
    let bars = values.into_iter().map(|(name, value, path)| Bar {
        name,
        value: number(value, language),
        length: value.saturating_mul(100).div_ceil(most).min(100),
        path,
    });
    bars.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_chart_are_at_round_values() {
        for (highest, expected) in [
            (0, (1, 2)),
            (1, (1, 2)),
            (4, (1, 4)),
            (5, (2, 6)),
            (9, (5, 10)),
            (41, (20, 60)),
            (100, (50, 100)),
            (1_000, (500, 1_000)),
            (4_001, (2_000, 6_000)),
        ] {
            assert_eq!(scale(highest), expected, "{highest}");
        }
        let (step, most) = scale(u64::MAX);
        assert!(most >= u64::MAX / 2 && most / step <= 5);
    }

    #[test]
    fn parts_of_a_column_stand_on_each_other_and_within_the_chart() {
        let series = |class, values: &[u64]| Series {
            class,
            name: class,
            values: values.to_vec(),
        };
        let labels = ["1", "2"].map(ToOwned::to_owned);
        let two = vec![series("a", &[3, 0]), series("b", &[1, 9])];
        let chart = Columns::new(&labels, two, Language::English);
        let parts: Vec<_> = chart.columns.iter().map(|column| &column.parts).collect();
        assert_eq!(
            parts.iter().map(|parts| parts.len()).collect::<Vec<_>>(),
            [2, 1]
        );
        let [first, second] = &parts[0][..] else {
            panic!("two parts");
        };
        assert_eq!(second.y + second.height, first.y);
        assert_eq!(first.y + first.height, HEIGHT - BOTTOM);
        assert_eq!(first.text, "1: 3 a");
        for part in parts.into_iter().flatten() {
            assert!(part.x >= LEFT && part.x + part.width <= WIDTH);
            assert!(part.y >= TOP && part.y + part.height <= HEIGHT - BOTTOM);
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_value_and_never_longer_than_the_room() {
        let values = [("a", 0), ("b", 1), ("c", 200), ("d", u64::MAX)];
        let named = values.map(|(name, value)| (name.to_owned(), value, None));
        let lengths = bars(named.clone(), Language::English);
        let lengths: Vec<_> = lengths.iter().map(|bar| bar.length).collect();
        assert!(lengths.iter().all(|length| *length <= 100));
        let few = bars(named.into_iter().take(3), Language::English);
        let lengths: Vec<_> = few.iter().map(|bar| bar.length).collect();
        assert_eq!(lengths, [0, 1, 100]);
    }
}
