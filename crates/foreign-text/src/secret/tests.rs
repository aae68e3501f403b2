//! Keys, written in every way.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::REPLACEMENT;
use std::borrow::Cow;

const KEY: &str = "AIzaSy-0123_4567nuxyz";

/// What is made of the text without the word, or a part of it of so many characters.
fn mask(text: &str, word: &str, least: usize) -> String {
    Secrets::new([Word::whole(word).or_part(least)]).mask(text).into_owned()
}

fn masked(text: &str) -> String {
    mask(text, KEY, 8)
}

#[rstest]
#[case("a AIzaSy-0123_4567nuxyz b AIzaSy-0123_4567nuxyz", "a *** b ***")]
#[case("cut: AIzaSy-0…", "cut: ***…")]
#[case("AIzaSy-", "AIzaSy-")]
#[case("AIza\u{1B}[31mSy-0123_4567nuxyz", "***")]
#[case("AIza\u{1B}]0;title\u{1B}\\Sy-0123_4567nuxyz", "***")]
#[case("AIza\u{FFFD}Sy-\u{2426}0123\u{200B}_45\u{202E}67nuxyz", "***")]
#[case("AIzaSy\\-0123\\_4567nuxyz", "***")]
#[case("AIza\n  Sy-0123_4567nuxyz.", "***.")]
#[case(r#""AIza\u001b[31mSy\u002d0123_4567\nnuxyz""#, r#""***""#)]
#[case(r#""AIza\u001b]0;t\u0007Sy-0123_4567nuxyz""#, r#""***""#)]
#[case(r#""AIza\u001b]0;t\u001b\\Sy-0123_4567nuxyz""#, r#""***""#)]
#[case("&#65;I&#x7a;aSy-0123&#95;4567nuxyz", "***")]
#[case("%41IzaSy%2D0123%255F4567nuxyz&x", "***&x")]
#[case("%E2%80%8BA%E2%80%8BIzaSy-0123_4567nuxyz", "%E2%80%8B***")]
#[case("AAIzaSy-0123_4567nuxyz", "A***")]
#[case(r#"{"a":"\\u0041\\u0049zaSy-0123\\u005f4567nuxyz"}"#, r#"{"a":"***"}"#)]
#[case(r#""\\\\u0041IzaSy-0123\\\\u005f4567nuxyz""#, r#""***""#)]
#[case(r"\x41\x49zaSy-0123\x5F4567nuxyz.", "***.")]
#[case(r"\u{41}\u{0049}zaSy-0123\u{5F}4567nuxyz.", "***.")]
#[case("&amp;#65;Iza&amp;amp;#x53;y-0123_4567nuxyz", "***")]
// Sequences that take a letter along.
#[case("A\u{1B}I\u{1B}z\u{1B}a\u{1B}S\u{1B}y-0123_4567nuxyz", "***")]
#[case("A\u{1B}[1Iz\u{9B}aSy-01\u{1B}23_4567nuxyz", "***")]
#[case(r#""A\u001bIz\u001b[aSy-01\u001b23_4567nuxyz""#, r#""***""#)]
// Some that do, and others that do not.
#[case("A\u{1B}I\u{1B}[1mz\u{1B}a\u{200B}S\u{1B}y\u{1B}-01\u{1B}[0m\u{1B}[1m23\u{1B}_4567\u{1B}nuxyz", "***")]
#[case("A\u{1B}Iz\u{1B}ca\u{1B}]0;t\u{7}Sy-\u{9B}0123_45\u{1B}[4567nuxyz", "***")]
#[case(r#""A\u001bI\u001b[1mz\u200ba\u001bS\u001bcy-0\u001b123_4567nuxyz""#, r#""***""#)]
#[case(
    "A\u{1B}]8;;https://example.com/IzaSy-0123_4567n\u{7}zaSy",
    "A\u{1B}]8;;https://example.com/***\u{7}zaSy"
)]
#[case("A\u{1B}]I z a S y - 0 1 2 3 _ 4 x\u{7}", "A\u{1B}]*** x\u{7}")]
#[case("A\u{1B}]Ixzxaxsxyx-x0x1x2x3x_x4x\u{7}", "A\u{1B}]Ixzxaxsxyx-x0x1x2x3x_x4x\u{7}")]
// Any part of it.
#[case("ends with zaSy-0123_4567nuxyz", "ends with ***")]
#[case("-0123_45", "***")]
#[case("-0123_4", "-0123_4")]
#[case("AIzaSy-0123_4567nuxyz23_4567nuxyz", "***")]
#[case("AIzaSy-0123_4567nuxyz or y-0123_4567nu or 23_4567nux", "*** or *** or ***")]
// What begins within another part and goes on behind it.
#[case("AIzaSy-0123_4AIzaSy-0", "***")]
#[case(r#""\\x41\\x49zaSy-0123\\x5F4567nuxyz""#, r#""***""#)]
fn a_secret_is_found(#[case] text: &str, #[case] left: &str) {
    assert_eq!(masked(text), left);
}

