//! hostkit
pub mod component;
pub mod registry;
pub mod private;
mod error;
pub use inventory;
