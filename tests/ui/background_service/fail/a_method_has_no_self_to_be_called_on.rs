struct Intake;

impl Intake {
    #[hostkit::background_service]
    async fn run(&self) {}
}

fn main() {}
