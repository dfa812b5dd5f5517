//! `#[background_service]`

use proc_macro2::TokenStream;

use super::service::{self, Role};
use crate::args::table::BACKGROUND_SERVICE;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(Role::Background, &BACKGROUND_SERVICE, args, item, |_, _| {})
}
