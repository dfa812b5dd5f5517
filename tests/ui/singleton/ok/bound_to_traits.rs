use hostkit::BoxFuture;
use ui_support::{Archive, Mailer};

trait Store: Send + Sync {
    fn save(&self, order: i64) -> BoxFuture<'_, Result<(), String>>;
}

#[hostkit::singleton(as = dyn Store)]
struct Memory {}

impl Store for Memory {
    fn save(&self, order: i64) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { if order == 0 { Err("none".into()) } else { Ok(()) } })
    }
}

#[hostkit::scoped(as = [dyn Mailer, dyn Archive], key = "eu")]
struct Post {}

impl Mailer for Post {}
impl Archive for Post {}

#[hostkit::singleton(as = dyn Mailer, default)]
struct Fallback {}

impl Mailer for Fallback {}

#[hostkit::transient(as = [dyn Store + Send, dyn self::Archive])]
struct Other {}

impl Store for Other {
    fn save(&self, _: i64) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

impl Archive for Other {}

#[hostkit::singleton(as = dyn Converter<u8, Output = u16>)]
struct Widening {}

trait Converter<T>: Send + Sync {
    type Output;
    fn convert(&self, value: T) -> Self::Output;
}

impl Converter<u8> for Widening {
    type Output = u16;

    fn convert(&self, value: u8) -> u16 {
        value.into()
    }
}

#[hostkit::periodic(every = "1h")]
async fn report(
    store: &dyn Store,
    concrete: &Memory,
    widening: &dyn Converter<u8, Output = u16>,
) -> Result<(), String> {
    let _ = (concrete, widening.convert(1));
    store.save(1).await
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<Memory>().with::<Post>().with::<Fallback>().with::<Other>().with::<report>();
}
