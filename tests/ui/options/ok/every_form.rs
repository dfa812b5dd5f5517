#[hostkit::options("database", validate = Self::problems)]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    /// Where it is.
    url: String,
    #[serde(default, rename = "pool-size")]
    size: u32,
    timeout: Option<String>,
}

impl DatabaseOptions {
    fn problems(&self) -> Vec<String> {
        if self.url.is_empty() { vec!["`url` is empty".into()] } else { Vec::new() }
    }
}

#[hostkit::options("web.server-1", validate = check, crate = "hostkit")]
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct WebOptions {
    listen_on: String,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self { listen_on: "127.0.0.1:0".into() }
    }
}

fn check(options: &WebOptions) -> [&'static str; 1] {
    [if options.listen_on.is_empty() { "`listen_on` is empty" } else { "" }]
}

#[hostkit::options("nothing")]
#[derive(serde::Deserialize)]
struct NoOptions {}

#[hostkit::periodic(every = "1h")]
async fn report(database: &DatabaseOptions, web: std::sync::Arc<WebOptions>, none: &NoOptions) {
    let _ = (&database.url, database.size, &database.timeout, &web.listen_on, none);
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<DatabaseOptions>().with::<WebOptions>().with::<report>();
}
