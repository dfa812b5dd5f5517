//! What holds in every home, each as a sentence.

mod claim;
mod enqueue;
mod finish;
mod manage;
mod owner;
