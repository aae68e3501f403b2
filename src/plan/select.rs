//! Which of a plan's tasks to run: `--select`, `--exclude`, `--slice`, `--sample` and `--shard`.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;

use foreign_text::{one_line, plain};
use serde::{Deserialize, Serialize};

use super::filter::{Filter, FilterError, NoWaves};
use super::key::id_hash;
use super::needs;
use super::task::{JobId, Plan, Task, TaskId, Unresolved};

/// A choice among a plan's tasks, applied in the order of the fields. The default chooses all.
///
/// A chosen task does not bring the tasks that it needs: of those that are not chosen it keeps the names.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Tasks that any of these means; all when there is none.
    pub select: Vec<Filter>,
    /// Leaves out what any of these means.
    pub exclude: Vec<Filter>,
    /// A stretch of what is left.
    pub slice: Option<Slice>,
    /// A number of what is left: always the same ones, whatever their order.
    pub sample: Option<usize>,
    /// One of several parts of what is left.
    pub shard: Option<Shard>,
}

/// Why a selection cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// An expression is wrong, or names a job that the plan does not have.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// Not a stretch of tasks.
    #[error(
        "`{0}` is not a slice; write `A:B`, `A:` or `:B`, counted from 0; negative numbers count from the end"
    )]
    Slice(String),
    /// A wave is judged as a whole.
    #[error(
        "a manifest with `strategy.waves` cannot be divided into shards: a wave is judged by all of its tasks"
    )]
    WavesInShards,
    /// Not a shard.
    #[error("`{0}` is not a shard; write `M/N` or `slice:M/N` with M from 1 to N")]
    Shard(String),
}

/// `A:B`: from task A up to, but without, task B; negative numbers count from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    start: Option<isize>,
    end: Option<isize>,
}

impl FromStr for Slice {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let wrong = || SelectError::Slice(one_line(plain(text), 40).into_owned());
        let (start, end) = text.trim().split_once(':').ok_or_else(wrong)?;
        let bound = |text: &str| match text.trim() {
            "" => Ok(None),
            number => number.parse().map(Some).map_err(|_| wrong()),
        };
        Ok(Self { start: bound(start)?, end: bound(end)? })
    }
}

impl Slice {
    fn range(self, length: usize) -> std::ops::Range<usize> {
        let resolve = |bound: isize| match usize::try_from(bound) {
            Ok(from_start) => from_start.min(length),
            Err(_) => length.saturating_sub(bound.unsigned_abs()),
        };
        let start = self.start.map_or(0, resolve);
        let end = self.end.map_or(length, resolve);
        start..end.max(start)
    }
}

/// One of N parts of a plan: each task is in exactly one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// From 0.
    index: usize,
    count: NonZeroUsize,
    deal: Deal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deal {
    /// By a hash of the id: a task stays in its shard while others come and go.
    Hash,
    /// In turn: the shards are even.
    Turn,
}

impl Shard {
    /// Part `number` (from 1) of `count`, by a hash of the task's id; `None` when there is no such part.
    #[must_use]
    pub fn hashed(number: usize, count: usize) -> Option<Self> {
        let count = NonZeroUsize::new(count)?;
        let index = number.checked_sub(1).filter(|index| *index < count.get())?;
        Some(Self { index, count, deal: Deal::Hash })
    }

    /// Which part it is, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        self.index + 1
    }

    /// How many parts there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.count.get()
    }

    /// The same part of as many, dealt in turn instead (`slice:`).
    #[must_use]
    pub fn in_turn(self) -> Self {
        Self { deal: Deal::Turn, ..self }
    }

    /// The positions of its tasks. What `needs` join stays together, wherever most of it would be dealt: by the smallest
    /// hash, which another task changes seldom, or by the first in turn.
    fn dealt(self, tasks: &[Task]) -> Vec<usize> {
        let groups = needs::joined(tasks);
        let mut lots: Vec<u64> = Vec::with_capacity(tasks.len());
        let mut turns = 0..;
        for (at, &group) in groups.iter().enumerate() {
            lots.push(match self.deal {
                Deal::Hash => id_hash(tasks[at].id.as_str()),
                Deal::Turn if group == at => turns.next().unwrap_or_default(),
                Deal::Turn => u64::MAX,
            });
            lots[group] = lots[group].min(lots[at]);
        }
        let is_here = |at: &usize| lots[groups[*at]] % self.count.get() as u64 == self.index as u64;
        (0..tasks.len()).filter(is_here).collect()
    }
}

