//! The client's public interface, item by item, in `snapshots/`: it changes only on purpose.
//!
//! A line that goes, or changes, breaks users: once there is a release, that needs a new minor version (while the major
//! one is 0). A line that comes is an addition. What may grow (`#[non_exhaustive]`, structs with hidden fields) has a
//! line for each part; what may not is one line.
//!
//! The listing is read from the sources, which rustfmt keeps in one shape, so that it needs no compiler of its own.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_public_interface_changes_only_on_purpose() {
    let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    read(&api, &mut files);
    let exported = exported(&std::fs::read_to_string(api.join("lib.rs")).unwrap());
    assert!(exported.len() > 50, "{exported:?}");
    let hidden = files.iter().flat_map(|text| text.split("\npub(crate) trait ").skip(1)).map(base).collect();
    let mut listing = Listing { exported: &exported, hidden, lines: BTreeSet::new() };
    files.iter().for_each(|text| listing.file(text));
    let lines = listing.lines;
    let untold: Vec<_> = exported.iter().filter(|name| !lines.iter().any(|line| tells(line, name))).collect();
    assert!(untold.is_empty(), "exported, and not in the listing: {untold:?}");
    insta::assert_snapshot!(lines.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Whether the line defines this name.
fn tells(line: &str, name: &str) -> bool {
    let words = ["pub struct ", "pub enum ", "pub const ", "pub type ", "pub use ", "!(", "!{ "];
    words.iter().any(|word| line.split_once(word).is_some_and(|(_, rest)| base(rest) == name))
}

/// All files but tests.
fn read(folder: &Path, files: &mut Vec<String>) {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !is_test {
            read(&path, files);
        } else if path.is_file() && !is_test {
            let text = std::fs::read_to_string(path).unwrap();
            files.push(text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned());
        }
    }
}

/// The names behind `pub use`.
fn exported(module: &str) -> BTreeSet<String> {
    let uses = module.split("\npub use ").skip(1).map(|rest| rest.split(';').next().unwrap());
    let names = uses.flat_map(|path| match path.split_once('{') {
        Some((_, names)) => names.trim_end_matches('}').split(',').collect::<Vec<_>>(),
        None => vec![path.rsplit("::").next().unwrap()],
    });
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

struct Listing<'a> {
    exported: &'a BTreeSet<String>,
    /// Traits that are nobody else's business.
    hidden: BTreeSet<&'a str>,
    lines: BTreeSet<String>,
}

impl Listing<'_> {
    fn file(&mut self, text: &str) {
        let passed_over = |line: &&str| line.trim_start().starts_with("//") || line.trim() == "$(#[$doc])*";
        let code: Vec<&str> = text.lines().filter(|line| !passed_over(line)).collect();
        let mut attributes = Vec::new();
        let mut at = 0;
        while at < code.len() {
            let line = code[at].trim();
            if let Some(attribute) = line.strip_prefix("#[") {
                attributes.push(attribute);
                at += 1;
                continue;
            }
            let end = if opens(line) { end_of_block(&code, at) } else { end_of_item(&code, at) };
            self.item(&attributes, &code[at..=end]);
            // What stands in a macro's definition counts like what stands outside.
            let is_macro =
                line.starts_with("macro_rules!") || (line.starts_with('(') && line.ends_with("=> {"));
            at = if is_macro { at + 1 } else { end + 1 };
            attributes.clear();
        }
    }

    fn item(&mut self, attributes: &[&str], code: &[&str]) {
        let head = joined(code).split(['{', ';']).next().unwrap_or_default().trim().to_owned();
        let is_about_ours =
            |text: &str| self.is_ours(text) || text.split(['<', '&']).any(|part| self.is_ours(part));
        if head.starts_with("impl") && head.split(" for ").any(is_about_ours) {
            self.implementation(&head, code);
        } else if head.starts_with("pub struct ") || head.starts_with("pub enum ") {
            self.definition(attributes, &head, code);
        } else if head == "pub use reqwest" || (head.starts_with("pub ") && !head.starts_with("pub use ")) {
            self.lines.insert(signature(code));
        } else if code[0].ends_with("! {")
            || code[0].trim().split_once("!(").is_some_and(|(name, _)| base(name) == name)
        {
            self.lines.insert(joined(code));
        }
    }

    /// Whether the type in front of the rest is exported, or is a macro's parameter.
    fn is_ours(&self, text: &str) -> bool {
        let name = base(text.trim_start_matches("impl").trim());
        name.starts_with('$') || self.exported.contains(name)
    }

    fn definition(&mut self, attributes: &[&str], head: &str, code: &[&str]) {
        if !self.is_ours(head.rsplit_once("pub struct ").or(head.rsplit_once("pub enum ")).unwrap().1) {
            return;
        }
        let derives =
            attributes.iter().find(|text| text.starts_with("derive(")).map(|text| format!("#[{text} "));
        let may_grow = attributes.contains(&"non_exhaustive]");
        let mark = if may_grow { "#[non_exhaustive] " } else { "" };
        // What is in a tuple is hidden.
        let is_tuple = head.contains('(');
        let name = head.split('(').next().unwrap();
        let whole = format!("{}{mark}{name}", derives.unwrap_or_default());
        let fields = parts(code);
        let is_enum = head.starts_with("pub enum ");
        let public: Vec<&String> =
            fields.iter().filter(|field| is_enum || field.starts_with("pub ")).collect();
        if may_grow || is_tuple || public.len() < fields.len() {
            self.lines.insert(format!("{whole} {{ .. }}"));
            self.lines.extend(public.iter().map(|field| format!("{name} {{ {field} }}")));
        } else {
            let fields: Vec<&str> = public.iter().map(|field| field.as_str()).collect();
            self.lines.insert(format!("{whole} {{ {} }}", fields.join(", ")));
        }
    }

    fn implementation(&mut self, head: &str, code: &[&str]) {
        if let Some((implemented, _)) = head.split_once(" for ") {
            if implemented.rsplit(' ').next().is_some_and(|name| self.hidden.contains(name)) {
                return;
            }
            let types = code.iter().map(|line| line.trim()).filter(|line| line.starts_with("type "));
            let types: Vec<&str> = types.collect();
            self.lines.insert(format!("{head} {}", types.join(" ")).trim_end().to_owned());
            return;
        }
        let mut at = 1;
        while at < code.len() {
            let line = code[at].trim();
            let end = if line.starts_with('#') { at } else { end_of_item(code, at) };
            if line.starts_with("pub ") && !line.starts_with("pub(") {
                self.lines.insert(format!("{head} {{ {} }}", signature(&code[at..=end])));
            }
            at = end + 1;
        }
    }
}

