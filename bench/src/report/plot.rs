//! The picture of a run: a bar for each row, its ratio of CPU time per request to the baseline's,
//! with a whisker from the least round to the most. Plain SVG that reads on light and dark ground.

use std::fmt::Write as _;

use super::{Row, Sample};
use crate::stats::Spread;

/// Everything is laid out on a page of this width, in SVG's own units.
const WIDTH: f64 = 760.0;
/// Names end here, bars begin.
const BARS_LEFT: f64 = 190.0;
/// Bars end here at most; figures follow.
const BARS_RIGHT: f64 = 640.0;
/// Height of a row.
const ROW: f64 = 22.0;
/// Height of a bar in it.
const BAR: f64 = 13.0;
/// Height of a group's heading.
const HEADING: f64 = 26.0;
/// Room for the title above, and for the scale below.
const TITLE: f64 = 46.0;
const SCALE: f64 = 34.0;
/// Bars longer than this are cut, so that one slow row does not flatten the others.
const RATIO_MAX: f64 = 3.0;

/// Colours that keep their contrast on white and on near-black.
const OURS: &str = "#2f81f7";
const OTHERS: &str = "#8b949e";
const INK: &str = "#7d8590";

/// Bars that belong together, with a heading, or without when it is empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    heading: String,
    bars: Vec<Bar>,
}

/// One row; void ones have no ratio.
#[derive(Debug, Clone, PartialEq)]
struct Bar {
    name: String,
    ours: bool,
    ratio: Option<Spread>,
}

/// The rows of a table as bars.
pub(super) fn group(heading: &str, rows: &[Row], baseline: &str) -> Group {
    let base = rows.iter().find(|row| row.name == baseline);
    let bars = rows.iter().map(|row| Bar {
        name: display_name(row),
        ours: row.product == "Evenkeel",
        ratio: row.ratio(base, Sample::cpu_us_per_request),
    });
    Group { heading: heading.to_owned(), bars: bars.collect() }
}

/// The product's own name where the row is just that.
fn display_name(row: &Row) -> String {
    if row.name == "ours" || row.name.eq_ignore_ascii_case(row.product) {
        row.product.to_owned()
    } else {
        row.name.clone()
    }
}

/// The whole picture as a file's text.
pub(super) fn draw(title: &str, baseline: &str, groups: &[Group]) -> String {
    let longest = groups
        .iter()
        .flat_map(|group| &group.bars)
        .filter_map(|bar| Some(bar.ratio?.max))
        .fold(1.0, f64::max);
    let end = (longest * 1.05).clamp(1.2, RATIO_MAX);
    let x = |ratio: f64| BARS_LEFT + (BARS_RIGHT - BARS_LEFT) * ratio.min(end) / end;
    let heights = groups.iter().map(|group| {
        let heading = if group.heading.is_empty() { 0.0 } else { HEADING };
        heading + ROW * group.bars.len() as f64
    });
    let bottom = TITLE + heights.sum::<f64>();
    let height = bottom + SCALE;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" fill=\"{INK}\">\n<title>{}</title>\n",
        escape(title)
    );
    text(&mut svg, 12.0, 20.0, "font-weight=\"600\" font-size=\"15\"", title);
    let legend = format!(
        "CPU time per request, {baseline} = 1; shorter is better; whiskers: least and most of the rounds"
    );
    text(&mut svg, 12.0, 37.0, "font-size=\"11\"", &legend);
    let mut top = TITLE;
    for group in groups {
        if !group.heading.is_empty() {
            text(&mut svg, 12.0, top + 19.0, "font-weight=\"600\"", &group.heading);
            top += HEADING;
        }
        grid(&mut svg, end, x, top, top + ROW * group.bars.len() as f64);
        for bar in &group.bars {
            draw_bar(&mut svg, bar, top, end, x);
            top += ROW;
        }
    }
    for half in halves(end) {
        let at = "text-anchor=\"middle\" font-size=\"11\"";
        text(&mut svg, x(half), bottom + 16.0, at, &half.to_string());
    }
    svg.push_str("</svg>\n");
    svg
}

