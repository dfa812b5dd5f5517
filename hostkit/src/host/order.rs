//! The order that `after` asks for.

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

/// Who must have ended before a service is told to stop.
///
/// Whoever is after it ends first. Queues also wait for the workers, which may still enqueue, except for the workers
/// that some queue is itself after: what is written in `after` wins.
#[derive(Debug)]
pub(super) struct StopOrder {
    after: Vec<Vec<usize>>,
    /// How many a service still waits for; all early workers together count as one.
    waits: Vec<usize>,
    queues: Vec<usize>,
    /// Workers that the queues wait for.
    is_early: Vec<bool>,
    early_left: usize,
}

impl StopOrder {
    pub(super) fn of(after: Vec<Vec<usize>>, is_queue: impl Fn(usize) -> bool) -> Self {
        let queues: Vec<_> = (0..after.len()).filter(|service| is_queue(*service)).collect();
        let mut late = vec![false; after.len()];
        let mut open = queues.clone();
        while let Some(service) = open.pop() {
            for predecessor in &after[service] {
                if !std::mem::replace(&mut late[*predecessor], true) {
                    open.push(*predecessor);
                }
            }
        }
        let is_early: Vec<_> = (0..after.len()).map(|service| !is_queue(service) && !late[service]).collect();
        let early_left = is_early.iter().filter(|early| **early).count();
        let mut waits = vec![0; after.len()];
        for predecessor in after.iter().flatten() {
            waits[*predecessor] += 1;
        }
        if early_left > 0 {
            for queue in &queues {
                waits[*queue] += 1;
            }
        }
        Self { after, waits, queues, is_early, early_left }
    }

    /// Whether nothing has to end, or nothing has to end any more, before this service.
    pub(super) fn is_free(&self, service: usize) -> bool {
        self.waits[service] == 0
    }

    /// A service has ended; calls `freed` with each that nothing holds up any more.
    pub(super) fn ended(&mut self, service: usize, mut freed: impl FnMut(usize)) {
        let Self { after, waits, queues, is_early, early_left } = self;
        let mut release = |service: usize| {
            waits[service] -= 1;
            if waits[service] == 0 {
                freed(service);
            }
        };
        after[service].iter().copied().for_each(&mut release);
        if is_early[service] {
            *early_left -= 1;
            if *early_left == 0 {
                queues.iter().copied().for_each(&mut release);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{StopOrder, sorted};

    #[test]
    fn predecessors_come_first_and_a_cycle_is_shown_whole() {
        assert_eq!(sorted(&[vec![2], vec![], vec![1]]), Ok(vec![1, 2, 0]));
        assert_eq!(sorted(&[vec![1], vec![2], vec![1]]), Err(vec![1, 2, 1]));
        assert_eq!(sorted(&[vec![0]]), Err(vec![0, 0]));
    }

    /// Ends whatever is free, in waves.
    fn waves(after: &[Vec<usize>], is_queue: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let mut order = StopOrder::of(after.to_vec(), is_queue);
        let mut wave: Vec<_> = (0..after.len()).filter(|service| order.is_free(*service)).collect();
        let mut waves = Vec::new();
        while !wave.is_empty() {
            let mut next = Vec::new();
            for service in &wave {
                order.ended(*service, |freed| next.push(freed));
            }
            next.sort_unstable();
            waves.push(std::mem::replace(&mut wave, next));
        }
        waves
    }

    #[test]
    fn queues_stop_after_the_workers_unless_after_says_otherwise() {
        // 0 is a worker, 1 a queue, 2 a worker that the queue is after.
        assert_eq!(waves(&[vec![], vec![2], vec![]], |service| service == 1), [[0], [1], [2]]);
        // Without an early worker nothing holds up a queue, and whoever a late worker is after is late as well.
        assert_eq!(waves(&[vec![1], vec![2], vec![]], |service| service == 0), [[0], [1], [2]]);
    }

    #[test]
    fn a_service_stops_when_all_that_are_after_it_have() {
        assert_eq!(waves(&[vec![], vec![0], vec![0, 1], vec![]], |_| false), [vec![2, 3], vec![1], vec![0]]);
    }
}
