use hostkit::Tick;

#[hostkit::scoped]
struct Orders {
    tick: Tick,
}

fn main() {}
