// #[hostkit::on_stopping]
// async fn warn(pool: Ext<SqlitePool>) -> Result<(), DbError> {
//     run(pool).await
// }

async fn warn(pool: Ext<SqlitePool>) -> Result<(), DbError> {
    run(pool).await
}
/// The handle of the function `warn`.
struct warn {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "warn",
        description: "",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<warn>,
        edges: &[__hk::Edge::of::<__hk::kind::Hook, Ext<SqlitePool>>("pool")],
        after: &[],
        options: &[],
        kind: __hk::Kind::hook::<__Shim>(__hk::Stage::Stopping),
    };
    impl __hk::Item for warn {
        type Role = __hk::role::Called;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    struct __Shim;
    impl __hk::Call for __Shim {
        type Of = warn;
        type Needs = (Ext<SqlitePool>,);
        fn call<'r>(
            (pool,): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::ending(warn(pool), __hk::ended)
        }
    }
    __hk::submit!(warn);
};
