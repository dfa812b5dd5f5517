use ui_support::{Passing, Plain};

#[hostkit::periodic(every = "1h")]
async fn report(plain: &Passing<Plain>) {
    let _ = plain;
}

fn main() {}
