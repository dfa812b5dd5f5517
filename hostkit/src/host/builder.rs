//! What a host is built from, collected value by value.

use std::any::TypeId;
use std::path::PathBuf;
use std::sync::Arc;

use super::build::build;
use super::{BuildError, Host, ProcessOwner};
use crate::component::{Replacement, ReplacementFor, Shareable, Supplied};
use crate::config::Sources;
use crate::function::{Handle, Item};
use crate::registry::{Registration, registered};
use crate::runner::Probe;
use crate::time::Clock;

/// Collects what a host is made of. Made by [`Host::builder`] and [`Host::empty`].
///
/// Its methods change it in place and return it, so that they can be chained or called one by one, as a function under
/// `#[hostkit::program]` does.
#[derive(Default)]
pub struct HostBuilder {
    pub(super) registrations: Vec<Registration>,
    pub(super) sources: Sources,
    pub(super) supplied: Vec<Supplied>,
    pub(super) replacements: Vec<Replacement>,
    pub(super) renamed: Vec<(TypeId, String)>,
    pub(super) only: Option<Vec<String>>,
    pub(super) except: Vec<String>,
    pub(crate) owner: ProcessOwner,
    /// What the host goes by, if that is not the machine's clock.
    pub(crate) clock: Option<Clock>,
    /// Who looks on.
    pub(crate) probe: Probe,
    /// What a test has asked for.
    #[cfg(feature = "testing")]
    pub(crate) arranged: crate::testing::Arranged,
}

impl std::fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostBuilder").field("registrations", &self.registrations.len()).finish_non_exhaustive()
    }
}

impl HostBuilder {
    pub(super) fn new(everything: bool) -> Self {
        let registrations = if everything { registered() } else { Vec::new() };
        Self { registrations, sources: Sources::of_process(), ..Self::default() }
    }

    /// Adds one annotated function, hook, provider or component by its name.
    ///
    /// Concrete components that it asks for join by themselves; those behind a trait or an [`Ext`](crate::Ext) need to
    /// be named, too.
    pub fn with<X: Item>(&mut self) -> &mut Self {
        self.registrations.push(X::REGISTRATION);
        self
    }

    /// Gives a function another name in this host, for two libraries that use the same one.
    pub fn rename<F: Handle>(&mut self, name: impl Into<String>) -> &mut Self {
        self.renamed.push((TypeId::of::<F>(), name.into()));
        self
    }

    /// The name of the environment; without it `HOSTKIT_ENV` decides, and without that it is `production`.
    pub fn environment(&mut self, name: impl Into<String>) -> &mut Self {
        self.sources.environment = Some(name.into());
        self
    }

    /// Reads this file in the place of `hostkit.toml`, and the one of the environment beside it. It must exist.
    pub fn config_file(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.sources.files.push(path.into());
        self
    }

    /// Sets one value, above files and environment variables and below `--set`. The key is dotted:
    /// `periodic.cleanup.every`; the value is TOML or else text.
    #[allow(clippy::needless_pass_by_value, reason = "numbers and texts are given as they are")]
    pub fn set(&mut self, key: impl Into<String>, value: impl ToString) -> &mut Self {
        self.sources.code.push((key.into(), value.to_string()));
        self
    }

    /// Provides a value of a foreign type to whoever asks for an [`Ext<T>`](crate::Ext).
    pub fn provide<T: Shareable>(&mut self, value: T) -> &mut Self {
        self.supplied.push(Supplied::foreign(value));
        self
    }

    /// Provides a trait object to whoever asks for `&dyn Trait` or `Arc<dyn Trait>`.
    pub fn provide_as<D: ?Sized + Shareable>(&mut self, value: Arc<D>) -> &mut Self {
        self.supplied.push(Supplied::dynamic(value));
        self
    }

    /// Puts something else in the place of what provides `T`: an `Arc<dyn Trait>` for a trait, a function that makes
    /// one for a component, an [`Ext`](crate::Ext) for what a provider function makes. Meant for tests.
    pub fn replace<T: ?Sized>(&mut self, with: impl ReplacementFor<T>) -> &mut Self {
        self.replacements.push(Replacement::new::<T>(with));
        self
    }

    /// Puts something else in the place of what provides `T` with this key. Without such a provider the host cannot be
    /// built.
    pub fn replace_keyed<T: ?Sized>(&mut self, key: &'static str, with: impl ReplacementFor<T>) -> &mut Self {
        self.replacements.push(Replacement::new::<T>(with).with_key(key));
        self
    }

    /// Runs these services and no others. Hooks run all the same. A name that no service has is an error.
    pub fn only<S: Into<String>>(&mut self, names: impl IntoIterator<Item = S>) -> &mut Self {
        self.only.get_or_insert_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// Leaves these services or hooks out. A name that nothing has is an error.
    pub fn except<S: Into<String>>(&mut self, names: impl IntoIterator<Item = S>) -> &mut Self {
        self.except.extend(names.into_iter().map(Into::into));
        self
    }

    /// Runs these services and no others, whatever was said before.
    #[cfg(feature = "cli")]
    pub(crate) fn only_these(&mut self, names: Vec<String>) {
        self.only = Some(names);
    }

    /// What is registered so far, without building anything.
    #[cfg(feature = "cli")]
    pub(crate) fn registered(&self) -> super::Registered {
        super::Registered::sort(self.registrations.clone(), &self.renamed)
    }

    /// What the configuration says of the store, without building anything.
    #[cfg(all(feature = "cli", feature = "durable"))]
    pub(crate) fn store_options(&self) -> Result<crate::config::StoreOptions, BuildError> {
        super::build::store_options(self)
    }

    pub(crate) fn sources(&mut self) -> &mut Sources {
        &mut self.sources
    }

    /// Reads, binds and checks everything. Calls no constructor, opens no connection, starts no task.
    ///
    /// The builder is empty afterwards.
    ///
    /// # Errors
    /// Fails with every fault at once: configuration, wiring, names.
    pub async fn build(&mut self) -> Result<Host, BuildError> {
        build(std::mem::take(self))
    }
}