#[test]
fn much_to_look_at_hides_no_secret() {
    for before in [r"\\u0041\\u0049\\u0058".repeat(12), "A\u{1B}".repeat(200), "AI\u{200B}".repeat(100)] {
        let key: String = KEY.chars().map(|c| format!("\u{9B}{}", written(c, 5))).collect();
        let left = masked(&format!("{before} {key}!"));
        assert!(left.ends_with("***!") && left.len() < before.len() + 12, "{left:?}");
    }
}

#[test]
fn where_there_is_too_much_to_look_at_nothing_takes_letters_along() {
    let secrets = Secrets::new([Word::whole(KEY).or_part(8)]);
    let taken: String = KEY.chars().map(|c| format!("\u{1B}]0;A\u{7}\u{1B}{c}")).collect();
    let bare: String = KEY.chars().map(|c| format!("\u{9B}{c}")).collect();
    for before in ["A\u{1B}", "\u{1B}]0;AIzaSy-\u{7}", "\\\u{1B}A", "A\u{9B}"] {
        let before = before.repeat(100);
        let json = serde_json::to_string(&format!("{before} {taken} {bare} {KEY} {before}")).unwrap();
        let left = secrets.mask_within(&json, 1_000);
        let text: String = serde_json::from_str(&left).unwrap();
        let rest = text.rfind("***").unwrap();
        assert!(
            !text[rest..].contains(['\u{1B}', '\u{9B}']) && text[rest..].contains(REPLACEMENT),
            "{text:?}"
        );
        for bare in [crate::plain(&text), text.replace(['\u{1B}', '\u{9B}', REPLACEMENT], "").into()] {
            assert!(!bare.contains(&KEY[..8]) && !bare.contains(&KEY[8..]), "{text:?}");
        }
        assert_eq!(secrets.mask_within(&left, usize::MAX), left);
    }
}

/// Between any two letters, in a text that begins with what is none.
fn spread(between: &str) -> String {
    KEY.chars().map(|c| format!("{c}{between}")).collect()
}

