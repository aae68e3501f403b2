//! Text that is changed while it is written.

use std::borrow::Cow;
use std::io::{self, Write};

/// How much is changed at once, in bytes, where lines are shorter.
const BLOCK: usize = 64 * 1024;

/// Passes on what is written, in whole lines, as `change` turns it.
///
/// What is not UTF-8 becomes U+FFFD. The last line is passed on by [`finish`](Self::finish).
pub struct Lines<'a, F> {
    out: &'a mut dyn Write,
    change: F,
    block: Vec<u8>,
}

impl<'a, F: FnMut(&str) -> Cow<'_, str>> Lines<'a, F> {
    /// Changes nothing yet.
    pub fn new(out: &'a mut dyn Write, change: F) -> Self {
        Self { out, change, block: Vec::new() }
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
        self.block.extend_from_slice(bytes);
        if self.block.len() >= BLOCK
            && let Some(end) = bytes.iter().rposition(|b| *b == b'\n')
        {
            self.pass_on(self.block.len() - bytes.len() + end + 1)?;
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

    proptest! {
        #[test]
        fn whole_lines_are_changed_however_they_come(
            lines in proptest::collection::vec("[aä#\n]{0,30}", 0..9),
            times in 1..2_000_usize,
            piece in 1..5_000_usize,
        ) {
            let text = lines.concat().repeat(times);
            let mut out = Vec::new();
            let mut writer = Lines::new(&mut out, |text| Cow::Owned(text.replace("##", "#.").replace("\n", "\r\n")));
            for piece in text.as_bytes().chunks(piece) {
                writer.write_all(piece).unwrap();
            }
            writer.finish().unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), text.replace("##", "#.").replace("\n", "\r\n"));
        }
    }
}
