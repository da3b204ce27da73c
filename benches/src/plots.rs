//! The plots in the documentation.

use crate::growth::{Curve, TIMES};
use crate::report::time;
use anyhow::Result;
use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::{
    ChartBuilder, Circle, Color, EmptyElement, IntoDrawingArea, IntoFont, LineSeries, PathElement,
    RGBColor, SVGBackend, ShapeStyle, Text, WHITE,
};
use std::path::Path;

/// Colours that can be told apart by most people (Okabe and Ito).
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    // One more, for grey is none of theirs.
    RGBColor(130, 130, 130),
];

/// Draws how the figures grow: those that are to stay flat, and the others.
pub(crate) fn draw(curves: &[Curve]) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance");
    std::fs::create_dir_all(&folder)?;
    let (flat, linear): (Vec<_>, Vec<_>) = curves.iter().partition(|curve| curve.is_flat());
    plot(&folder.join("look-ups.svg"), "Look-ups: time of one", &flat)?;
    plot(
        &folder.join("growth.svg"),
        "What there is more of: time of all",
        &linear,
    )
}

fn plot(path: &Path, title: &str, curves: &[&Curve]) -> Result<()> {
    let whole = SVGBackend::new(path, (900, 480)).into_drawing_area();
    whole.fill(&WHITE)?;
    let (area, legend) = whole.split_horizontally(560);
    let all = || curves.iter().flat_map(|curve| curve.seconds);
    let lowest = all().fold(f64::INFINITY, f64::min) / 2.0;
    let highest = all().fold(0.0, f64::max) * 2.0;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20).into_font())
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d((0.9_f64..110.0).log_scale(), (lowest..highest).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("as much as at 1 ×")
        .x_label_formatter(&|times| format!("{times} ×"))
        .y_label_formatter(&|seconds| time(*seconds))
        .draw()?;
    let styles = COLOURS.map(|colour| ShapeStyle::from(&colour).stroke_width(2));
    for (row, (curve, style)) in (0..).zip(curves.iter().zip(styles.iter().cycle())) {
        let points = || TIMES.map(f64::from).into_iter().zip(curve.seconds);
        chart.draw_series(LineSeries::new(points(), *style))?;
        chart.draw_series(points().map(|(x, y)| {
            EmptyElement::at((x, y)) + Circle::new((0, 0), 3, style.color.filled())
        }))?;
        let y = 60 + 24 * row;
        legend.draw(&PathElement::new([(4, y), (24, y)], *style))?;
        let label = format!("{}: {}", curve.of, curve.what);
        let font = ("sans-serif", 12).into_font();
        legend.draw(&Text::new(label, (32, y - 6), font))?;
    }
    whole.present()?;
    Ok(())
}
