#[hostkit::transient]
fn greeting(limit: usize) -> String {
    "a".repeat(limit)
}

fn main() {}
