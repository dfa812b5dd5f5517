//! What the macros leave behind: the user's item, the handle type, one registration.

pub(crate) mod background_service;
pub(crate) mod component;
pub(crate) mod health_check;
pub(crate) mod hook;
pub(crate) mod link;
pub(crate) mod main;
pub(crate) mod options;
pub(crate) mod periodic;
pub(crate) mod queued;

mod handle;
mod registered;
mod service;
