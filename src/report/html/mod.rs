//! `report.html`: one self-contained file for people. It loads nothing and runs nothing but its own script,
//! which the browser checks by its hash; without the script everything is still there to read.

mod attention;
mod burndown;
mod details;
mod parts;
mod pulls;
mod room;
mod timeline;
mod trend;
mod view;
mod waves;

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use foreign_text::html::Page;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use sha2::{Digest, Sha256};

use self::details::DiffOf;
use self::room::Room;
use self::view::{Rows, View};
use super::{ReportError, ReportV1};

macro_rules! template {
    ($name:literal) => {
        ($name, concat!(include_str!("macros.html"), include_str!($name)))
    };
}

/// The page up to its rows, these, and what comes after them.
const TEMPLATES: [(&str, &str); 3] =
    [template!("report.html"), template!("rows.html"), template!("end.html")];
/// How many rows are made at once.
const AT_ONCE: usize = 100;
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The report as a page.
///
/// # Errors
///
/// When the template cannot be rendered; no report is known that does that.
pub fn html(report: &ReportV1) -> Result<String, ReportError> {
    let mut page = Vec::new();
    write_html(report, &mut page)?;
    Ok(String::from_utf8(page).expect("the template and what it shows are text"))
}

/// Writes the page as it is made: that of ten thousand tasks has sixteen megabytes.
///
/// # Errors
///
/// As for [`html`], and when `out` cannot be written.
pub fn write_html(report: &ReportV1, out: &mut dyn Write) -> Result<(), ReportError> {
    write_html_with(report, &mut |_| None, out)
}

/// The same with the changes of sessions, which `diff` gives by the number of their events.
pub(crate) fn write_html_with(
    report: &ReportV1,
    diff: DiffOf<'_>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    write_html_within(report, &Room::of(report), diff, out)
}

fn write_html_within(
    report: &ReportV1,
    room: &Room,
    diff: DiffOf<'_>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let environment = environment().map_err(ReportError::Html)?;
    let page = &mut Page::new(out);
    let mut show = |name: &str, what: Value| {
        let template = environment.get_template(name)?;
        template.render_captured_to(what, &mut *page).map(drop)
    };
    let view = Value::from(Serde(View::of(report, room, (policy(), STYLE, SCRIPT))));
    let mut show_all = || {
        show("report.html", view.clone())?;
        for (number, tasks) in (0..).step_by(AT_ONCE).zip(report.tasks.chunks(AT_ONCE)) {
            show("rows.html", Value::from(Serde(Rows::of(tasks, number, report, (&mut *diff, room)))))?;
        }
        show("end.html", view.clone())
    };
    show_all().map_err(ReportError::Html)
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    for (name, template) in TEMPLATES {
        // Of ten thousand rows the indentation alone is more than a megabyte.
        let lean = template.lines().map(str::trim_start).collect::<Vec<_>>().join("\n") + "\n";
        environment.add_template_owned(name, lean)?;
    }
    Ok(environment)
}

/// The page's Content-Security-Policy: nothing from anywhere, and only this style and this script.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

#[cfg(test)]
mod tests;
