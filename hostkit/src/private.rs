//! x
/// k
#[derive(Debug)]
pub enum Kind {}
