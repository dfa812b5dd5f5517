//! What user code holds: a foreign type, every provider of a trait, a component built on first use.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::plan::InjectError;
use super::recipe::Built;
use super::shared::LazySource;

/// A foreign type: made by a `fn` provider or handed to the builder with
/// [`provide`](crate::HostBuilder::provide). Dereferences to `T`; cloning it clones a reference.
pub struct Ext<T>(pub(crate) Arc<T>);

impl<T> Ext<T> {
    /// Wraps a value, for a test that calls a constructor by hand.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// The shared value itself.
    pub fn into_arc(self) -> Arc<T> {
        self.0
    }
}

impl<T> Clone for Ext<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Ext<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Ext<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ext").field(&self.0).finish()
    }
}

/// Every provider of a trait, ordered by the providers' type paths. Dereferences to a slice.
pub struct All<T: ?Sized>(pub(crate) Arc<[Arc<T>]>);

impl<T: ?Sized> All<T> {
    /// Wraps providers, for a test that calls a constructor by hand.
    pub fn new(providers: impl IntoIterator<Item = Arc<T>>) -> Self {
        Self(providers.into_iter().collect())
    }
}

impl<T: ?Sized> Clone for All<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for All<T> {
    type Target = [Arc<T>];

    fn deref(&self) -> &[Arc<T>] {
        &self.0
    }
}

impl<'a, T: ?Sized> IntoIterator for &'a All<T> {
    type Item = &'a Arc<T>;
    type IntoIter = std::slice::Iter<'a, Arc<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: ?Sized> fmt::Debug for All<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("All").field("count", &self.0.len()).finish()
    }
}

/// A component that is built when it is first needed, once per scope of its owner.
///
/// Inside a singleton it is a singleton. It counts as a dependency like any other, so cycles and captive dependencies
/// through it are found, too.
pub struct Lazy<T: ?Sized> {
    source: LazySource,
    unpack: fn(&LazySource, Built) -> Option<Arc<T>>,
    cell: OnceCell<Arc<T>>,
}

impl<T: ?Sized> Lazy<T> {
    pub(crate) fn new(source: LazySource, unpack: fn(&LazySource, Built) -> Option<Arc<T>>) -> Self {
        Self { source, unpack, cell: OnceCell::new() }
    }

    /// Wraps a value, for a test that calls a constructor by hand.
    pub fn ready(value: Arc<T>) -> Self {
        Self { source: LazySource::Ready, unpack: |_, _| None, cell: OnceCell::new_with(Some(value)) }
    }

    /// The component, built now unless it already was.
    ///
    /// # Errors
    /// Fails when its constructor, or one that it needs, fails, and when the scope of its owner has been closed. A
    /// failure is not remembered: the next call tries again.
    ///
    /// # Cancel safety
    /// Cancelling abandons the construction; the next call starts it anew.
    pub async fn get(&self) -> Result<&T, InjectError> {
        let shared = self
            .cell
            .get_or_try_init(|| async {
                let built = self.source.build().await?;
                (self.unpack)(&self.source, built).ok_or_else(InjectError::wrong_type)
            })
            .await?;
        Ok(shared)
    }
}

impl<T: ?Sized> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy").field("built", &self.cell.initialized()).finish_non_exhaustive()
    }
}
