// 2 errors: the compiler makes two suggestions.
use hostkit::Queue;

#[hostkit::periodic(every = "1h")]
async fn report(orders: Queue<process>) {
    let _ = orders;
}

fn main() {}
