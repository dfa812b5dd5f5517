// 8 errors: three are of the function itself.
use hostkit::Queue;

#[hostkit::periodic(every = "1h")]
async fn process() {}

#[hostkit::periodic(every = "1h")]
async fn report(orders: Queue<process>) {
    let _ = orders;
}

fn main() {}
