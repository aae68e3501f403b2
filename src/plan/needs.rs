//! `needs`: which jobs there are to wait for, and which of their tasks each task waits for.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::cycles::cycles;
use super::task::{Task, TaskSource};
use crate::manifest::{CheckedJob, Diagnostic, Document, listed, nearest, quoted};

/// Beyond this many edges between tasks a plan is refused.
const MAX_EDGES: usize = 20_000_000;

/// For each job the indices of the jobs that it needs.
///
/// # Errors
///
/// Every unknown name, and every cycle once.
pub(super) fn jobs(
    document: &Arc<Document>,
    jobs: &[CheckedJob],
) -> Result<Vec<Vec<usize>>, Vec<Diagnostic>> {
    let index: HashMap<&str, usize> =
        jobs.iter().enumerate().map(|(at, job)| (job.id.as_str(), at)).collect();
    let mut findings = Vec::new();
    let mut needs = Vec::with_capacity(jobs.len());
    for job in jobs {
        let mut found = Vec::new();
        for name in job.keys.needs.iter().flat_map(|needs| &needs.jobs) {
            match index.get(name.as_str()) {
                Some(&at) if !found.contains(&at) => found.push(at),
                Some(_) => {}
                None => {
                    let known = || jobs.iter().map(|job| job.id.as_str()).filter(|id| *id != job.id.as_str());
                    let what = format!(
                        "job {} needs {}, which is not in the manifest",
                        quoted(&job.id),
                        quoted(name)
                    );
                    let help = match nearest(name, known()) {
                        _ if name.contains([',', ' ']) => {
                            let each = name.split([',', ' ']).filter(|one| !one.is_empty());
                            let list = each.collect::<Vec<_>>().join(", ");
                            format!("write a list: {}", quoted(&format!("needs: [{list}]")))
                        }
                        Some(near) => format!("did you mean {}?", quoted(near)),
                        None => format!("known jobs: {}", listed(known())),
                    };
                    findings.push(Diagnostic::new(what).at(document, name.span).help(help));
                }
            }
        }
        needs.push(found);
    }
    findings.extend(cycles(&needs).into_iter().map(|cycle| describe_cycle(document, jobs, &cycle)));
    if findings.is_empty() { Ok(needs) } else { Err(findings) }
}

fn describe_cycle(document: &Arc<Document>, jobs: &[CheckedJob], cycle: &[usize]) -> Diagnostic {
    let names: Vec<String> = cycle.iter().chain(&cycle[..1]).map(|&at| quoted(&jobs[at].id)).collect();
    let (first, second) = (&jobs[cycle[0]], &jobs[cycle[1 % cycle.len()]]);
    let what = if cycle.len() == 1 {
        format!("job {} needs itself", names[0])
    } else {
        format!("these jobs wait for each other: {}", names.join(" → "))
    };
    let mut entries = first.keys.needs.iter().flat_map(|needs| &needs.jobs);
    let span = entries.find(|name| name.value == second.id.value).map_or(first.span, |name| name.span);
    Diagnostic::new(what).at(document, span).help("remove one of the `needs`")
}

/// Fills in [`Task::needs`]. `ranges` says which tasks come from which job.
///
/// Tasks of a job on one source share their list, and so do all that wait for whole jobs.
///
/// # Errors
///
/// A job whose tasks wait for more tasks than a plan may hold.
pub(super) fn tasks(
    document: &Arc<Document>,
    jobs: &[CheckedJob],
    needs: &[Vec<usize>],
    ranges: &[Range<usize>],
    tasks: &mut [Task],
) -> Result<(), Diagnostic> {
    let mut edges = 0_usize;
    let by_source: Vec<HashMap<Option<TaskSource>, Vec<usize>>> = ranges
        .iter()
        .map(|range| {
            let mut map: HashMap<_, Vec<usize>> = HashMap::new();
            for at in range.clone() {
                map.entry(tasks[at].source.clone()).or_default().push(at);
            }
            map
        })
        .collect();
    for (job, range) in ranges.iter().enumerate().filter(|(job, _)| !needs[*job].is_empty()) {
        let mut lists: HashMap<Option<TaskSource>, Arc<[usize]>> = HashMap::new();
        let mut whole: Option<Arc<[usize]>> = None;
        for at in range.clone() {
            let source = tasks[at].source.clone();
            if let Some(list) = lists.get(&source) {
                tasks[at].needs = Arc::clone(list);
                continue;
            }
            let same_source = needs[job].iter().any(|&need| by_source[need].contains_key(&source));
            if let (Some(list), false) = (&whole, same_source) {
                tasks[at].needs = Arc::clone(list);
                continue;
            }
            let mut list: Vec<usize> = Vec::new();
            for &need in &needs[job] {
                match by_source[need].get(&source) {
                    Some(same) => list.extend(same),
                    None => list.extend(ranges[need].clone()),
                }
            }
            edges = edges.saturating_add(list.len());
            if edges > MAX_EDGES {
                let what = format!(
                    "the tasks of job {} wait for more than {MAX_EDGES} others",
                    quoted(&jobs[job].id)
                );
                let finding = Diagnostic::new(what).at(document, jobs[job].span);
                return Err(finding.help("let both jobs work on the same sources, or split the manifest"));
            }
            list.sort_unstable();
            let list: Arc<[usize]> = list.into();
            tasks[at].needs = Arc::clone(&list);
            if same_source {
                lists.insert(source, list);
            } else {
                whole = Some(list);
            }
        }
    }
    Ok(())
}

/// For each task the first one that `needs` join it with, directly or over others.
pub(super) fn joined(tasks: &[Task]) -> Vec<usize> {
    fn first(of: &mut [usize], mut at: usize) -> usize {
        while of[at] != at {
            of[at] = of[of[at]];
            at = of[at];
        }
        at
    }
    let mut of: Vec<usize> = (0..tasks.len()).collect();
    let mut join = |a: usize, b: usize| {
        let (a, b) = (first(&mut of, a), first(&mut of, b));
        of[a.max(b)] = a.min(b);
    };
    // Many tasks share a list.
    let mut known: HashSet<*const usize> = HashSet::new();
    for (at, task) in tasks.iter().enumerate().filter(|(_, task)| !task.needs.is_empty()) {
        let list = if known.insert(task.needs.as_ptr()) { &task.needs[..] } else { &task.needs[..1] };
        list.iter().for_each(|&need| join(at, need));
    }
    (0..tasks.len()).map(|at| first(&mut of, at)).collect()
}