/// The name in front of generics, fields and the rest.
fn base(text: &str) -> &str {
    let text = if let Some(rest) = text.strip_prefix('<') {
        rest.split_once("> ").map_or("", |(_, rest)| rest)
    } else {
        text
    };
    text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next().unwrap_or_default()
}

fn opens(line: &str) -> bool {
    line.ends_with('{') && !line.starts_with("pub fn") && !line.starts_with("pub async fn")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The line that closes what a line opens: the next one that is as far to the left.
fn end_of_block(code: &[&str], at: usize) -> usize {
    let closes = |line: &&str| indent(line) <= indent(code[at]) && line.trim_start().starts_with(['}', ')']);
    code[at + 1..].iter().position(closes).map_or(at, |lines| at + 1 + lines)
}

/// The last line of an item that begins here.
fn end_of_item(code: &[&str], at: usize) -> usize {
    for (end, line) in code.iter().enumerate().skip(at) {
        if line.ends_with([';', '}']) && indent(line) <= indent(code[at]) {
            return end;
        }
        if line.is_empty() && end == at {
            return at;
        }
    }
    at
}

/// An item up to its body or value.
fn signature(code: &[&str]) -> String {
    let text = joined(code);
    let is_value = text.starts_with("pub const ") && !text.starts_with("pub const fn");
    let end = if is_value { None } else { text.find(" {") };
    text[..end.unwrap_or(text.len())].trim_end_matches(';').to_owned()
}

/// The fields or variants between the braces.
fn parts(code: &[&str]) -> Vec<String> {
    let inner = code.get(1..code.len().saturating_sub(1)).unwrap_or_default();
    let Some(depth) = inner.iter().map(|line| indent(line)).min() else { return Vec::new() };
    let mut parts: Vec<String> = Vec::new();
    for line in inner.iter().filter(|line| !line.trim_start().starts_with("#[")) {
        let goes_on = indent(line) > depth || line.trim_start().starts_with(['}', ')']);
        match parts.last_mut() {
            Some(part) if goes_on => part.push_str(&format!(" {}", line.trim())),
            _ => parts.push(line.trim().to_owned()),
        }
    }
    parts.into_iter().map(|part| part.trim_end_matches(',').replace(", }", " }")).collect()
}

/// On one line, as if there were room for it.
fn joined(code: &[&str]) -> String {
    let text =
        code.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    text.replace("( ", "(").replace(", )", ")").replace(", }", " }").replace("! { ", "!{ ")
}
