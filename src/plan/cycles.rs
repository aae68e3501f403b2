//! Circles of things that wait for each other.

/// The cycles met by a depth-first walk: each names its jobs in the order of waiting.
pub(super) fn cycles(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; needs.len()];
    let mut cycles = Vec::new();
    for start in 0..needs.len() {
        if marks[start] != Mark::New {
            continue;
        }
        // A stack of our own: a chain of a hundred thousand jobs must not overflow the thread's.
        let mut path = vec![(start, 0)];
        marks[start] = Mark::Open;
        while let Some((at, next)) = path.last_mut() {
            let Some(&need) = needs[*at].get(*next) else {
                marks[*at] = Mark::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match marks[need] {
                Mark::New => {
                    marks[need] = Mark::Open;
                    path.push((need, 0));
                }
                Mark::Open => {
                    let from = path.iter().position(|&(at, _)| at == need).unwrap_or(0);
                    cycles.push(path[from..].iter().map(|&(at, _)| at).collect());
                }
                Mark::Done => {}
            }
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::cycles;

    #[test]
    fn cycles_are_named_in_the_order_of_waiting() {
        assert_eq!(cycles(&[vec![1], vec![2], vec![]]), Vec::<Vec<usize>>::new());
        assert_eq!(cycles(&[vec![1], vec![2], vec![1]]), [[1, 2]]);
        assert_eq!(cycles(&[vec![0]]), [[0]]);
    }

    #[test]
    fn a_long_chain_does_not_overflow() {
        let chain: Vec<Vec<usize>> =
            (0..100_000).map(|n| if n == 0 { vec![] } else { vec![n - 1] }).rev().collect();
        assert!(cycles(&chain).len() <= chain.len());
    }
}
