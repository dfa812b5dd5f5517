#![allow(unused_imports)]

mod intake {
    #[hostkit::background_service]
    pub async fn intake() {}
}

use intake::intake;

fn main() {}
