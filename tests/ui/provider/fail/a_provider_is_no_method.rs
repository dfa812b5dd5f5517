struct Greetings;

impl Greetings {
    #[hostkit::singleton]
    fn greeting(&self) -> String {
        String::new()
    }
}

fn main() {}
