// 2 errors: health checks are not built yet.
#[hostkit::health_check(liev = true)]
async fn database() {}

fn main() {}
