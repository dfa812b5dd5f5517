//! Every attribute of hostkit in a crate that forbids whatever it can, with the dependency under another name.
//!
//! `cargo clippy -p ui-strict -- -D warnings` is the test: what an expansion contains must trip no lint. Lints that this
//! file's own code would trip are not here, nor is `non_upper_case_globals`, which `inventory` allows in what it adds.
#![no_implicit_prelude]
#![deny(warnings)]
#![forbid(
    future_incompatible,
    let_underscore,
    refining_impl_trait,
    rust_2018_compatibility,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    unused,
    unsafe_code
)]
#![forbid(
    absolute_paths_not_starting_with_crate,
    ambiguous_negative_literals,
    closure_returning_async_block,
    deprecated_in_future,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    ffi_unwind_calls,
    impl_trait_redundant_captures,
    keyword_idents,
    macro_use_extern_crate,
    meta_variable_misuse,
    missing_abi,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    non_camel_case_types,
    non_snake_case,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![forbid(clippy::all, clippy::pedantic, clippy::nursery)]
#![forbid(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::clone_on_ref_ptr,
    clippy::create_dir,
    clippy::dbg_macro,
    clippy::default_numeric_fallback,
    clippy::disallowed_script_idents,
    clippy::else_if_without_else,
    clippy::empty_structs_with_brackets,
    clippy::exit,
    clippy::expect_used,
    clippy::get_unwrap,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::let_underscore_untyped,
    clippy::map_err_ignore,
    clippy::mem_forget,
    clippy::min_ident_chars,
    clippy::missing_assert_message,
    clippy::mod_module_files,
    clippy::module_name_repetitions,
    clippy::multiple_inherent_impl,
    clippy::multiple_unsafe_ops_per_block,
    clippy::non_ascii_literal,
    clippy::panic,
    clippy::panic_in_result_fn,
    clippy::partial_pub_fields,
    clippy::pathbuf_init_then_push,
    clippy::pattern_type_mismatch,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::pub_use,
    clippy::pub_without_shorthand,
    clippy::redundant_type_annotations,
    clippy::ref_patterns,
    clippy::rest_pat_in_fully_bound_structs,
    clippy::same_name_method,
    clippy::semicolon_inside_block,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::shadow_unrelated,
    clippy::single_char_lifetime_names,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::str_to_string,
    clippy::todo,
    clippy::try_err,
    clippy::undocumented_unsafe_blocks,
    clippy::unimplemented,
    clippy::unnecessary_self_imports,
    clippy::unneeded_field_pattern,
    clippy::unreachable,
    clippy::unseparated_literal_suffix,
    clippy::unused_result_ok,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    clippy::use_debug,
    clippy::verbose_file_reads
)]

extern crate alloc;

use ::alloc::borrow::ToOwned as _;
use ::alloc::string::String;
use ::alloc::sync::Arc;
use ::alloc::vec::Vec;
use ::core::result::Result::{self, Err, Ok};

use ::host::{BoxFuture, CancellationToken, Ext, Outcome, Queue, Scopes, Tick};
use ::serde::{Deserialize, Deserializer};

/// Where the orders lie.
#[::host::options("database", validate = Self::faults, crate = "::host")]
#[derive(Debug)]
pub struct DatabaseOptions {
    /// Its address.
    url: String,
}

// By hand, because what serde derives allows some of the lints.
impl<'de> Deserialize<'de> for DatabaseOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|url| Self { url })
    }
}

impl DatabaseOptions {
    fn faults(&self) -> Vec<String> {
        if self.url.is_empty() { ::alloc::vec!["`url` is empty".to_owned()] } else { Vec::new() }
    }
}

const fn seen<T>(_: &T) {}

/// A trait that is asked for.
pub trait Store: ::core::marker::Send + ::core::marker::Sync {
    /// Saves one order.
    fn save(&self, order: i64) -> BoxFuture<'_, ()>;
}

/// From fields.
#[::host::singleton(as = dyn Store, default, crate = "::host")]
#[derive(Debug)]
pub struct Memory {
    options: Arc<DatabaseOptions>,
    #[inject(default)]
    count: usize,
}

impl Store for Memory {
    fn save(&self, order: i64) -> BoxFuture<'_, ()> {
        ::alloc::boxed::Box::pin(async move {
            seen(&(order, self.count, &self.options));
        })
    }
}

/// With a constructor and a disposal.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unit {
    /// What it belongs to.
    pub greeting: Ext<String>,
}

#[::host::scoped(crate = "::host", timeout = "5s")]
impl Unit {
    async fn new(#[key("eu")] greeting: Ext<String>, store: &dyn Store) -> Result<Self, ::core::fmt::Error> {
        store.save(0_i64).await;
        Ok(Self { greeting })
    }

    async fn dispose(self, outcome: Outcome) -> Result<(), ::core::fmt::Error> {
        ::core::future::ready(()).await;
        seen(&self.greeting);
        match outcome {
            Outcome::Succeeded => Ok(()),
            _ => Err(::core::fmt::Error),
        }
    }
}

/// Generic.
#[::host::transient(crate = "::host")]
#[derive(Debug)]
pub struct Holder<T> {
    /// What it holds.
    pub inner: Arc<T>,
}

/// A foreign type.
#[::host::singleton(crate = "::host", key = "eu")]
async fn greeting(options: &DatabaseOptions) -> Result<String, ::core::fmt::Error> {
    ::core::future::ready(()).await;
    Ok(options.url.as_str().to_owned())
}

/// Another one, without a key.
#[::host::singleton(crate = "::host")]
#[must_use]
pub fn farewell(#[key("eu")] hello: Ext<String>) -> Arc<String> {
    hello.into_arc()
}

/// Runs for a while.
///
/// # Errors
/// Fails never.
#[::host::background_service(crate = "::host", on_failure = "restart", backoff = "1s..1m", after = [migrate])]
pub async fn intake(
    orders: Queue<process>,
    units: Scopes<Unit>,
    stop: CancellationToken,
) -> Result<(), ::core::fmt::Error> {
    seen(&(orders, units));
    stop.cancelled().await;
    Ok(())
}

#[::host::background_service(crate = "::host", handle = Forever)]
async fn forever() -> ! {
    ::core::future::pending().await
}

/// Works off orders.
#[::host::queued(crate = "::host", capacity = 10, concurrency = 2)]
pub async fn process(order: i64, unit: &Unit, buffer: &mut Holder<Unit>) {
    seen(&(order, &unit.greeting, &buffer.inner.greeting));
    ::core::future::ready(()).await;
}

/// Blocks.
#[::host::queued(crate = "::host", blocking = true)]
pub fn compute(mut order: i64, unit: &Unit) {
    order = order.saturating_add(if unit.greeting.is_empty() { 3_i64 } else { 7_i64 });
    seen(&order);
}

#[::host::periodic(crate = "::host", every = "1h", run_at_start = true)]
async fn cleanup(memory: &Memory, tick: Tick) {
    memory.save(1_i64).await;
    seen(&tick);
}

/// Comes first.
#[::host::on_start(crate = "::host", timeout = "5s")]
pub async fn migrate() {
    ::core::future::ready(()).await;
}
