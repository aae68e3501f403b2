//! Characters as JSON, XML, addresses and programs write them, also those of an escape that are escaped in turn.

use crate::REPLACEMENT;

/// What an escape begins with.
pub(super) const ESCAPES: [u8; 3] = [b'\\', b'&', b'%'];

/// Any character of an escape may be escaped in turn. What encodings write again and again, such as `%252541`, `&amp;amp;#65;`
/// and `\\\\u0041`, is one layer.
pub(super) const LAYERS: usize = 2;

/// The most backslashes of one escape: JSON within JSON, three times.
const MOST_SLASHES: usize = 8;

/// The most digits of `\u{41}`, and the longest name of a reference.
const MOST_DIGITS: usize = 6;
const LONGEST_NAME: usize = 11;

/// A character, and where it ends.
type Read = Option<(char, usize)>;

/// The character that begins there in the text once so many layers of escapes are read.
pub(super) fn decoded(text: &str, at: usize, layers: usize) -> Read {
    let first = *text.as_bytes().get(at)?;
    if layers == 0 || !ESCAPES.contains(&first) {
        let c = text[at..].chars().next()?;
        return Some((c, at + c.len_utf8()));
    }
    let below = Layer { text, layers: layers - 1 };
    let (c, end) = below.read(at)?;
    let escape = match c {
        '\\' => below.backslash(end),
        '&' => below.reference(end),
        '%' => below.percent(end),
        _ => None,
    };
    Some(escape.unwrap_or((c, end)))
}

/// A text with so many layers of escapes read.
#[derive(Clone, Copy)]
struct Layer<'a> {
    text: &'a str,
    layers: usize,
}

impl Layer<'_> {
    fn read(self, at: usize) -> Read {
        decoded(self.text, at, self.layers)
    }

    /// Where this character ends, if it stands there.
    fn skip(self, at: usize, wanted: char) -> Option<usize> {
        self.read(at).filter(|(c, _)| *c == wanted).map(|(_, end)| end)
    }

    /// So many digits.
    fn hex(self, mut at: usize, count: usize) -> Option<(u32, usize)> {
        let mut number = 0;
        for _ in 0..count {
            let (c, end) = self.read(at)?;
            (number, at) = (number << 4 | c.to_digit(16)?, end);
        }
        Some((number, at))
    }

    /// Behind `\`: an escape of JSON, also one that was escaped in turn, as a text that is JSON is within JSON, and `\x41` and
    /// `\u{41}` of programs.
    fn backslash(self, at: usize) -> Read {
        let mut kind = at;
        // Those that are escapes themselves are one each already.
        let most = if self.layers == 0 { MOST_SLASHES } else { 1 };
        for _ in 1..most {
            let Some(end) = self.skip(kind, '\\') else { break };
            kind = end;
        }
        let (c, end) = self.read(kind)?;
        let number = match c {
            'u' => self.skip(end, '{').map_or_else(|| self.unit(end), |digits| self.braced(digits)),
            'x' => self.byte(end),
            _ => None,
        };
        number.or_else(|| match self.read(at)? {
            ('b' | 'f' | 'n' | 'r' | 't', end) => Some(('\n', end)),
            (c @ ('"' | '\\' | '/'), end) => Some((c, end)),
            _ => None,
        })
    }

    /// `0041`, and both halves of a pair.
    fn unit(self, at: usize) -> Read {
        let (number, end) = self.hex(at, 4)?;
        let low = |at| {
            let (low, end) = self.hex(self.skip(self.skip(at, '\\')?, 'u')?, 4)?;
            let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
            let high = Some(number - 0xD800).filter(|high| *high < 0x400)?;
            Some((char::from_u32(0x1_0000 + (high << 10) + low)?, end))
        };
        match number {
            0xD800..0xE000 => low(end).or_else(|| self.is_last().then_some((REPLACEMENT, end))),
            _ => Some((character(number), end)),
        }
    }

    /// `41}`.
    fn braced(self, mut at: usize) -> Read {
        let mut number = 0;
        for count in 0..=MOST_DIGITS {
            let (c, end) = self.read(at)?;
            if c == '}' {
                return (count > 0).then(|| (character(number), end));
            }
            (number, at) = (number << 4 | c.to_digit(16)?, end);
        }
        None
    }

    /// `41` of `\x41`; several of one character in UTF-8 as well.
    fn byte(self, at: usize) -> Read {
        let (first, end) = self.hex(at, 2)?;
        let next = |at| self.hex(self.skip(self.skip(at, '\\')?, 'x')?, 2);
        in_utf8(first, end, next)
            .or_else(|| (first < 0x80 || self.is_last()).then_some((character(first), end)))
    }

    /// Whether nothing is read once more: what is the half of a character until then may have its other half behind an
    /// escape that is escaped.
    fn is_last(self) -> bool {
        self.layers + 1 == LAYERS
    }

    /// Behind `%`: a byte, also if the `%` was escaped in turn.
    fn percent(self, at: usize) -> Read {
        let byte = |mut at| {
            // Behind `%25` as behind `%`.
            while let Some((0x25, end)) = self.hex(at, 2) {
                at = end;
            }
            (self.hex(at, 2), at)
        };
        match byte(at) {
            (Some((first @ ..0x80, end)), _) => Some((character(first), end)),
            (Some((first, end)), _) => {
                let next = |at| byte(self.skip(at, '%')?).0;
                in_utf8(first, end, next).or_else(|| self.is_last().then_some((REPLACEMENT, end)))
            }
            (None, end) => (end > at).then_some(('%', end)),
        }
    }

    /// Behind `&`: also one whose `&` was escaped in turn.
    fn reference(self, start: usize) -> Read {
        let mut at = start;
        let mut name = String::new();
        loop {
            match self.name(at, &mut name) {
                Some(end) if name == "amp" => at = end,
                Some(end) => {
                    let c = match name.as_str() {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        number => numbered(number).map(character),
                    };
                    return c.map(|c| (c, end)).or_else(|| (at > start).then_some(('&', at)));
                }
                None => return (at > start).then_some(('&', at)),
            }
        }
    }

    /// What stands before the next `;`, and where that ends.
    fn name(self, mut at: usize, name: &mut String) -> Option<usize> {
        name.clear();
        for _ in 0..=LONGEST_NAME {
            let (c, end) = self.read(at)?;
            match c {
                ';' => return Some(end),
                '#' | '0'..='9' | 'a'..='z' | 'A'..='Z' => name.push(c),
                _ => return None,
            }
            at = end;
        }
        None
    }
}

/// `#65`, `#x41`.
fn numbered(text: &str) -> Option<u32> {
    let number = text.strip_prefix('#')?;
    match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => number.parse().ok(),
    }
}

/// The character that begins with this byte in UTF-8, and where its last byte ends.
fn in_utf8(first: u32, mut end: usize, next: impl Fn(usize) -> Option<(u32, usize)>) -> Read {
    let (len, mut number) = match first {
        0xC2..=0xDF => (2, first & 0x1F),
        0xE0..=0xEF => (3, first & 0x0F),
        0xF0..=0xF4 => (4, first & 0x07),
        _ => return None,
    };
    for _ in 1..len {
        let (byte, after) = next(end)?;
        (number, end) = (number << 6 | byte.checked_sub(0x80).filter(|bits| *bits < 0x40)?, after);
    }
    Some((char::from_u32(number)?, end))
}

fn character(number: u32) -> char {
    // Half of a pair: with its other half it is none of a secret's letters.
    char::from_u32(number).unwrap_or(REPLACEMENT)
}
