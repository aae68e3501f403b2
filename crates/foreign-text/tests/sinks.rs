//! Any text, at every sink.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::Write as _;

use foreign_text::{
    block, clip, cut, discord, html, json, line, log, markdown, one_line, plain, tame, workflow, xml,
};
use proptest::prelude::*;
use quick_xml::events::{BytesText, Event};
use quick_xml::reader::Reader;
use quick_xml::{Writer, XmlVersion};

/// What texts are made of that want to be more than texts.
const NASTY: &[&str] = &[
    "\u{1B}[31m",
    "\u{1B}[2J",
    "\u{1B}]0;title\u{7}",
    "\u{1B}]8;;https://e.example\u{1B}\\",
    "\u{1B}P",
    "\u{1B}",
    "\u{9B}2K",
    "\u{9D}52;c;x\u{9C}",
    "\u{90}",
    "\u{9F}",
    "\0",
    "\u{8}",
    "\u{7F}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{202A}",
    "\u{202E}",
    "\u{2066}",
    "\u{2069}",
    "\u{FFFE}",
    "\u{FFFF}",
    "\u{1FFFE}",
    "\u{10FFFF}",
    "\r",
    "\r\n",
    "\n",
    "\t",
    " ",
    "::",
    "::error::",
    ":",
    "##",
    "#",
    "##[",
    "##vso[",
    "[",
    "]",
    "]]>",
    "<![CDATA[",
    "[[ATTACHMENT|",
    "[[property|",
    "<",
    ">",
    "&",
    "&#8238;",
    "\"",
    "'",
    "\\",
    "`",
    "```",
    "@",
    "|",
    "%",
    "%0A",
    "www.",
    "://",
    "…",
    "ä",
    "x",
];

fn foreign() -> impl Strategy<Value = String> {
    let part =
        prop_oneof![4 => proptest::sample::select(NASTY).prop_map(str::to_owned), 1 => any::<String>()];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// The table once more, in other words: a row that gets lost there is missed here.
fn acts(c: char) -> bool {
    let breaks = matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && !"\t\n".contains(c)) || breaks || u32::from(c) % 0x1_0000 >= 0xFFFE
}

/// Nothing for a terminal, and no workflow command.
fn assert_tame(text: &str) {
    assert!(!text.contains(acts), "{text:?}");
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line:?}");
        for mark in ["##[", "##vso["] {
            assert!(!line.contains(mark), "{line:?}");
        }
    }
}

fn assert_one_line(text: &str, limit: usize) {
    assert_tame(text);
    assert!(text.len() <= limit && !text.contains(['\n', '\t']), "{text:?}");
}

