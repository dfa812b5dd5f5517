//! What expansions may name, and nothing else: every name here is part of the contract between the two crates.

pub use core::any::TypeId;
pub use core::future::Future;
pub use core::marker::Send;
pub use core::module_path;
pub use core::option::Option::{None, Some};
pub use core::result::Result::{Err, Ok};
pub use std::boxed::Box;
pub use std::process::ExitCode;
pub use std::string::String;
pub use std::sync::Arc;
pub use std::vec::Vec;

pub use futures_util::future::BoxFuture;

pub use crate::__linked as linked;
pub use crate::__submit as submit;
pub use crate::component::{
    AllBound, Arity, Asked, Asking, Binder, Binding, Bound, BoundDyn, ByName, Cast, Construct, Constructed,
    Declared as Component, Edge, Field, Frame, Given, LazyBound, LazyDyn, Lent, LentDyn, Lifetime, Made, Maybe, Named,
    Need, Node, NodePtr, Outcome, Owner, Provided, Recipe, Replacement, Shareable, SharedDyn, Take, Taken, TypeKey,
    Untyped, Want, check, kind, made,
};
pub use crate::config::{Validate, problems};
pub use crate::error::BoxError;
#[cfg(feature = "durable")]
pub use crate::function::Durable;
pub use crate::function::{
    Call, Callable, Codec, Coding, CopyOf, Copying, Ended, HandOver, Handle, InProcess, IntoEnded, Item, Key, Keying,
    LineOf, Payloads, Queued, ReceiptOf, Storable, Taker, Uncopied, Work, codec, ended, ending, hand_over, handle_of,
    key, role,
};
pub use crate::program::{Flavor, Program, Runtime, Setup, check_wiring, main};
#[cfg(feature = "durable")]
pub use crate::queue::{Answered, IntoAnswer, Storage, answer};
pub use crate::queue::{Channel, Line};
pub use crate::registry::{After, Registration, ServiceEntry, Setting, Source, here, register};
pub use crate::runner::{Kind, Stage};
pub use crate::tasks::blocking;