impl FromStr for Shard {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let wrong = || SelectError::Shard(one_line(plain(text), 40).into_owned());
        let (part, in_turn) = match text.trim().strip_prefix("slice:") {
            Some(part) => (part, true),
            None => (text.trim(), false),
        };
        let (number, count) = part.split_once('/').ok_or_else(wrong)?;
        let number = number.trim().parse().map_err(|_| wrong())?;
        let count = count.trim().parse().map_err(|_| wrong())?;
        let shard = Self::hashed(number, count).ok_or_else(wrong)?;
        Ok(if in_turn { shard.in_turn() } else { shard })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.deal {
            Deal::Hash => "",
            Deal::Turn => "slice:",
        };
        write!(f, "{prefix}{}/{}", self.index + 1, self.count)
    }
}

impl TryFrom<String> for Shard {
    type Error = SelectError;

    fn try_from(text: String) -> Result<Self, SelectError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl Selection {
    /// The positions of the chosen tasks, shards aside, in the plan's order.
    fn positions(&self, tasks: &[Task]) -> Vec<usize> {
        let wanted =
            |task: &Task| self.select.is_empty() || self.select.iter().any(|filter| filter.matches(task));
        let unwanted = |task: &Task| self.exclude.iter().any(|filter| filter.matches(task));
        let mut chosen: Vec<usize> =
            (0..tasks.len()).filter(|&at| wanted(&tasks[at]) && !unwanted(&tasks[at])).collect();
        if let Some(slice) = self.slice {
            chosen = chosen[slice.range(chosen.len())].to_vec();
        }
        if let Some(sample) = self.sample.filter(|sample| *sample < chosen.len()) {
            let mut drawn = chosen;
            drawn.sort_by(|&a, &b| tasks[a].key.cmp(&tasks[b].key));
            drawn.truncate(sample);
            drawn.sort_unstable();
            chosen = drawn;
        }
        chosen
    }

    /// Whether any of the tasks that are not known yet may be chosen.
    fn may_choose(&self, open: &Unresolved) -> bool {
        let wanted = self.select.is_empty() || self.select.iter().any(|it| it.means(open) != Some(false));
        wanted && !self.exclude.iter().any(|filter| filter.means(open) == Some(true))
    }
}

impl Selection {
    /// Whether anything may be left out.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        let Self { select, exclude, slice, sample, shard } = self;
        !select.is_empty() || !exclude.is_empty() || slice.is_some() || sample.is_some() || shard.is_some()
    }
}

