// #[hostkit::on_start]
// async fn migrate(pool: Ext<SqlitePool>) -> Result<(), DbError> {
//     run(pool).await
// }

async fn migrate(pool: Ext<SqlitePool>) -> Result<(), DbError> {
    run(pool).await
}
/// The handle of the function `migrate`.
struct migrate {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "migrate",
        description: "",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<migrate>,
        edges: &[__hk::Edge::of::<__hk::kind::Hook, Ext<SqlitePool>>("pool")],
        after: &[],
        options: &[],
        kind: __hk::Kind::hook::<__Shim>(__hk::Stage::Start),
    };
    impl __hk::Item for migrate {
        type Role = __hk::role::Called;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    struct __Shim;
    impl __hk::Call for __Shim {
        type Of = migrate;
        type Needs = (Ext<SqlitePool>,);
        fn call<'r>(
            (pool,): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::ending(migrate(pool), __hk::ended)
        }
    }
    __hk::submit!(migrate);
};
