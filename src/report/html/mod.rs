//! `report.html`: one self-contained file for people. It loads nothing and runs nothing but its own script,
//! which the browser checks by its hash; without the script everything is still there to read.

mod burndown;
mod pulls;
mod timeline;
mod view;
mod waves;

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use foreign_text::html::Page;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use sha2::{Digest, Sha256};

use self::view::View;
use super::{ReportError, ReportV1};

const TEMPLATE: &str = include_str!("report.html");
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

/// Writes the page as it is made: that of ten thousand tasks has ten megabytes.
///
/// # Errors
///
/// As for [`html`], and when `out` cannot be written.
pub fn write_html(report: &ReportV1, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(ReportError::Html)?);
    environment.add_template("report.html", TEMPLATE).map_err(ReportError::Html)?;
    let template = environment.get_template("report.html").map_err(ReportError::Html)?;
    let view = View::of(report, policy(), STYLE, SCRIPT);
    template.render_captured_to(Serde(view), Page::new(out)).map(drop).map_err(ReportError::Html)
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
