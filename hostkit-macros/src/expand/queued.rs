//! `#[queued]`

use proc_macro2::TokenStream;

use super::service::{self, Role};
use crate::args::table::QUEUED;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(Role::Queued, &QUEUED, args, item, |_, _| {})
}
