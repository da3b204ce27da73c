//! The plots in the documentation.

use crate::growth::{Curve, TIMES};
use anyhow::Result;
use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::{
    ChartBuilder, Circle, Color, EmptyElement, IntoDrawingArea, IntoFont, LineSeries, PathElement,
    RGBColor, SVGBackend, ShapeStyle, WHITE,
};
use std::path::Path;

/// Colours that can be told apart by most people (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
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
    let area = SVGBackend::new(path, (860, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let all = || curves.iter().flat_map(|curve| curve.seconds);
    let lowest = all().fold(f64::INFINITY, f64::min) * 1e6 / 2.0;
    let highest = all().fold(0.0, f64::max) * 1e6 * 2.0;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20).into_font())
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .right_y_label_area_size(300)
        .build_cartesian_2d((0.9_f64..110.0).log_scale(), (lowest..highest).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("as much as at 1 ×")
        .y_desc("microseconds")
        .x_label_formatter(&|times| format!("{times} ×"))
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let points = || {
            let figures = TIMES.into_iter().zip(curve.seconds);
            figures.map(|(times, seconds)| (f64::from(times), seconds * 1e6))
        };
        let style = ShapeStyle::from(colour).stroke_width(2);
        chart
            .draw_series(LineSeries::new(points(), style))?
            .label(format!("{}: {}", curve.of, curve.what))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
        chart
            .draw_series(points().map(|(x, y)| {
                EmptyElement::at((x, y)) + Circle::new((0, 0), 3, colour.filled())
            }))?;
    }
    chart
        .configure_series_labels()
        .position(plotters::chart::SeriesLabelPosition::Coordinate(480, 20))
        .border_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}
