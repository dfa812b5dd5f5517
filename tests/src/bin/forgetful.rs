//! A program that links a crate in which nothing is annotated.

#[hostkit::background_service]
async fn idle() {}

hostkit::main!(link(serde, self = none));
