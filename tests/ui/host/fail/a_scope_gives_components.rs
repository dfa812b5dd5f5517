// 3 errors: of one call, as the compiler does with `async fn`.
async fn test(scope: hostkit::Scope) {
    let _ = scope.get::<String>().await;
}

fn main() {
    let _ = test;
}
