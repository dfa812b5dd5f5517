//! The order that `after` asks for.

use std::collections::BTreeMap;

/// A cycle: the indices along it, the first one repeated at the end.
pub(super) type Cycle = Vec<usize>;

/// Sorts the items so that each stands behind those it is after, otherwise keeping their order.
///
/// # Errors
/// Returns a cycle if there is one.
pub(super) fn sorted(after: &[Vec<usize>]) -> Result<Vec<usize>, Cycle> {
    let mut order = Vec::with_capacity(after.len());
    let mut marks = vec![Mark::New; after.len()];
    for start in 0..after.len() {
        visit(start, after, &mut marks, &mut Vec::new(), &mut order)?;
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Done,
}

fn visit(
    item: usize,
    after: &[Vec<usize>],
    marks: &mut [Mark],
    path: &mut Vec<usize>,
    order: &mut Vec<usize>,
) -> Result<(), Cycle> {
    if let Some(start) = path.iter().position(|on_path| *on_path == item) {
        return Err(path[start..].iter().chain([&item]).copied().collect());
    }
    if marks[item] == Mark::Done {
        return Ok(());
    }
    path.push(item);
    for predecessor in &after[item] {
        visit(*predecessor, after, marks, path, order)?;
    }
    path.pop();
    marks[item] = Mark::Done;
    order.push(item);
    Ok(())
}

/// For each service, those that must have ended before it is stopped.
///
/// Whoever is after it ends first. Queues also wait for the workers, which may still enqueue, except for the workers
/// that some queue is itself after: what is written in `after` wins.
pub(super) fn stop_after(after: &[Vec<usize>], is_queue: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut waits: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (service, predecessors) in after.iter().enumerate() {
        for predecessor in predecessors {
            waits.entry(*predecessor).or_default().push(service);
        }
    }
    let mut late = vec![false; after.len()];
    let mut open: Vec<usize> = (0..after.len()).filter(|service| is_queue(*service)).collect();
    while let Some(service) = open.pop() {
        for predecessor in &after[service] {
            if !std::mem::replace(&mut late[*predecessor], true) {
                open.push(*predecessor);
            }
        }
    }
    let early: Vec<usize> = (0..after.len()).filter(|service| !is_queue(*service) && !late[*service]).collect();
    (0..after.len())
        .map(|service| {
            let mut waits = waits.remove(&service).unwrap_or_default();
            if is_queue(service) {
                waits.extend(&early);
            }
            waits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{sorted, stop_after};

    #[test]
    fn predecessors_come_first_and_a_cycle_is_shown_whole() {
        assert_eq!(sorted(&[vec![2], vec![], vec![1]]), Ok(vec![1, 2, 0]));
        assert_eq!(sorted(&[vec![1], vec![2], vec![1]]), Err(vec![1, 2, 1]));
        assert_eq!(sorted(&[vec![0]]), Err(vec![0, 0]));
    }

    #[test]
    fn queues_stop_after_the_workers_unless_after_says_otherwise() {
        // 0 is a worker, 1 a queue, 2 a worker that the queue is after.
        let waits = stop_after(&[vec![], vec![2], vec![]], |service| service == 1);
        assert_eq!(waits, [vec![], vec![0], vec![1]]);
    }
}