#[rstest]
#[case("\u{1B}]0;title", "\u{7}")]
#[case("\u{9D}0;title", "\u{9C}")]
#[case("\u{1B}Pq#0;2;0;0", "\u{1B}\\")]
#[case("\u{1B}[0;1;2;3", "m")]
#[case("\u{200B}\u{2060}", "")]
#[case(" \n", "")]
#[case("\\u200b", "")]
#[case("\\u001b]0;title", "\\u0007")]
fn however_much_stands_between_letters_they_are_a_secret(#[case] begins: &str, #[case] ends: &str) {
    let began = std::time::Instant::now();
    let many = format!("{begins}{ends}").repeat(1_000);
    let left = masked(&format!("x {} y", spread(&many)));
    let whole = format!("x ***{many} y");
    // What stands behind it may have lost its escape sequences.
    let is_tame = left.starts_with("x ***\u{FFFD}") && left.ends_with(" y") && !left.contains("***\u{FFFD}A");
    assert!(left == whole || is_tame, "{} bytes", left.len());
    // One that is long, and before every third letter one that takes it along.
    let long = if ends.is_empty() { many } else { format!("{begins}{}{ends}", "7;".repeat(1_000)) };
    let taken = |(n, c)| format!("{long}{}{c}", if n % 3 == 1 { "\u{1B}" } else { "" });
    let left = masked(&format!("x{} y", KEY.chars().enumerate().map(taken).collect::<String>()));
    // A backslash before a letter may escape it.
    let before = long.trim_end_matches('\\');
    assert_eq!(left, format!("x{before}*** y"));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn what_begins_in_one_text_of_json_does_not_end_in_another() {
    for (begins, ends) in [("\u{9D}0;", "\u{9C}"), ("\u{1B}]0;", "\u{7}"), ("\u{1B}[", ""), ("\u{1B}#", "")] {
        let json =
            serde_json::json!({ "a": format!("AIza{begins}"), "b": format!("{ends}Sy-0123") }).to_string();
        assert_eq!(masked(&json), json);
        let within = serde_json::json!({ "a": format!("AIza{begins}\"x\"{ends}Sy-0123") }).to_string();
        let is_string = !ends.is_empty();
        assert_eq!(masked(&within) == r#"{"a":"***"}"#, is_string, "{within}");
    }
}

#[test]
fn what_is_read_as_an_escape_is_also_read_as_it_is() {
    for secret in [r"p%41ss\word", "&amp;secret", "a%25b%2541c", "nuxyznuxyz"] {
        assert_eq!(mask(&format!("<{secret}>"), secret, usize::MAX), "<***>", "{secret}");
        let json = serde_json::to_string(&format!("\n{secret}\n")).unwrap();
        assert_eq!(mask(&json, secret, usize::MAX), r#""\n***\n""#, "{secret}");
    }
}

#[test]
fn json_stays_json() {
    for (json, left) in [
        (r#""\uabcdef1234""#, r#""***""#),
        (r#""\\abcdef1234""#, r#""\\***""#),
        (r#""x\\\\uabcdef1234""#, r#""x\\\\u***""#),
    ] {
        let masked = mask(json, "abcdef1234", 8);
        assert!(serde_json::from_str::<String>(&masked).is_ok(), "{masked}");
        assert_eq!(masked, left);
    }
    assert_eq!(mask(r#""\nbcdefgh""#, "nbcdefgh", 8), r#""***""#);
}

#[test]
fn other_text_is_lent() {
    for text in
        ["", "a kind key", "AIzaSx-0123", "\\u004", "&#65", "%4", "%", "\\", "&;&#;&#x;%zz\\u00zzä%ä&ä\\ä"]
    {
        let secrets = Secrets::new([Word::whole(KEY).or_part(8)]);
        assert!(matches!(secrets.mask(text), Cow::Borrowed(_)), "{text}");
    }
    assert_eq!(mask("anything", "", 8), "anything");
}

#[test]
fn it_takes_time_in_proportion() {
    for piece in [
        "A\\",
        "A\u{1B}]",
        "AI ",
        "\\",
        "%25",
        "AIzaSy\u{200B}",
        "A\u{1B}[",
        "A\u{1B}",
        "AI\u{1B}z\u{1B}[0m",
        "A\\u001b",
        "&",
        "\\u00",
        "AIz\u{1B}]",
        "AI\u{1B}[m\u{1B}[m",
        "A\u{1B}]0;IzaSy\u{7}",
        "\\u001b]",
        "AI\\u001b[m",
    ] {
        let text = piece.repeat(50_000 / piece.len());
        let began = std::time::Instant::now();
        let left = masked(&text);
        assert!(left == text || left.contains(REPLACEMENT) && !left.contains("***"), "{piece:?}");
        // Its square would be many.
        assert!(began.elapsed().as_secs() < 20, "{piece:?}: {:?}", began.elapsed());
    }
}

/// Ways to write a character that leave it the same for whoever reads what was written.
fn written(c: char, way: u8) -> String {
    match way {
        0 => format!("\\u{:04x}", u32::from(c)),
        1 => format!("&#{};", u32::from(c)),
        2 => format!("&#x{:X};", u32::from(c)),
        3 => format!("%{:02X}", u32::from(c)),
        4 if c.is_ascii_punctuation() => format!("\\{c}"),
        5 => format!("\\\\u{:04x}", u32::from(c)),
        6 => format!("\\x{:02X}", u32::from(c)),
        _ => c.to_string(),
    }
}

const BETWEEN: [&str; 16] = [
    "\u{1B}",
    "\\u001b",
    "\u{9B}",
    "\u{1B}c",
    "\u{1B}[31m",
    "\u{9B}0m",
    "\u{1B}]0;t\u{7}",
    "\\u001b[1;2m",
    "\u{0}",
    "\\u0000",
    "\u{200B}",
    "\u{202E}",
    "\\u2028",
    "\r\n",
    "\\n",
    "\u{FFFD}",
];

/// The character as addresses, JSON, XML and programs may write it; bytes in either case.
fn encoded(c: char, way: u8) -> String {
    let bytes = |begin: &str, upper: bool| {
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).bytes();
        bytes.map(|b| if upper { format!("{begin}{b:02X}") } else { format!("{begin}{b:02x}") }).collect()
    };
    match way {
        0 => bytes("%", true),
        1 => bytes("%", false),
        2 => bytes("%25", true),
        3 => bytes("%2525", false),
        4 => bytes("\\x", true),
        5 => format!("&#{};", u32::from(c)),
        6 => format!("&amp;#x{:x};", u32::from(c)),
        7 => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect(),
        8 => format!("\\u{{{:x}}}", u32::from(c)),
        _ => c.to_string(),
    }
}

fn encoded_with(text: &str, ways: &[u8]) -> String {
    text.chars().zip(ways.iter().cycle()).map(|(c, way)| encoded(c, *way)).collect()
}

#[rstest]
#[case("p%40ss/w%C3%B6rd")]
#[case("p@ss%2fw%c3%B6rd")]
#[case("p%2540ss%252Fwörd")]
#[case("%70@ss/w%25C3%25b6rd")]
#[case("%25%37%30@ss/w%C3%%42%36rd")]
#[case("p&#37;40ss/w&%23246;rd")]
#[case(r"p\\u0040ss/w\xc3\xb6rd")]
fn an_encoded_secret_is_found_by_decoding(#[case] written: &str) {
    for secret in ["p@ss/wörd", "p%40ss%2Fw%C3%B6rd"] {
        assert_eq!(mask(&format!("<{written}>"), secret, usize::MAX), "<***>", "{secret}");
    }
}

#[test]
fn how_its_kind_begins_is_no_secret() {
    let secrets = Secrets::new([Word::whole("github_pat_11ABCDEF0123456789").or_part(8).known(11)]);
    for (text, left) in [
        ("github_pat_ is how they begin", "github_pat_ is how they begin"),
        ("github_pat_11ABCDE", "github_pat_11ABCDE"),
        ("github_pat_11ABCDEF…", "***…"),
        ("_pat_11ABCDEF0…", "***…"),
        ("CDEF0123", "***"),
    ] {
        assert_eq!(secrets.mask(text), left);
    }
}

#[test]
fn many_words_are_searched_for_at_once() {
    let secrets = Secrets::new([Word::whole("first-secret"), Word::whole("second-secret").or_part(8)]);
    let secrets = secrets.and([Word::whole("third secret")]);
    assert_eq!(
        secrets.mask("first-secret, first-secre, cond-secret, third\n secret"),
        "***, first-secre, ***, ***"
    );
    assert_eq!(secrets.mask("secret"), "secret");
}

proptest! {
    #[test]
    fn a_key_is_found_however_it_is_written(
        ways in prop::collection::vec((0u8..12, 0usize..40), KEY.len()),
        (first, count) in (0..=KEY.len() - 8).prop_flat_map(|first| (Just(first), 8..=KEY.len() - first)),
        before in "[a-z \\\\%&]{0,8}",
    ) {
        let mut text = before.clone();
        for (c, (way, between)) in KEY.chars().skip(first).take(count).zip(ways) {
            text += BETWEEN.get(between).copied().unwrap_or("");
            text += &written(c, way);
        }
        text += "…";
        let left = masked(&text);
        prop_assert!(left.ends_with("***…") || left.contains("***") && left.len() < before.len() + 30, "{text:?} → {left:?}");
        // Nothing of it is left, and doing it again changes nothing.
        prop_assert_eq!(masked(&left), left.clone());
    }

    #[test]
    fn a_secret_is_found_in_any_mixture_of_encodings(
        // No backslash: two are as good as one for programs, and which of them was the secret's nobody can tell.
        secret in r"Zq7[ -\[\]-~äß€😀]{5,20}x",
        ways in prop::collection::vec(0u8..16, 24),
    ) {
        let text = format!("<{}>", encoded_with(&secret, &ways));
        prop_assert_eq!(mask(&text, &secret, usize::MAX), "<***>", "{}", text);
        // The manifest's or the variable's own spelling is as good a word as what it stands for.
        prop_assert_eq!(mask(&format!("<{secret}>"), &text[1..text.len() - 1], usize::MAX), "<***>", "{}", text);
    }

    #[test]
    fn the_characters_of_escapes_may_be_escaped(
        secret in "Zq7[a-zA-Z0-9@/:_.~!$()*,;=äß€😀-]{5,20}",
        ways in prop::collection::vec(0u8..16, 24),
        mut again in prop::collection::vec(0u8..40, 60),
    ) {
        again.iter_mut().for_each(|way| if [4, 7, 8].contains(way) { *way = 0 });
        let text = format!("<{}>", encoded_with(&encoded_with(&secret, &ways), &again));
        prop_assert_eq!(mask(&text, &secret, usize::MAX), "<***>", "{}", text);
    }

    #[test]
    fn json_is_json_before_and_after(text in "(\\PC|AIzaSy-0123_4567nuxyz|[\\\\\n\u{1B}\"u0-9n]){0,40}", secret in "[\\\\u0-9a-fn]{8}") {
        let json = serde_json::to_string(&text).unwrap();
        for secret in [KEY, &secret] {
            let masked = mask(&json, secret, 8);
            prop_assert!(serde_json::from_str::<String>(&masked).is_ok(), "{json} → {masked}");
        }
    }
}
