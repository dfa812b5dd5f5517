// 7 errors: at each place.
use std::cell::Cell;

use hostkit::Ext;

#[hostkit::periodic(every = "1h")]
async fn report(count: Ext<Cell<u32>>) {
    let _ = count;
}

fn main() {}
