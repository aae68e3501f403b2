//! The waves of a run: fixed when it begins, and told again when that has changed.

use std::collections::HashSet;

use jiff::Timestamp;

use super::decision::{Decision, is_round_over};
use super::history::Origin;
use super::pulls::PullsBefore;
use super::work::{is_rerun, last_round, round};
use super::{Options, RunError};
use crate::ledger::LedgerReader;
use crate::outcome::{EventKind, RunEvent, RunId, RunInfo, RunRecord, WaveTerms, by_repository, verdicts};
use crate::plan::{PassWhen, Plan, Waves};
use crate::pulls::{joined, split};

/// The run as it stands with what is recorded first, and that.
pub(super) struct Fixed {
    /// As the engine will find it.
    pub(super) record: RunRecord,
    /// What is news of its waves.
    pub(super) events: Vec<EventKind>,
}

/// Tells each task the wave of its repository: as it stands in the run that would be gone on with, or as it will be fixed.
///
/// # Errors
///
/// [`RunError::UnknownRun`], [`RunError::Ledger`].
pub(super) fn tell(
    plan: &mut Plan,
    origin: &Origin,
    options: &Options,
    simulated: bool,
) -> Result<(), RunError> {
    let Some(terms) = plan.settings.strategy.waves.clone() else { return Ok(()) };
    let reader = LedgerReader::open_if_sound(&options.state)?;
    let identity = origin.identity(plan, options, simulated);
    let last = last_round(&identity, options, reader.as_ref())?;
    let now = Timestamp::now();
    let record = last.map(|last| last.record).filter(|last| !begins_anew(plan, last, options, now));
    let record = record.filter(|record| !record.waves.sets().is_empty());
    // Shares of repositories that are not all known yet are of nothing.
    if record.is_none() && !plan.unresolved.is_empty() {
        return Ok(());
    }
    let sets = sets(plan, &terms, record.as_ref(), now);
    let of = by_repository(&sets);
    for task in &mut plan.tasks {
        let wave = task.source.as_ref().and_then(|it| of.get(&it.github.to_ascii_lowercase()));
        task.wave = wave.map(|at| at + 1);
    }
    Ok(())
}

/// Whether a run would be another one than the last: as [`Work`](super::work::Work) decides where there is work.
fn begins_anew(plan: &Plan, last: &RunRecord, options: &Options, now: Timestamp) -> bool {
    let round = round(last, plan.settings.adoption.adopt_within, now);
    let stays = options.failed || is_rerun(last, options) || options.run.is_some();
    options.fresh || (!stays && plan.tasks.iter().any(|task| is_round_over(task.repeat, &round, now)))
}

/// Fixes the waves; none where there are none, now or before.
///
/// # Errors
///
/// [`RunError::NoWaveWaits`].
pub(super) fn fix(
    plan: &Plan,
    decisions: &[Decision],
    known: Option<&RunRecord>,
    (pulls, first): (&PullsBefore, &[EventKind]),
    next_wave: Option<&str>,
) -> Result<Option<Fixed>, RunError> {
    let terms = plan.settings.strategy.waves.as_ref();
    let had_waves = known.is_some_and(|known| !known.waves.sets().is_empty());
    if terms.is_none() && !had_waves {
        return if next_wave.is_some() { Err(RunError::NoWaveWaits) } else { Ok(None) };
    }
    let now = Timestamp::now();
    let mut record = known.cloned().or_else(|| begun(plan, now)).ok_or(RunError::NoWaveWaits)?;
    let news = pulls.news_of(&record.info.id);
    apply(&mut record, news, now);
    apply(&mut record, first.iter().cloned(), now);
    let mut events = Vec::new();
    events.extend(fixed(plan, decisions, terms, &record, now));
    apply(&mut record, events.iter().cloned(), now);
    if let Some(by) = next_wave {
        let waves = verdicts(&record, now);
        let next = waves.iter().position(|wave| wave.began_at.is_none()).ok_or(RunError::NoWaveWaits)?;
        let released = EventKind::WaveReleased { wave: next + 1, by: Some(by.to_owned()) };
        apply(&mut record, [released.clone()], now);
        events.push(released);
    }
    Ok(Some(Fixed { record, events }))
}

fn apply(record: &mut RunRecord, kinds: impl IntoIterator<Item = EventKind>, now: Timestamp) {
    let events: Vec<RunEvent> = record.next_events(kinds, now).collect();
    events.iter().for_each(|event| record.apply(event));
}

/// A run of which nothing is known yet.
pub(super) fn begun(plan: &Plan, now: Timestamp) -> Option<RunRecord> {
    let run = RunInfo {
        id: RunId::new(now, 0),
        name: plan.name.clone(),
        manifest: plan.manifest.clone(),
        file: None,
        simulated: false,
    };
    RunRecord::begin(&RunEvent { seq: 1, ts: now, kind: EventKind::RunStarted { run } })
}

/// What is to be told of which repositories belong to which wave, if that is news.
fn fixed(
    plan: &Plan,
    decisions: &[Decision],
    terms: Option<&Waves>,
    record: &RunRecord,
    now: Timestamp,
) -> Option<EventKind> {
    let Some(terms) = terms else {
        return Some(EventKind::WavesFixed { waves: Vec::new(), terms: None, untouched: Vec::new() });
    };
    let (known, pass) = (&record.waves, meant(terms));
    let waves = sets(plan, terms, Some(record), now);
    let untouched = untouched(plan, decisions, record);
    let is_told = known.sets() == waves && known.terms() == Some(&pass) && known.untouched() == untouched;
    (!is_told).then_some(EventKind::WavesFixed { waves, terms: Some(pass), untouched })
}

/// The waves of a run that goes on from this record, or of a new one.
fn sets(plan: &Plan, terms: &Waves, record: Option<&RunRecord>, now: Timestamp) -> Vec<Vec<String>> {
    let Some(record) = record.filter(|record| !record.waves.sets().is_empty()) else {
        return split(&plan.repositories, terms);
    };
    let known = record.waves.sets();
    let begun = verdicts(record, now).iter().rposition(|wave| wave.began_at.is_some());
    joined(known, &plan.repositories, begun.unwrap_or(0)).unwrap_or_else(|| known.to_vec())
}

fn meant(terms: &Waves) -> WaveTerms {
    let ms = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    WaveTerms {
        when: terms.pass.when,
        min_success: terms.pass.min_success.0,
        within_ms: ms(terms.pass.within),
        soak_ms: ms(terms.pass.soak),
        then: terms.then,
    }
}

/// The repositories that no task is on which the run has, is going to have, or need not have any more.
fn untouched(plan: &Plan, decisions: &[Decision], record: &RunRecord) -> Vec<String> {
    let recorded = record.tasks.values().filter_map(|task| task.planned.source.as_ref());
    let asked = plan.tasks.iter().zip(decisions).filter(|(_, it)| **it != Decision::NotAsked);
    let planned = asked.filter_map(|(task, _)| task.source.as_ref());
    let touched: HashSet<String> =
        recorded.chain(planned).map(|source| source.github.to_ascii_lowercase()).collect();
    let is_untouched = |name: &&String| !touched.contains(&name.to_ascii_lowercase());
    plan.repositories.iter().filter(is_untouched).cloned().collect()
}

/// Whether waves pass by what becomes of pull requests: then a run without GitHub would never end.
pub(super) fn rely_on_github(plan: &Plan) -> bool {
    let waves = plan.settings.strategy.waves.as_ref();
    waves.is_some_and(|waves| waves.pass.when != PassWhen::Ended)
}
