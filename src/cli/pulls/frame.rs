//! The live table of `pulls list --watch` as lines of text: a pure function of what is known, the time and the terminal's size.

use anstyle::Style;
use foreign_text::{clip, clip_middle, line as neutral};
use jiff::Timestamp;

use super::render;
use crate::cli::console::{BOLD, CYAN, DIM, GREEN, YELLOW};
use crate::outcome::WaitsFor;
use crate::report::duration;
use crate::runner::KnownPull;

/// The widest stage, and the widest age.
const STAGE: usize = 17;
const AGE: usize = 7;
/// The longest name that nothing is cut out of for what stands behind it.
const NAME: usize = 48;
/// The shortest text behind a name that says something.
const SHORTEST: usize = 12;

/// When they were read, and when the next is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) read_at: Timestamp,
    /// None where nothing more is to be read.
    pub(super) due: Option<Timestamp>,
}

/// One string a line, none wider than the terminal. `pulls` are sorted; where they are too many, each group shows as many as
/// the others.
pub(super) fn frame(
    pulls: &[KnownPull],
    heading: &str,
    next: Next,
    now: Timestamp,
    (width, height): (usize, usize),
) -> Vec<String> {
    let width = width.max(20) - 1;
    let ago =
        |from: Timestamp, to: Timestamp| duration(to.duration_since(from).try_into().unwrap_or_default());
    let due = next.due.map_or_else(String::new, |due| format!(", next in {}", ago(now, due)));
    let mut lines = vec![
        format!("{BOLD}{}{BOLD:#}", clip(heading, width)),
        format!(
            "{DIM}{}{DIM:#}",
            clip(format!("read {} ago{due}; Ctrl-C ends this", ago(next.read_at, now)), width)
        ),
    ];
    let groups: Vec<&[KnownPull]> = render::groups(pulls).collect();
    let sizes: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let room = height.saturating_sub(lines.len() + 1);
    for (group, shown) in groups.iter().zip(rooms(&sizes, room)) {
        let Some(shown) = shown else { continue };
        let (style, name) = (style_of(&group[0]), render::heading(&group[0]));
        lines.push(format!("{style}{}{style:#}", clip(format!("{name}: {}", group.len()), width)));
        lines.extend(group[..shown].iter().map(|pull| line_of(pull, now, width)));
        if 0 < shown && shown < group.len() {
            lines.push(format!("{DIM}  … and {} more{DIM:#}", group.len() - shown));
        }
    }
    lines
}

/// How many of each group are shown in this many lines, of which each group needs one for its heading, and one for saying that
/// there are more; none where not even the heading has room.
fn rooms(sizes: &[usize], room: usize) -> Vec<Option<usize>> {
    let mut shown = vec![0; sizes.len()];
    let lines = |shown: &[usize]| -> usize {
        let of = |(size, shown): (&usize, &usize)| 1 + shown + usize::from(0 < *shown && shown < size);
        sizes.iter().zip(shown).map(of).sum()
    };
    // One more for each in turn, as long as that has room; a group that is shown whole needs no line for the rest.
    for more in 1..=sizes.iter().copied().max().unwrap_or(0) {
        for place in 0..sizes.len() {
            let before = shown[place];
            if before + 1 == more && more <= sizes[place] {
                shown[place] = more;
                if lines(&shown) > room {
                    shown[place] = before;
                }
            }
        }
        if shown.iter().all(|shown| *shown < more) {
            break;
        }
    }
    let has_room = |place: usize| if place < room { Some(shown[place]) } else { None };
    (0..sizes.len()).map(has_room).collect()
}

fn line_of(pull: &KnownPull, now: Timestamp, width: usize) -> String {
    let style = style_of(pull);
    let (stage, age) = match pull.status() {
        Some(status) => (status.stage.label(), render::ago(status.since, now)),
        None => ("not read", String::new()),
    };
    let note = pull.status().map_or_else(String::new, render::note);
    let behind = [neutral(&note), neutral(pull.followed.task.as_str())];
    let room = width.saturating_sub(2 + STAGE + 1 + AGE + 2);
    let name = clip_middle(render::name(pull), room.min(NAME));
    let mut free = room - name.chars().count();
    let mut line = format!("  {style}{stage:<STAGE$}{style:#} {DIM}{age:>AGE$}{DIM:#}  {name}");
    for text in behind.iter().filter(|text| !text.is_empty()) {
        let length = text.chars().count();
        if free >= 2 + length.min(SHORTEST) {
            let text = clip_middle(text.as_str(), free - 2);
            free -= 2 + text.chars().count();
            line.push_str(&format!("  {DIM}{text}{DIM:#}"));
        }
    }
    line
}

fn style_of(pull: &KnownPull) -> Style {
    match render::stage(pull).map(crate::outcome::Stage::waits_for) {
        Some(WaitsFor::Us) => GREEN,
        Some(WaitsFor::Person) => YELLOW,
        _ => CYAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_shows_as_many_as_the_others_where_there_are_too_many() {
        let shown =
            |sizes: &[usize], room| rooms(sizes, room).into_iter().map(Option::unwrap).collect::<Vec<_>>();
        assert_eq!(shown(&[2, 1], 24), [2, 1], "all have room");
        assert_eq!(shown(&[100, 100], 22), [9, 9]);
        assert_eq!(shown(&[100, 3, 100], 22), [7, 3, 7], "what one does not need goes to the others");
        assert_eq!(shown(&[2], 3), [2], "the line that says how many more is not needed");
        assert_eq!(shown(&[100, 100], 4), [1, 0], "a heading says how many there are");
        assert_eq!(rooms(&[5, 5, 5], 2), [Some(0), Some(0), None]);
        assert_eq!(rooms(&[], 2), []);
    }

    proptest::proptest! {
        #[test]
        fn never_more_than_there_is_room_for(
            sizes in proptest::collection::vec(1_usize..40, 0..8),
            room in 0_usize..60,
        ) {
            let rooms = rooms(&sizes, room);
            let lines = |(size, shown): (&usize, &Option<usize>)| {
                shown.map_or(0, |shown| 1 + shown + usize::from(0 < shown && shown < *size))
            };
            let used: usize = sizes.iter().zip(&rooms).map(lines).sum();
            proptest::prop_assert!(used <= room, "{rooms:?}");
            let fits = sizes.iter().map(|size| size + 1).sum::<usize>() <= room;
            let all = sizes.iter().zip(&rooms).all(|(size, shown)| *shown == Some(*size));
            proptest::prop_assert!(!fits || all, "{rooms:?}");
        }
    }
}
