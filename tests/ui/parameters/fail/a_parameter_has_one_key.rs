use hostkit::Ext;

#[hostkit::periodic(every = "1h")]
async fn report(
    #[key("eu")]
    #[key("us")]
    greeting: Ext<String>,
) {
    let _ = greeting;
}

fn main() {}
