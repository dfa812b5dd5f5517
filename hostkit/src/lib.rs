//! hostkit
pub mod component;
pub mod registry;
pub mod private;
mod config;
mod error;
mod time;
pub use config::Secret;
pub use inventory;
