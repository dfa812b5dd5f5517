//! Where durable jobs are kept: section `[store]`.

use super::Configuration;
#[cfg(feature = "durable")]
pub(crate) use options::StoreOptions;

use crate::error::Problem;

impl Configuration {
    /// The `[store]` section.
    #[cfg(feature = "durable")]
    pub(crate) fn store_options(&self) -> (StoreOptions, Vec<Problem>) {
        StoreOptions::read(self.own("store"))
    }

    /// Whether anybody says where jobs are kept.
    #[cfg(all(feature = "durable", feature = "testing"))]
    pub(crate) fn names_store(&self) -> bool {
        let section = self.root.get("store").and_then(super::tree::Node::table);
        section.is_some_and(|section| section.get("url").is_some())
    }

    /// What is said of a `[store]` section by a program that has no stores.
    #[cfg(not(feature = "durable"))]
    pub(crate) fn store_refused(&self) -> Option<Problem> {
        let node = self.root.get("store")?;
        let problem = Problem::new("section [store] is about durable jobs, and this program was built without them");
        let places = node.table().into_iter().flat_map(super::tree::Table::iter);
        let mut places = places.map(|(key, node)| format!("`{key}` {}", node.origin.detail())).peekable();
        let problem = match places.peek() {
            Some(_) => places.fold(problem, Problem::at),
            None => problem.at(node.origin.detail()),
        };
        Some(problem.help(
            "add the feature `sqlite`, or `durable` for `memory://` alone, to hostkit in its Cargo.toml, or remove the section",
        ))
    }
}

#[cfg(feature = "durable")]
mod options {
    use std::time::Duration;

    use crate::config::{Settings, secret};
    use crate::error::Problem;
    use crate::store::StoreUrl;
    use crate::time::show_duration;

    /// With a shorter lease a moment in which the machine stands still would be a death, and with a longer one a death
    /// would be noticed when nobody waits for it any more.
    const SHORTEST_LEASE: Duration = Duration::from_secs(1);
    const LONGEST_LEASE: Duration = Duration::from_hours(1);

    /// Section `[store]`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct StoreOptions {
        /// Which store.
        pub(crate) url: StoreUrl,
        /// How long a process that runs jobs may be silent before they are given to others.
        pub(crate) lease: Duration,
    }

    impl Default for StoreOptions {
        fn default() -> Self {
            Self { url: StoreUrl::unnamed(), lease: Duration::from_mins(1) }
        }
    }

    impl StoreOptions {
        pub(super) fn read(mut settings: Settings) -> (Self, Vec<Problem>) {
            let default = Self::default();
            let options = Self {
                url: url(&mut settings).unwrap_or(default.url),
                lease: lease(&mut settings).unwrap_or(default.lease),
            };
            (options, settings.finish(&[]))
        }
    }

    #[cfg(feature = "testing")]
    impl StoreOptions {
        /// The same, and nothing outlives the process.
        pub(crate) fn in_memory(self) -> Self {
            Self { url: StoreUrl::memory(), ..self }
        }
    }

    fn url(settings: &mut Settings) -> Option<StoreUrl> {
        match StoreUrl::parse(&settings.text("url")?) {
            Ok(url) => Some(url),
            Err(error) => {
                settings.refuse("url", "names no store", secret::mask(&error.to_string()));
                None
            }
        }
    }

    fn lease(settings: &mut Settings) -> Option<Duration> {
        let lease = settings.duration("lease")?;
        if (SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease) {
            return Some(lease);
        }
        let (shortest, longest) = (show_duration(SHORTEST_LEASE), show_duration(LONGEST_LEASE));
        settings.refuse(
            "lease",
            &format!("is not between {shortest} and {longest}"),
            "a death is noticed at once where the store can, and else after this time; \"60s\" suits most programs",
        );
        None
    }
}
