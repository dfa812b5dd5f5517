use hostkit::Scopes;

struct Orders;

#[hostkit::background_service]
async fn report(orders: Scopes<Orders>) {
    let _ = orders;
}

fn main() {}
