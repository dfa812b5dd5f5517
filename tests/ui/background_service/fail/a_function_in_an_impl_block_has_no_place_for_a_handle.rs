// 4 errors: the attribute cannot see where it stands.
struct Intake;

impl Intake {
    #[hostkit::background_service]
    async fn run() {}
}

fn main() {}
