//! stub
/// x
#[derive(Debug, Default)]
pub struct Configuration {}
