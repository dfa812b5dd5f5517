// #[hostkit::singleton(as = dyn OrderStore, key = "eu")]
// struct SqliteStore {
//     pool: Ext<SqlitePool>,
//     #[inject(default)]
//     written: AtomicU64,
// }

struct SqliteStore {
    pool: Ext<SqlitePool>,
    written: AtomicU64,
}
const _: () = {
    use ::hostkit::__private as __hk;
    static __NODE: __hk::Node = __hk::Node {
        name: "SqliteStore",
        source: __hk::here(__hk::module_path!()),
        lifetime: __hk::Lifetime::Singleton,
        generic: false,
        edges: &[__hk::Edge::of::<__hk::kind::Component, Ext<SqlitePool>>("pool")],
        recipe: __hk::Recipe::component::<__Shim>()
            .bound_to(
                &[
                    __hk::Binding::of::<
                        dyn OrderStore,
                    >(
                        &__hk::Cast {
                            shared: |it| __hk::Some(it.downcast::<SqliteStore>().ok()?),
                            lent: |it| __hk::Some(it.downcast_ref::<SqliteStore>()?),
                        },
                    ),
                ],
            )
            .keyed("eu"),
    };
    impl __hk::Component for SqliteStore {
        const NODE: __hk::NodePtr = __hk::NodePtr::of(&__NODE);
    }
    struct __Shim;
    impl __hk::Construct for __Shim {
        type Product = SqliteStore;
        type Needs = (Ext<SqlitePool>,);
        fn construct(
            (pool,): __hk::Given<'_, Self::Needs>,
        ) -> __hk::Constructed<'_, Self::Product> {
            __hk::Constructed::Now(
                __hk::Ok(SqliteStore {
                    pool,
                    written: ::core::default::Default::default(),
                }),
            )
        }
    }
    __hk::submit!(SqliteStore);
};
