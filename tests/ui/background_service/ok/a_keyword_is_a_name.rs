#[hostkit::background_service]
async fn r#loop(r#type: &r#struct, r#async: &r#struct) {
    let _ = (r#type, r#async);
}

#[hostkit::queued]
async fn r#match(r#move: i64, r#ref: &r#struct) {
    let _ = (r#move, r#ref);
}

#[hostkit::periodic(every = "1h", after = [r#loop])]
async fn r#while(r#in: hostkit::Queue<r#match>) {
    let _ = r#in;
}

#[hostkit::singleton]
#[allow(non_camel_case_types)]
struct r#struct {
    #[inject(default)]
    r#fn: u8,
}

#[hostkit::singleton]
fn r#static(r#impl: &r#struct) -> String {
    format!("{}", r#impl.r#fn)
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<r#loop>().with::<r#while>().with::<r#static>();
}
