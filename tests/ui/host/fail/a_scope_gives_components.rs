async fn test(scope: hostkit::Scope) {
    let _ = scope.get::<String>().await;
}

fn main() {
    let _ = test;
}
