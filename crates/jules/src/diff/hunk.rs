//! Hunks: how many lines belong to one, and what each of them is.

/// What is left of a hunk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// Signs in front of each line: one for each old version, of which a merge has several.
    signs: usize,
    /// Lines of the old versions together.
    old: u64,
    new: u64,
}

/// What a line of a hunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Added,
    Deleted,
    Same,
}

impl Hunk {
    /// Reads `@@ -1,2 +3,4 @@ …`, or with a further `@` and a further range for each old version beyond the first.
    /// Nonsense behind the `@@` is an empty hunk; other lines are none.
    pub(super) fn of_header(line: &str) -> Option<Self> {
        let rest = line.trim_start_matches('@');
        let signs = (line.len() - rest.len()).checked_sub(1).filter(|signs| *signs > 0)?;
        let rest = rest.strip_prefix(' ')?;
        Some(Self::of_ranges(signs, rest).unwrap_or_default())
    }

    fn of_ranges(signs: usize, text: &str) -> Option<Self> {
        let mut ranges = text.split(' ');
        let mut old = 0_u64;
        for _ in 0..signs {
            old = old.checked_add(length(ranges.next()?.strip_prefix('-')?)?)?;
        }
        Some(Self { signs, old, new: length(ranges.next()?.strip_prefix('+')?)? })
    }

    /// Whether lines are missing.
    pub(super) fn is_open(&self) -> bool {
        self.old > 0 || self.new > 0
    }

    /// Takes a line and gives its text without the signs; none when it cannot belong here.
    pub(super) fn take<'a>(&mut self, line: &'a str) -> Option<(Sign, &'a str)> {
        // Some tools strip the blanks of an empty line.
        let line_signs = if line == "\r" { 0 } else { self.signs.min(line.len()) };
        let signs = &line.as_bytes()[..line_signs];
        let count = |sign| signs.iter().filter(|byte| **byte == sign).count() as u64;
        let (plus, minus) = (count(b'+'), count(b'-'));
        if plus + minus + count(b' ') < signs.len() as u64 || (plus > 0 && minus > 0) {
            return None;
        }
        let sign = if minus > 0 {
            // Gone from those versions that have a sign; the others did not have it either.
            self.old = self.old.checked_sub(minus)?;
            Sign::Deleted
        } else if plus > 0 {
            self.new = self.new.checked_sub(1)?;
            self.old = self.old.saturating_sub(self.signs as u64 - plus);
            Sign::Added
        } else {
            self.new = self.new.saturating_sub(1);
            self.old = self.old.saturating_sub(self.signs as u64);
            Sign::Same
        };
        // All signs are ASCII.
        Some((sign, &line[line_signs..]))
    }
}

/// The number of lines in `1,2`; a missing one is 1.
fn length(range: &str) -> Option<u64> {
    match range.split_once(',') {
        Some((_, length)) => length.parse().ok(),
        None => range.parse::<u64>().ok().map(|_| 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(signs: usize, old: u64, new: u64) -> Option<Hunk> {
        Some(Hunk { signs, old, new })
    }

    #[test]
    fn a_header_tells_how_many_lines_there_are() {
        assert_eq!(Hunk::of_header("@@ -1,2 +3,4 @@ fn x"), hunk(1, 2, 4));
        assert_eq!(Hunk::of_header("@@ -1 +1 @@\r"), hunk(1, 1, 1));
        assert_eq!(Hunk::of_header("@@@ -1,2 -5,3 +1,4 @@@"), hunk(2, 5, 4));
        for nonsense in ["@@ x", "@@ -1", "@@ -x +1 @@", "@@@ -1 +1 @@@", "@@ -1,99999999999999999999 +1 @@"]
        {
            assert_eq!(Hunk::of_header(nonsense), Some(Hunk::default()), "{nonsense}");
        }
        for other in ["", "@", "@ -1 +1 @", "@@", "@@-1 +1@@", " @@ -1 +1 @@"] {
            assert_eq!(Hunk::of_header(other), None, "{other}");
        }
    }

    #[test]
    fn lines_use_a_hunk_up() {
        let mut hunk = Hunk::of_header("@@ -1,3 +1,3 @@").unwrap();
        let lines = [" a", "", "-b", "+c"];
        let signs: Vec<_> = lines.iter().map(|line| hunk.take(line).unwrap()).collect();
        let expected = [(Sign::Same, "a"), (Sign::Same, ""), (Sign::Deleted, "b"), (Sign::Added, "c")];
        assert_eq!(signs, expected);
        assert!(!hunk.is_open() && hunk.take("+d").is_none() && hunk.take("-d").is_none());
    }

    #[test]
    fn a_line_of_a_merge_has_a_sign_for_each_old_version() {
        let mut hunk = Hunk::of_header("@@@ -1,2 -1,2 +1,3 @@@").unwrap();
        let lines = ["  same", "- of one", " -of the other", "++of both", "+", "é"];
        let signs: Vec<_> = lines.iter().map(|line| hunk.take(line).map(|(sign, _)| sign)).collect();
        let deleted = Some(Sign::Deleted);
        assert_eq!(signs, [Some(Sign::Same), deleted, deleted, Some(Sign::Added), Some(Sign::Added), None]);
        assert!(!hunk.is_open());
    }
}
