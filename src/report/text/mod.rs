//! Foreign text made harmless, one function a danger.
//!
//! Text from the agent, the service and the manifest is hostile: it may hold terminal escape sequences,
//! workflow commands, XML, Markdown, HTML and attachment markers. Every report passes what it did not write
//! itself through the function for the place where the text will stand.

mod console;
mod cut;
mod escapes;
mod markup;
mod xml;

pub(super) use console::console_text;
pub use console::{console_fragment, console_line, console_log};
pub(super) use cut::{cut, first_line, one_line, with_limit};
pub(super) use escapes::plain;
pub(super) use markup::{HarmlessHtml, code_block, code_span, html_text, markdown_text};
pub(super) use xml::{cdata, xml_line, xml_text};

/// What stands where a character was taken out, so that the change can be seen.
pub(super) const REPLACEMENT: char = '\u{FFFD}';
