#[hostkit::singleton]
fn greeting() -> String {
    std::future::ready(String::new()).await
}

fn main() {}
