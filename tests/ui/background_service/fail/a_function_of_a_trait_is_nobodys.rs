trait Intake {
    #[hostkit::background_service]
    async fn run();
}

fn main() {}
