use hostkit::Ext;

#[hostkit::periodic(every = "1h")]
async fn report((greeting, name): (Ext<String>, Ext<u8>)) {
    let _ = (greeting, name);
}

fn main() {}