impl Plan {
    /// Whether the plan has all jobs that these expressions name, and waves where one names a wave.
    pub(crate) fn check<'f>(&self, filters: impl IntoIterator<Item = &'f Filter>) -> Result<(), SelectError> {
        let unresolved = self.unresolved.iter().map(|open| &open.job);
        let jobs: BTreeSet<&str> =
            self.tasks.iter().map(|task| &task.job).chain(unresolved).map(JobId::as_str).collect();
        let jobs: Vec<&str> = jobs.into_iter().collect();
        let no_waves = self.no_waves();
        filters.into_iter().try_for_each(|filter| Ok(filter.check(&jobs, no_waves)?))
    }

    /// Why none of its tasks is in a wave; none where some are.
    fn no_waves(&self) -> Option<NoWaves> {
        match self.settings.strategy.waves {
            None => Some(NoWaves::Unwritten),
            Some(_) => self.tasks.iter().all(|task| task.wave.is_none()).then_some(NoWaves::Untold),
        }
    }

    /// The plan of the chosen tasks. It may be empty; a need that was not chosen is one outside the plan.
    ///
    /// # Errors
    ///
    /// An expression names a job that the plan does not have, or a wave where it has none ([`Task::wave`]), or a manifest with waves is to be divided into shards.
    pub fn select(mut self, selection: &Selection) -> Result<Self, SelectError> {
        self.check(selection.select.iter().chain(&selection.exclude))?;
        if selection.shard.is_some() && self.settings.strategy.waves.is_some() {
            return Err(SelectError::WavesInShards);
        }
        let chosen = selection.positions(&self.tasks);
        self.keep(&chosen);
        self.unresolved.retain(|open| selection.may_choose(open));
        if let Some(shard) = selection.shard {
            self.keep(&shard.dealt(&self.tasks));
        }
        Ok(self)
    }

    /// The same; none when what a person chose leaves no task. A shard may be empty: nobody chooses what is dealt to it.
    ///
    /// # Errors
    ///
    /// As [`Plan::select`].
    pub fn select_some(self, selection: &Selection) -> Result<Option<Self>, SelectError> {
        let dealt = Selection { shard: selection.shard, ..Selection::default() };
        let chosen = self.select(&Selection { shard: None, ..selection.clone() })?;
        if chosen.tasks.is_empty() && chosen.unresolved.is_empty() {
            return Ok(None);
        }
        chosen.select(&dealt).map(Some)
    }

    /// Removes all tasks but those at `chosen`, which ascends, and renumbers needs. What a task needs of those that go
    /// is outside from then on.
    pub(crate) fn keep(&mut self, chosen: &[usize]) {
        if chosen.len() == self.tasks.len() {
            return;
        }
        /// Where the needs that are kept stand now, and the others.
        type Needs = (Arc<[usize]>, Arc<[TaskId]>);
        const GONE: usize = usize::MAX;
        let mut moved = vec![GONE; self.tasks.len()];
        for (new, &old) in chosen.iter().enumerate() {
            moved[old] = new;
        }
        let ids: Vec<TaskId> = self.tasks.iter().map(|task| task.id.clone()).collect();
        let mut at = 0..;
        self.tasks.retain(|_| at.next().is_some_and(|at| moved[at] != GONE));
        // Lists are shared by many tasks and stay so.
        let mut lists: HashMap<(*const usize, usize), Needs> = HashMap::new();
        let mut old_lists = Vec::new();
        for task in self.tasks.iter_mut().filter(|task| !task.needs.is_empty()) {
            let (list, outside) = lists.entry((task.needs.as_ptr(), task.needs.len())).or_insert_with(|| {
                let (gone, kept): (Vec<usize>, Vec<usize>) =
                    task.needs.iter().partition(|&&need| moved[need] == GONE);
                let gone = gone.into_iter().map(|need| ids[need].clone());
                let outside = task.needs_outside.iter().cloned().chain(gone).collect();
                (kept.into_iter().map(|need| moved[need]).collect(), outside)
            });
            task.needs_outside = Arc::clone(outside);
            // Kept until the end, so that no new list takes the address of an old one.
            old_lists.push(std::mem::replace(&mut task.needs, Arc::clone(list)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{ids, plan};
    use super::*;

    const MANIFEST: &str = r#"
defaults: { branch: main }
jobs:
  - { id: build, prompt: p, sources: [o/a, o/b, o/c], tags: [fast, "x-${{ source.repo }}"] }
  - { id: docs, prompt: p, sources: [o/a, o/b@dev], needs: build, expect: change }
  - { id: mix, prompt: p, matrix: { v: [1, "a b"], k: [true] }, needs: [docs] }
"#;

    fn chosen(select: &str) -> Vec<String> {
        let selection = Selection { select: vec![select.parse().unwrap()], ..Selection::default() };
        ids(&plan(MANIFEST).select(&selection).unwrap()).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_matrix_value_is_chosen_by_the_text_that_people_see() {
        let long = "y".repeat(150);
        let text = format!(
            "jobs: [{{ id: j, prompt: \"${{{{ matrix.v }}}}\", matrix: {{ v: [3.10, true, {{ b: 1.0, a: [x, 3.90] }}, '1', a b, {long}] }} }}]"
        );
        let plan = plan(&text);
        for task in &plan.tasks {
            let in_id = task.id.as_str().trim_start_matches("j[v=").trim_end_matches(']');
            for seen in [&*task.prompt, in_id] {
                let select = format!("matrix({})", serde_json::Value::from(format!("V={seen}")));
                let selection = Selection { select: vec![select.parse().unwrap()], ..Selection::default() };
                assert_eq!(ids(&plan.clone().select(&selection).unwrap()), [task.id.as_str()], "{select}");
            }
        }
        let prompts: Vec<&str> = plan.tasks.iter().map(|task| &*task.prompt).collect();
        assert_eq!(prompts, ["3.10", "true", "{\"a\":[\"x\",3.90],\"b\":1.0}", "1", "a b", &long]);
    }

    #[test]
    fn expressions_choose_tasks() {
        let everything = 7;
        for (expression, expected) in [
            ("all()", everything),
            ("none()", 0),
            ("job(build)", 3),
            ("job(b*) | job(docs)", 5),
            ("source(o/a)", 2),
            ("branch(dev)", 1),
            ("tag(fast) & !source(o/c)", 2),
            ("tag(x-a)", 1),
            ("expect(change) or expect(pull-request)", 2),
            ("id(docs/*@dev)", 1),
            ("matrix(k=true)", 2),
            ("matrix(v=1)", 1),
            ("matrix(v=a b)", 1),
            ("docs", 2),
            ("*/o/a@*", 2),
            ("\"v=a b\"", 1),
            ("not (docs or mix)", 3),
            ("all() - job(mix) - source(o/a)", 3),
            ("job(mix) + job(docs) & branch(dev)", 3),
            ("o/a && build || !!job(mix)", 3),
        ] {
            assert_eq!(chosen(expression).len(), expected, "{expression}");
        }
    }

    #[test]
    fn exclusion_wins() {
        let selection = Selection {
            select: vec!["build".parse().unwrap(), "docs".parse().unwrap()],
            exclude: vec!["source(o/a)".parse().unwrap()],
            ..Selection::default()
        };
        let plan = plan(MANIFEST).select(&selection).unwrap();
        assert_eq!(ids(&plan), ["build/o/b@main", "build/o/c@main", "docs/o/b@dev"]);
    }

    #[test]
    fn needs_are_counted_anew_and_unchosen_ones_are_outside() {
        let whole = plan(MANIFEST);
        assert_eq!(*whole.tasks[3].needs, [0], "the same source");
        assert_eq!(*whole.tasks[4].needs, [0, 1, 2], "no task on that branch");
        assert_eq!(*whole.tasks[5].needs, [3, 4], "a job without source waits for all");
        let selection = Selection { exclude: vec!["build/o/a".parse().unwrap()], ..Selection::default() };
        let plan = whole.select(&selection).unwrap();
        let needs: Vec<&[usize]> = plan.tasks.iter().map(|task| &*task.needs).collect();
        assert_eq!(needs, [&[][..], &[], &[], &[0, 1], &[2, 3], &[2, 3]]);
        assert_eq!(plan.tasks[2].needs_outside[0].as_str(), "build/o/a@main");
        assert_eq!(plan.tasks[3].needs_outside[..], plan.tasks[2].needs_outside[..]);
        assert!(plan.tasks[4].needs_outside.is_empty(), "its needs are all there");
        assert!(Arc::ptr_eq(&plan.tasks[4].needs, &plan.tasks[5].needs), "shared lists stay shared");
    }

    #[test]
    fn slices_are_pythons() {
        for (text, expected) in [
            ("0:2", 0..2),
            ("5:", 5..7),
            (":3", 0..3),
            ("-2:", 5..7),
            (":-6", 0..1),
            ("9:", 7..7),
            ("4:2", 4..4),
        ] {
            assert_eq!(text.parse::<Slice>().unwrap().range(7), expected, "{text}");
        }
        for text in ["", "3", "a:b", "1:2:3"] {
            assert!(text.parse::<Slice>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_sample_is_always_the_same() {
        let sample = |n| Selection { sample: Some(n), ..Selection::default() };
        let few = plan(MANIFEST).select(&sample(3)).unwrap();
        assert_eq!(ids(&few), ids(&plan(MANIFEST).select(&sample(3)).unwrap()));
        assert_eq!(few.tasks.len(), 3);
        let more = plan(MANIFEST).select(&sample(4)).unwrap();
        assert!(ids(&few).iter().all(|id| ids(&more).contains(id)), "a larger sample holds the smaller");
        assert_eq!(plan(MANIFEST).select(&sample(99)).unwrap().tasks.len(), 7);
    }

    #[test]
    fn shards_are_written_as_m_of_n() {
        assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
        assert_eq!("slice:1/4".parse::<Shard>().unwrap().to_string(), "slice:1/4");
        for text in ["0/3", "4/3", "1/0", "1", "hash:1/2", "1/x", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    thread_local! {
        static PLAN: Plan = plan(&free());
    }

    /// The same tasks without `needs`.
    fn free() -> String {
        MANIFEST.replace("needs: build, ", "").replace(", needs: [docs]", "")
    }

    #[test]
    fn what_needs_join_is_dealt_to_one_shard() {
        const PAIRS: &str = r#"
defaults: { branch: main }
jobs:
  - { id: one, prompt: p, sources: [o/a, o/b, o/c, o/d] }
  - { id: two, prompt: p, sources: [o/a, o/b, o/c, o/d], needs: one }
  - { id: alone, prompt: p, matrix: { n: [1, 2, 3, 4] } }
"#;
        for shard in ["1/3", "2/3", "3/3", "slice:1/3", "slice:2/3", "slice:3/3"] {
            let shard: Shard = shard.parse().unwrap();
            let part = plan(PAIRS).select(&Selection { shard: Some(shard), ..Selection::default() }).unwrap();
            let two = part.tasks.iter().filter(|task| task.job.as_str() == "two");
            assert!(
                two.clone().all(|task| task.needs.len() == 1 && task.needs_outside.is_empty()),
                "{shard}"
            );
            let one = part.tasks.iter().filter(|task| task.job.as_str() == "one");
            assert_eq!(one.count(), two.count(), "{shard}");
        }
    }

    proptest! {
        #[test]
        fn shards_share_a_plan_without_rest(count in 1_usize..9, deal in any::<bool>()) {
            let whole = PLAN.with(Plan::clone);
            let mut all = Vec::new();
            let mut sizes = Vec::new();
            for number in 1..=count {
                let shard = Shard::hashed(number, count).unwrap();
                let shard = if deal { shard.in_turn() } else { shard };
                let part = PLAN.with(Plan::clone).select(&Selection { shard: Some(shard), ..Selection::default() }).unwrap();
                sizes.push(part.tasks.len());
                all.extend(ids(&part).into_iter().map(str::to_owned));
            }
            all.sort();
            let mut expected = ids(&whole);
            expected.sort_unstable();
            prop_assert_eq!(all, expected);
            if deal {
                prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            }
        }

        #[test]
        fn expressions_never_panic(text in "\\PC{0,40}") {
            if let Err(error) = text.parse::<Filter>() {
                let _ = error.to_string();
            }
        }

        #[test]
        fn expressions_of_known_tokens_never_panic(
            tokens in proptest::collection::vec(
                prop_oneof![
                    Just("("), Just(")"), Just("&"), Just("|"), Just("!"), Just("-"), Just("+"), Just("not"),
                    Just("job("), Just("matrix("), Just("\""), Just("ä"), Just("all()"), Just(" "), Just("\\"),
                ],
                0..20,
            )
        ) {
            if let Err(error) = tokens.concat().parse::<Filter>() {
                let _ = error.to_string();
            }
        }
    }

    fn error(text: &str) -> String {
        let filter = match text.parse::<Filter>() {
            Ok(filter) => filter,
            Err(error) => return error.to_string(),
        };
        let selection = Selection { select: vec![filter], ..Selection::default() };
        plan(MANIFEST).select(&selection).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_understood_is_marked() {
        insta::assert_snapshot!(error("job(build) & jb(x)"), @r"
        unknown predicate `jb`
          job(build) & jb(x)
                       ^^
          help: did you mean `job(…)`?
        ");
        insta::assert_snapshot!(error("job(buil)"), @r"
        the plan has no job `buil`
          job(buil)
              ^^^^
          help: did you mean `build`?
        ");
        insta::assert_snapshot!(error("(job(build) | docs"), @r"
        this parenthesis is not closed
          (job(build) | docs
          ^
          help: predicates: job(…), source(…), branch(…), tag(…), id(…), matrix(key=…), expect(…), wave(N), all(), none(); operators: and &, or | +, not !, but-not -, ( ); `*` and `?` are wildcards; a bare word is looked for in the task's id
        ");
        for text in [
            "",
            "job(",
            "job()",
            "a b",
            "a &",
            "matrix(x)",
            "expect(x)",
            "all(x)",
            "'a",
            ")",
            "!",
            &"(".repeat(5000),
        ] {
            assert!(error(text).contains("  help: predicates: "), "{text}");
        }
    }
}
