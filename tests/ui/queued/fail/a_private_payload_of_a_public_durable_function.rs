#![allow(private_interfaces)]

pub mod jobs {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Order;

    #[hostkit::queued(durable)]
    pub async fn process(order: Order) {
        let _ = order;
    }
}

fn main() {}
