//! A small SVG: lines over loads, with a legend. Nothing of a drawing library is needed for that.

use std::fmt::Write as _;

/// The picture and its margins, in SVG's pixels.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 230.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 48.0;

/// Told apart by those who see no red or green, too.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#555555"];

/// Lines on the axes.
const TICKS: u32 = 5;

/// A line of the plot: its name, and low, middle and high over each load.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, [f64; 3])>,
}

/// A whole document. Ranges are drawn as whiskers.
pub fn svg(title: &str, x_axis: &str, y_axis: &str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|series| &series.points);
    let x_most = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let y_most = round_up(points().map(|(_, [_, _, high])| *high).fold(f64::MIN_POSITIVE, f64::max));
    let x_of = |x: f64| LEFT + x / x_most * (WIDTH - LEFT - RIGHT);
    let y_of = |y: f64| HEIGHT - BOTTOM - y / y_most * (HEIGHT - TOP - BOTTOM);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{title}</text>\n"
    );
    for tick in 0..=TICKS {
        let share = f64::from(tick) / f64::from(TICKS);
        let (y, x) = (y_of(y_most * share), x_of(x_most * share));
        let right = WIDTH - RIGHT;
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/>"
        );
        let value = super::figures::digits(y_most * share);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            LEFT - 6.0,
            y + 4.0
        );
        let (below, value) = (HEIGHT - BOTTOM + 16.0, x_most * share);
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{value:.0}</text>");
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let _ = writeln!(
        out,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{x_axis}</text>",
        HEIGHT - 10.0
    );
    let (x, y) = (14.0, HEIGHT / 2.0);
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\">{y_axis}</text>"
    );
    for (place, Series { name, points }) in series.iter().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let line: Vec<String> =
            points.iter().map(|(x, [_, y, _])| format!("{:.1},{:.1}", x_of(*x), y_of(*y))).collect();
        let line = line.join(" ");
        let _ = writeln!(
            out,
            "<polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
        for (x, [low, y, high]) in points {
            let (x, low, y, high) = (x_of(*x), y_of(*low), y_of(*y), y_of(*high));
            let _ = writeln!(
                out,
                "<line x1=\"{x:.1}\" y1=\"{low:.1}\" x2=\"{x:.1}\" y2=\"{high:.1}\" stroke=\"{colour}\"/>\
                 <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
        let (x, y) = (WIDTH - RIGHT + 16.0, TOP + 10.0 + 20.0 * place as f64);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{y:.1}\">{name}</text>",
            y - 9.0,
            x + 16.0
        );
    }
    out.push_str("</svg>\n");
    out
}

/// The next number that begins with 1, 2, 2.5 or 5 and goes on with zeros.
fn round_up(value: f64) -> f64 {
    let size = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * size)
        .find(|step| *step >= value)
        .unwrap_or(value)
}
