// #[hostkit::on_started]
// async fn announce(pool: Ext<SqlitePool>) -> Result<(), DbError> {
//     run(pool).await
// }

async fn announce(pool: Ext<SqlitePool>) -> Result<(), DbError> {
    run(pool).await
}
/// The handle of the function `announce`.
struct announce {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "announce",
        description: "",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<announce>,
        edges: &[__hk::Edge::of::<__hk::kind::Hook, Ext<SqlitePool>>("pool")],
        after: &[],
        options: &[],
        kind: __hk::Kind::hook::<__Shim>(__hk::Stage::Started),
    };
    impl __hk::Item for announce {
        type Role = __hk::role::Called;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    struct __Shim;
    impl __hk::Call for __Shim {
        type Of = announce;
        type Needs = (Ext<SqlitePool>,);
        fn call<'r>(
            (pool,): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::ending(announce(pool), __hk::ended)
        }
    }
    __hk::submit!(announce);
};
