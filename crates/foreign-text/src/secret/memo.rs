//! What was skipped once in a text: many letters have the same behind them, and the search begins at each.

use std::cell::RefCell;
use std::collections::HashMap;

use super::letters::Characters;
use crate::escape::sequence_end;

/// What is longer is kept, in bytes: what is shorter is read again as fast.
const LONG: usize = 32;

/// Where what is long and no letter ends in a text, by where it was met. So a search takes time in proportion to the text,
/// however much stands between two letters.
#[derive(Default)]
pub(super) struct Memo {
    /// Whether the text is JSON: what begins within a text of it ends there as well.
    is_json: bool,
    /// Escape sequences, in each form; none where none ends.
    sequences: [RefCell<HashMap<usize, Option<usize>>>; 2],
    /// What may stand between two letters, in each form: all of it, and what stands outside of sequences.
    runs: [RefCell<HashMap<usize, usize>>; 4],
}

impl Memo {
    pub(super) fn of(text: &str) -> Self {
        // Also the rest of one, from some line on.
        let is_json = text.trim_start().starts_with(['{', '[', '"', ']', '}']);
        Self { is_json, ..Self::default() }
    }

    /// Where the escape sequence ends that may begin there.
    pub(super) fn sequence_end(&self, here: &Characters<'_>) -> Option<usize> {
        let known = &self.sequences[here.form as usize];
        if let Some(end) = known.borrow().get(&here.at) {
            return *end;
        }
        let mut read = here.at;
        let end = sequence_end(here.clone().map_while(|(c, end)| {
            let is_end = self.is_json && c == '"' && end == read + 1;
            read = end;
            (!is_end).then_some((c, end))
        }));
        if read - here.at > LONG {
            known.borrow_mut().insert(here.at, end);
        }
        end
    }
}

/// The way through what stands between two letters.
pub(super) struct Run<'m> {
    known: &'m RefCell<HashMap<usize, usize>>,
    began: usize,
    left_out: usize,
    /// The places whose end will be known, one every [`LONG`] bytes.
    passed: Vec<usize>,
}

impl<'m> Run<'m> {
    /// `left_out` is how many bytes of the text before were left out at once.
    pub(super) fn new(memo: &'m Memo, at: &Characters<'_>, reads_sequences: bool, left_out: usize) -> Self {
        let known = &memo.runs[at.form as usize * 2 + usize::from(reads_sequences)];
        Self { known, began: at.at, left_out, passed: Vec::new() }
    }

    /// One more step, to there. The answer is where the run ends, if that is known.
    pub(super) fn step(&mut self, at: usize) -> Option<usize> {
        if at < self.began + LONG {
            return None;
        }
        let end = self.known.borrow().get(&at).copied();
        if end.is_none() && at >= self.passed.last().unwrap_or(&self.began) + LONG {
            self.passed.push(at);
        }
        end
    }

    /// It ends there: how many bytes were left out, with it if it is long.
    pub(super) fn end(self, at: usize) -> usize {
        let len = at - self.began;
        if !self.passed.is_empty() {
            self.known.borrow_mut().extend(self.passed.into_iter().map(|place| (place, at)));
        }
        self.left_out + if len > LONG { len } else { 0 }
    }
}
