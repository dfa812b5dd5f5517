// #[hostkit::on_stopped]
// async fn sweep(pool: Ext<SqlitePool>) -> Result<(), DbError> {
//     run(pool).await
// }

async fn sweep(pool: Ext<SqlitePool>) -> Result<(), DbError> {
    run(pool).await
}
/// The handle of the function `sweep`.
struct sweep {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "sweep",
        description: "",
        source: __hk::here!(),
        handle: __hk::TypeId::of::<sweep>,
        edges: &[__hk::Edge::of::<__hk::kind::Hook, Ext<SqlitePool>>("pool")],
        after: &[],
        options: &[],
        kind: __hk::Kind::hook::<__Shim>(__hk::Stage::Stopped),
    };
    impl __hk::Handle for sweep {
        const ENTRY: &'static __hk::ServiceEntry = &__ENTRY;
    }
    impl __hk::Item for sweep {
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    impl __hk::Callable for sweep {}
    struct __Shim;
    impl __hk::Call for __Shim {
        type Of = sweep;
        type Needs = (Ext<SqlitePool>,);
        fn call<'r>(
            (pool,): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            async move { __hk::ended(sweep(pool).await) }
        }
    }
    __hk::submit! {
        < sweep as __hk::Item > ::REGISTRATION
    }
};
