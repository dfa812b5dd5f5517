use ui_support::Draft;

#[hostkit::periodic(every = "1h")]
async fn report(draft: Box<Draft>) {
    drop(draft);
}

fn main() {}
