#![allow(private_interfaces)]

pub mod jobs {
    struct Order;

    #[hostkit::queued]
    pub async fn process(order: Order) {
        let _ = order;
    }
}

fn main() {}
