// #[hostkit::health_check(timeout = "5s")]
// async fn database(pool: Ext<SqlitePool>) {}

async fn database(pool: Ext<SqlitePool>) {}
/// The handle of the function `database`.
struct database {}
::core::compile_error! {
    "`#[health_check]` comes with the service-defaults stage"
}
