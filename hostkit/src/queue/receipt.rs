//! What whoever enqueues is told.

/// A queue's answer to a payload that it did not refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receipt(Answer);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answer {
    Accepted,
    Dropped,
}

impl Receipt {
    pub(super) const ACCEPTED: Self = Self(Answer::Accepted);
    pub(super) const DROPPED: Self = Self(Answer::Dropped);

    /// Whether the payload was dropped because the queue was full, which happens with `full = "drop-newest"` only.
    pub const fn is_dropped(self) -> bool {
        matches!(self.0, Answer::Dropped)
    }
}
