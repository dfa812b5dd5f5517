use ui_support::Report;

#[hostkit::background_service]
async fn intake(report: Box<Report>) {
    drop(report);
}

fn main() {}
