//! Text that is changed while it is written.

use std::borrow::Cow;
use std::io::{self, Write};

/// How much is changed at once, in bytes, as soon as a line ends well.
const BLOCK: usize = 64 * 1024;

/// Passes on what is written, in whole lines, as `change` turns it.
///
/// A text is cut only behind lines that end with one of the given bytes, such as `>` in markup that is escaped: what
/// others wrote has line breaks too, and what `change` looks for may stand on both sides of one. Without any such byte it
/// is passed on as a whole. What is not UTF-8 becomes U+FFFD. What is left is passed on by [`finish`](Self::finish).
pub struct Lines<'a, F> {
    out: &'a mut dyn Write,
    ends: &'static [u8],
    change: F,
    block: Vec<u8>,
}

impl<'a, F: FnMut(&str) -> Cow<'_, str>> Lines<'a, F> {
    /// Changes nothing yet.
    pub fn new(out: &'a mut dyn Write, ends: &'static [u8], change: F) -> Self {
        Self { out, ends, change, block: Vec::new() }
    }

    /// Passes on what is left.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.pass_on(self.block.len())
    }

    fn pass_on(&mut self, len: usize) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.block[..len]);
        self.out.write_all((self.change)(&text).as_bytes())?;
        self.block.drain(..len);
        Ok(())
    }
}

impl<F: FnMut(&str) -> Cow<'_, str>> Write for Lines<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A long text comes in parts, so that its copy is short.
        let bytes = &bytes[..bytes.len().min(BLOCK)];
        // The byte before a line break may have come earlier.
        let from = self.block.len().saturating_sub(1);
        self.block.extend_from_slice(bytes);
        let is_end = |pair: &[u8]| pair[1] == b'\n' && self.ends.contains(&pair[0]);
        if self.block.len() >= BLOCK
            && let Some(at) = self.block[from..].windows(2).rposition(is_end)
        {
            self.pass_on(from + at + 2)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// No byte before a line break that is changed, or none at all.
    const ENDS: [&[u8]; 2] = [b">", b""];

    proptest! {
        #[test]
        fn whole_lines_are_changed_however_they_come(
            lines in proptest::collection::vec("[aä#>\n]{0,30}", 0..9),
            times in 1..2_000_usize,
            piece in 1..200_000_usize,
            ends in proptest::sample::select(&ENDS[..]),
        ) {
            let text = lines.concat().repeat(times);
            let mut out = Vec::new();
            let mut writer = Lines::new(&mut out, ends, |text| Cow::Owned(text.replace("##", "#.").replace("a\n#", "a,#")));
            for piece in text.as_bytes().chunks(piece) {
                writer.write_all(piece).unwrap();
            }
            writer.finish().unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), text.replace("##", "#.").replace("a\n#", "a,#"));
        }
    }
}
