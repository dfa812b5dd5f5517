use hostkit::Enqueue;

fn main() {
    let _ = Enqueue::new().delay(5);
}
