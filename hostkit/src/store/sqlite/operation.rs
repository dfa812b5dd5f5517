//! What the writer does for others: something to do in a transaction, and somebody who waits for the answer.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::StoreError;
use super::super::error::ErrorKind;
use super::batch::Batch;

/// Something to do in a transaction that may be shared with others.
pub(super) trait Operation: Send {
    /// How many jobs it is about, roughly.
    fn weight(&self) -> usize;

    /// Does it. If the transaction comes to nothing it may be called again in another.
    fn apply(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()>;

    /// Tells whoever waits. If nobody does any more, there may be something to do about that.
    fn answer(self: Box<Self>, outcome: Result<(), &Fault>) -> Option<Box<dyn Operation>>;
}

/// Why a transaction came to nothing, for everybody in it.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: ErrorKind,
    /// Whether it came to nothing is not known.
    pub(super) is_unknown: bool,
    pub(super) source: Option<Arc<rusqlite::Error>>,
}

impl Fault {
    pub(super) fn error(&self, operation: &'static str) -> StoreError {
        let mut error = StoreError::new(operation, self.kind);
        if self.is_unknown {
            error = error.unknown();
        }
        match &self.source {
            Some(source) => error.because(Arc::clone(source)),
            None => error,
        }
    }
}

/// What an answer needs when nobody hears it.
type Unheard<T> = fn(T) -> Option<Box<dyn Operation>>;

/// An operation that is a closure.
pub(super) struct Call<T, F> {
    name: &'static str,
    weight: usize,
    work: F,
    value: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
    unheard: Unheard<T>,
}

impl<T, F> Call<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
{
    pub(super) fn boxed(
        name: &'static str,
        weight: usize,
        work: F,
        unheard: Unheard<T>,
    ) -> (Box<dyn Operation>, oneshot::Receiver<Result<T, StoreError>>) {
        let (answer, answered) = oneshot::channel();
        (Box::new(Self { name, weight, work, value: None, answer, unheard }), answered)
    }
}

impl<T, F> Operation for Call<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
{
    fn weight(&self) -> usize {
        self.weight
    }

    fn apply(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        self.value = Some((self.work)(batch)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), &Fault>) -> Option<Box<dyn Operation>> {
        let answer = match (outcome, self.value) {
            (Err(fault), _) => Err(fault.error(self.name)),
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(StoreError::new(self.name, ErrorKind::Internal)),
        };
        match self.answer.send(answer) {
            Err(Ok(value)) => (self.unheard)(value),
            _ => None,
        }
    }
}
