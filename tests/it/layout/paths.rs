//! The paths that a Rust file names, resolved from the crate's root: enough of a parser to see imports.

/// Words and the three marks that paths are made of. Comments and literals are not there at all.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Sep,
    /// Any other sign, one by one.
    Sign(char),
}

/// Every path in `text` that starts at `crate`, `jules_batch`, `self` or `super`, from the crate's root and
/// with groups spelt out: `use crate::{api::{A, B}}` is `api::A` and `api::B`.
///
/// `module` is the module that the file is, from the root: `["api", "diff"]`. A path that climbs above the
/// root cannot compile and is left out.
pub(super) fn named_paths(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut braces: Vec<bool> = Vec::new();
    let mut here = module.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Word(word) if word == "mod" => {
                // `mod name {` is a module of its own; `mod name;` is another file.
                if let (Some(Token::Word(name)), Some(Token::Sign('{'))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    here.push(name.clone());
                    braces.push(true);
                    at += 2;
                }
            }
            Token::Sign('{') => braces.push(false),
            Token::Sign('}') => {
                if braces.pop() == Some(true) {
                    here.pop();
                }
            }
            Token::Word(word) if starts_path(&tokens, at) => {
                if let Some((base, next)) = base(&tokens, at, word, &here) {
                    at = rest(&tokens, next, &base, &mut found);
                    continue;
                }
            }
            Token::Word(_) | Token::Sep | Token::Sign(_) => {}
        }
        at += 1;
    }
    found
}

/// Every word of the code, without comments and literals.
pub(super) fn words(text: &str) -> Vec<String> {
    tokens(text)
        .into_iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word),
            Token::Sep | Token::Sign(_) => None,
        })
        .collect()
}

/// Whether the word at `at` opens a path: not in the middle of one, and `::` follows.
fn starts_path(tokens: &[Token], at: usize) -> bool {
    (at == 0 || tokens[at - 1] != Token::Sep) && tokens.get(at + 1) == Some(&Token::Sep)
}

/// The module that the path's first words name, and the place of what follows them.
fn base(tokens: &[Token], at: usize, word: &str, here: &[String]) -> Option<(Vec<String>, usize)> {
    let mut next = at + 2;
    let mut base = match word {
        "crate" | "jules_batch" => return Some((Vec::new(), next)),
        "self" => here.to_vec(),
        "super" => here.split_last()?.1.to_vec(),
        _ => return None,
    };
    while tokens.get(next) == Some(&Token::Word("super".into())) {
        base.pop()?;
        next += 1;
        if tokens.get(next) == Some(&Token::Sep) {
            next += 1;
        }
    }
    Some((base, next))
}

/// Follows the path from `at` on, adds what it names to `found`, and says where it ends.
fn rest(tokens: &[Token], mut at: usize, base: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = base.to_vec();
    loop {
        match tokens.get(at) {
            Some(Token::Word(word)) if word != "self" => path.push(word.clone()),
            Some(Token::Sign('*')) => path.push("*".into()),
            Some(Token::Sign('{')) => return group(tokens, at + 1, &path, found),
            // `module::{self}`, or generic arguments after `::`.
            _ => break,
        }
        at += 1;
        if tokens.get(at) != Some(&Token::Sep) {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

/// Follows each branch of `{a::b, c as d, self}`; `at` stands behind the opening brace.
fn group(tokens: &[Token], mut at: usize, base: &[String], found: &mut Vec<Vec<String>>) -> usize {
    loop {
        match tokens.get(at) {
            None => return at,
            Some(Token::Sign('}')) => return at + 1,
            Some(Token::Sign(',')) => at += 1,
            Some(_) => {
                at = rest(tokens, at, base, found);
                // `as name`, or the `self` that `rest` stopped at.
                while !matches!(tokens.get(at), None | Some(Token::Sign(',' | '}'))) {
                    at += 1;
                }
            }
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&sign) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        match sign {
            '/' if next == Some('/') => at = line_end(&chars, at),
            '/' if next == Some('*') => at = comment_end(&chars, at),
            '"' => at = string_end(&chars, at),
            '\'' => at = quote_end(&chars, at),
            ':' if next == Some(':') => {
                found.push(Token::Sep);
                at += 2;
            }
            _ if sign.is_alphanumeric() || sign == '_' => {
                let end = word_end(&chars, at);
                let word: String = chars[at..end].iter().collect();
                at = match raw_string_end(&chars, end) {
                    Some(past) if matches!(word.as_str(), "r" | "br" | "cr") => past,
                    _ => {
                        found.push(Token::Word(word));
                        end
                    }
                };
            }
            _ => {
                if !sign.is_whitespace() {
                    found.push(Token::Sign(sign));
                }
                at += 1;
            }
        }
    }
    found
}

fn word_end(chars: &[char], at: usize) -> usize {
    let more = chars[at..].iter().take_while(|sign| sign.is_alphanumeric() || **sign == '_').count();
    at + more
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|sign| *sign == '\n').map_or(chars.len(), |more| at + more)
}

/// Behind a block comment; they nest.
fn comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Behind a string with escapes.
fn string_end(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while let Some(&sign) = chars.get(at) {
        match sign {
            '"' => return at + 1,
            '\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Behind a character, or behind the quote of a lifetime.
fn quote_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        // The escaped sign may itself be a quote.
        (Some('\\'), _) => {
            chars[at + 3..].iter().position(|sign| *sign == '\'').map_or(at + 1, |more| at + 4 + more)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

/// Behind `#"…"#` with any number of `#`, if that is what stands at `at`.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let fences = chars[at..].iter().take_while(|sign| **sign == '#').count();
    let open = at + fences;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes =
        |from: usize| chars[from..].iter().take(fences).filter(|sign| **sign == '#').count() == fences;
    (open + 1..chars.len()).find(|at| chars[*at] == '"' && closes(at + 1)).map(|at| at + 1 + fences)
}