fn page(text: &str) -> String {
    let mut out = Vec::new();
    html::Page::new(&mut out).write_all(text.as_bytes()).unwrap();
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn characters(text in foreign()) {
        let shown = plain(&text);
        assert!(!shown.contains(acts), "{shown:?}");
        assert!(shown.chars().all(|c| foreign_text::is_text(c) || "\t\n".contains(c)));
        assert_eq!(plain(&shown), shown.as_ref());
        assert!(text.contains(acts) || shown == text, "harmless text stays as it is");
    }

    #[test]
    fn terminals_and_logs(text in foreign()) {
        assert_tame(&tame(&text));
        assert_eq!(tame(&tame(&text)), tame(&text));
        assert_one_line(&line(&text), 1024);
        let shown = block(&text);
        assert_tame(&shown);
        assert!(shown.split('\n').all(|line| line.starts_with("  | ")));
        let shown = log(&text);
        assert_tame(&plain(&shown));
        assert!(!shown.replace('\u{1B}', "").contains(acts), "{shown:?}");
    }

    #[test]
    fn json_keeps_its_values(text in foreign()) {
        for (spelt, lines) in [
            (serde_json::to_string(&[&text]).unwrap(), 1),
            (serde_json::to_string_pretty(&[&text]).unwrap(), 3),
        ] {
            let shown = json(spelt);
            assert_tame(&shown);
            assert!(!shown.contains("##"));
            assert_eq!(shown.lines().count(), lines);
            assert_eq!(&serde_json::from_str::<Vec<String>>(&shown).unwrap()[0], &text);
            assert_eq!(json(shown.clone()), shown);
        }
    }

    #[test]
    fn xml_is_well_formed(text in foreign()) {
        let (inside, attribute) = (xml::text(&text), xml::line(&text, 200));
        assert_tame(&inside);
        assert_one_line(&attribute, 200);
        assert_eq!(xml::text(&inside), inside.as_ref());
        assert!(!inside.contains('\u{FFFD}'));
        let upper = inside.to_ascii_uppercase();
        assert!(!upper.contains("[[ATTACHMENT|") && !upper.contains("[[PROPERTY|"));

        let mut document = Writer::new(Vec::new());
        let element = document.create_element("a").with_attribute(("b", attribute.as_ref()));
        element.write_text_content(BytesText::new(&inside)).unwrap();
        let section = format!("<![CDATA[{}]]>", xml::cdata(&inside));
        let document = format!("{}<c>{section}</c>", String::from_utf8(document.into_inner()).unwrap());
        let (mut read, mut sections) = (String::new(), String::new());
        let mut reader = Reader::from_str(&document);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) if start.name().as_ref() == b"a" => {
                    let value = start.attributes().next().unwrap().unwrap().normalized_value(XmlVersion::Implicit1_0).unwrap();
                    assert_eq!(value, attribute.as_ref());
                }
                Event::Text(part) => read += &part.decode().unwrap(),
                Event::GeneralRef(name) => {
                    read += &quick_xml::escape::unescape(&format!("&{};", name.decode().unwrap())).unwrap();
                }
                Event::CData(part) => sections += &part.decode().unwrap(),
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(read, inside.as_ref());
        assert_eq!(sections, inside.as_ref());
    }

    #[test]
    fn markdown_has_no_markup_but_ours(text in foreign()) {
        let words = markdown::words(&text, 200);
        assert_one_line(&words, 2000);
        assert!(!words.contains(['<', '>']) && !words.replace("@\u{200B}", "").contains('@'));
        let span = markdown::code_span(&text, 200);
        assert_one_line(&span, 1000);
        let fence = span.len() - span.trim_start_matches('`').len();
        assert!(span.is_empty() || !span[fence..span.len() - fence].contains(&"`".repeat(fence)));
        let block = markdown::code_block(&text, "");
        assert_tame(&block);
        let fence = block.split("text\n").next().unwrap();
        assert_eq!(block.matches(fence).count(), 2);
    }

    #[test]
    fn a_message_on_discord_has_no_markup(text in foreign()) {
        let words = discord::words(&text);
        assert_tame(&words);
        assert!(!words.contains('\n') && !words.replace("@\u{200B}", "").contains('@'));
        let mut chars = words.chars();
        while let Some(c) = chars.next() {
            // What follows a backslash is nothing but itself.
            match c {
                '\\' => drop(chars.next()),
                c => assert!(!"`*_~|<>[]#:-".contains(c), "{words:?}"),
            }
        }
    }

    #[test]
    fn html_has_no_markup_but_ours(text in foreign()) {
        let shown = html::text(&text, 200);
        assert_one_line(&shown, 1200);
        assert!(!shown.contains(['<', '>', '"', '\'']));
        assert_eq!(quick_xml::escape::unescape(&shown).unwrap(), one_line(tame(&text), 200));

        assert_tame(&page(&text));
        assert!(!page(&text).contains("##"));
        let escaped = quick_xml::escape::escape(plain(&text)).into_owned();
        assert_eq!(quick_xml::escape::unescape(&page(&escaped)).unwrap(), plain(&text));
    }

    #[test]
    fn workflow_commands_keep_their_shape(text in foreign()) {
        let (title, message) = (workflow::property(&text, 200), workflow::message(&text, 200));
        assert_one_line(&title, 600);
        assert!(!title.contains([':', ',']) && !message.contains('\n') && !message.contains(acts));
        let read = |escaped: &str| escaped.replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%");
        assert_eq!(read(&title), one_line(tame(&text), 200));
        assert_eq!(read(&message), cut(tame(&text), 200));
    }

    #[test]
    fn lengths(text in foreign(), limit in 128_usize..400) {
        let line = one_line(&text, limit);
        assert!(line.len() <= limit && !line.contains('\n'));
        assert_eq!(one_line(line.as_ref(), limit), line.as_ref());
        assert!(cut(&text, limit).len() <= limit);
        assert_tame(&cut(tame(&text), limit));
        assert!(clip(&text, limit).chars().count() <= limit);
        assert!(text.len() > limit || (cut(&text, limit) == text && clip(&text, limit) == text));
    }
}