/// The steps of the scale.
fn halves(end: f64) -> impl Iterator<Item = f64> {
    (0..=(end * 2.0) as u32).map(|half| f64::from(half) / 2.0)
}

/// Lines at half steps behind a group's bars, and a stronger one at the baseline.
fn grid(svg: &mut String, end: f64, x: impl Fn(f64) -> f64, top: f64, bottom: f64) {
    for ratio in halves(end) {
        let at = x(ratio);
        let (width, opacity) = if ratio == 1.0 { (1.5, 0.9) } else { (1.0, 0.25) };
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\" \
             stroke=\"{INK}\" stroke-width=\"{width}\" stroke-opacity=\"{opacity}\"/>"
        );
    }
}

fn draw_bar(svg: &mut String, bar: &Bar, top: f64, end: f64, x: impl Fn(f64) -> f64) {
    let middle = top + ROW / 2.0;
    let weight =
        if bar.ours { "text-anchor=\"end\" font-weight=\"600\"" } else { "text-anchor=\"end\"" };
    text(svg, BARS_LEFT - 8.0, middle + 4.5, weight, &bar.name);
    let Some(Spread { median, min, max }) = bar.ratio else {
        text(svg, BARS_LEFT + 6.0, middle + 4.5, "font-style=\"italic\"", "void");
        return;
    };
    let colour = if bar.ours { OURS } else { OTHERS };
    let _ = writeln!(
        svg,
        "<rect x=\"{BARS_LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\" fill=\"{colour}\"/>",
        middle - BAR / 2.0,
        x(median) - BARS_LEFT
    );
    if max > min && min < end {
        let (from, to) = (x(min), x(max));
        let _ = writeln!(
            svg,
            "<path d=\"M{from:.1} {middle:.1}H{to:.1}M{from:.1} {:.1}v8M{to:.1} {:.1}v8\" \
             stroke=\"{INK}\" stroke-width=\"1.5\" fill=\"none\"/>",
            middle - 4.0,
            middle - 4.0
        );
    }
    let cut = if median > end { " →" } else { "" };
    text(svg, BARS_RIGHT + 10.0, middle + 4.5, "", &format!("{median:.2}{cut}"));
}

fn text(svg: &mut String, x: f64, y: f64, attributes: &str, words: &str) {
    let words = escape(words);
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{words}</text>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, ratio: &[f64]) -> Bar {
        Bar {
            name: name.to_owned(),
            ours: name == "ours",
            ratio: Spread::of(ratio.iter().copied()),
        }
    }

    #[test]
    fn bars_are_as_long_as_their_ratio_and_cut_at_the_end() {
        let group = Group {
            heading: "a < b".to_owned(),
            bars: vec![
                bar("ours", &[0.5, 0.4, 0.6]),
                bar("haproxy", &[1.0]),
                bar("caddy", &[6.0, 5.0]),
                bar("nginx", &[]),
            ],
        };
        let svg = draw("a & b", "haproxy", &[group]);
        let scale = (BARS_RIGHT - BARS_LEFT) / RATIO_MAX;
        for part in [
            format!("width=\"{:.1}\" height=\"{BAR}\" rx=\"2\" fill=\"{OURS}\"", 0.5 * scale),
            format!("width=\"{scale:.1}\" height=\"{BAR}\" rx=\"2\" fill=\"{OTHERS}\""),
            format!("width=\"{:.1}\" height=\"{BAR}\"", RATIO_MAX * scale),
            ">5.50 →</text>".to_owned(),
            ">void</text>".to_owned(),
            ">a &lt; b</text>".to_owned(),
            "<title>a &amp; b</title>".to_owned(),
        ] {
            assert!(svg.contains(&part), "{part} in {svg}");
        }
        // A single round has no spread, one beyond the end none to show.
        assert_eq!(svg.matches("<path").count(), 1);
        assert!(svg.ends_with("</svg>\n"));
    }
}
