use std::error::Error;
use std::fmt;
use std::future::pending;

#[derive(Debug)]
struct Trouble;

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("trouble")
    }
}

impl Error for Trouble {}

type Done = Result<(), Trouble>;
type Nothing = ();

#[hostkit::background_service]
async fn nothing() {}

#[hostkit::background_service]
async fn the_unit() -> () {}

#[hostkit::background_service]
async fn an_alias_of_nothing() -> Nothing {}

#[hostkit::background_service]
async fn never() -> ! {
    pending().await
}

#[hostkit::background_service]
async fn an_error_of_ones_own() -> Result<(), Trouble> {
    Err(Trouble)
}

#[hostkit::background_service]
async fn an_alias() -> Done {
    Ok(())
}

#[hostkit::background_service]
async fn an_error_of_std() -> std::io::Result<()> {
    Ok(())
}

#[hostkit::background_service]
async fn a_boxed_error() -> Result<(), Box<dyn Error + Send + Sync>> {
    Err("no".into())
}

#[hostkit::background_service]
async fn text() -> Result<(), String> {
    Err("no".to_owned())
}

#[hostkit::background_service]
async fn static_text() -> Result<(), &'static str> {
    Err("no")
}

#[hostkit::background_service]
async fn no_error_at_all() -> Result<(), std::convert::Infallible> {
    Ok(())
}

#[hostkit::background_service(blocking = true)]
fn blocking_nothing() {}

#[hostkit::background_service(blocking = true)]
fn blocking_never() -> ! {
    loop {
        std::thread::park();
    }
}

#[hostkit::background_service(blocking = true)]
fn blocking_result() -> Result<(), Trouble> {
    Ok(())
}

pub(crate) fn main() {
    drop((nothing(), the_unit(), an_alias_of_nothing(), never(), an_error_of_ones_own(), an_alias()));
    drop((an_error_of_std(), a_boxed_error(), text(), static_text(), no_error_at_all()));
    blocking_nothing();
    assert!(blocking_result().is_ok());
}
