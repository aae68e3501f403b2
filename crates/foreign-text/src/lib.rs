//! Text that somebody else wrote, made harmless for the place where it will stand.
//!
//! Such text is hostile until shown otherwise: it may hold terminal escape sequences, characters that turn the direction
//! of writing, commands to the console of a CI system, XML, Markdown and HTML. There is one table of characters and one
//! rule a sink; nothing is known here of where a text comes from.
//!
//! | sink | function | a character of the table becomes |
//! | --- | --- | --- |
//! | a document that escapes markup itself | [`plain`] | U+FFFD |
//! | part of a terminal's or log's line | [`line()`] | U+FFFD, and a line break a space |
//! | lines on a terminal or in a log | [`block`], [`tame`] | U+FFFD |
//! | one's own lines with colours, such as a log | [`log`] | U+FFFD, but ESC stays |
//! | JSON | [`json()`] | its escape: a reader gets the character |
//! | XML | [`xml`] | U+2426: readers take U+FFFD for broken UTF-8 |
//! | Markdown | [`markdown`] | U+FFFD |
//! | messages on Discord | [`discord`] | U+FFFD |
//! | HTML | [`html`] | U+FFFD, or its reference in [`html::Page`] |
//! | annotations of GitHub | [`workflow`] | U+FFFD |
//!
//! Escape sequences are taken out whole, and CR and CR LF become LF, before that; only JSON and a page's markup keep what
//! they are given. All but [`plain`] break workflow commands as well. A text in which nothing is to be changed is lent,
//! not copied.
//!
//! [`Secrets`] are taken out of a text, however the functions above have written them.
//!
//! The table:
//!
//! | characters | because |
//! | --- | --- |
//! | U+0000–U+001F but tab and LF, U+007F–U+009F | terminals obey them; U+0085 breaks lines |
//! | U+2028, U+2029 | they break lines |
//! | U+202A–U+202E, U+2066–U+2069 | they show another text than was written |
//! | U+FFFE, U+FFFF, and their like in other planes | XML forbids them, and they are no characters |

mod character;
mod console;
pub mod discord;
mod escape;
pub mod html;
mod json;
mod length;
mod lines;
pub mod markdown;
mod secret;
pub mod workflow;
pub mod xml;

pub use character::{REPLACEMENT, is_text, plain};
pub use console::{block, line, log, tame};
pub use json::json;
pub use length::{clip, clip_middle, cut, first_line, one_line};
pub use lines::Lines;
pub use secret::{Secrets, Word};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
