use std::rc::Rc;

async fn test(scopes: hostkit::Scopes) {
    let _ = scopes
        .run(async move |_scope| {
            let count = Rc::new(1);
            std::future::ready(()).await;
            drop(count);
            Ok::<_, std::io::Error>(())
        })
        .await;
}

fn main() {
    let _ = test;
}
