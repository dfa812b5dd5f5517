//! What an item must look like; every mistake is reported on the tokens that make it.

pub(crate) mod component;
pub(crate) mod main;
pub(crate) mod options;
mod parameters;
pub(crate) mod service;
pub(crate) mod shape;
