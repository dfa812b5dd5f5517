async fn cleanup() {}

fn main() {
    hostkit::Host::empty().with::<cleanup>();
    drop(cleanup());
}
