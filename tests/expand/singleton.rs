// #[hostkit::singleton]
// async fn pool(options: &DatabaseOptions) -> anyhow::Result<SqlitePool> {
//     connect(options).await
// }

async fn pool(options: &DatabaseOptions) -> anyhow::Result<SqlitePool> {
    connect(options).await
}
/// The handle of the function `pool`.
struct pool {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __NODE: __hk::Node = __hk::Node {
        name: "pool",
        source: __hk::here(__hk::module_path!()),
        lifetime: __hk::Lifetime::Singleton,
        generic: false,
        edges: &[__hk::Edge::shared::<DatabaseOptions>("options")],
        recipe: __hk::Recipe::provider::<__Shim>(),
    };
    impl __hk::Provided for pool {
        const NODE: __hk::NodePtr = __hk::NodePtr::of(&__NODE);
    }
    impl __hk::Item for pool {
        type Role = __hk::role::Injected;
        const REGISTRATION: __hk::Registration = __hk::Registration::Node(
            __hk::NodePtr::of(&__NODE),
        );
    }
    struct __Shim;
    impl __hk::Construct for __Shim {
        type Product = SqlitePool;
        type Needs = (__hk::Lent<DatabaseOptions>,);
        fn construct(
            (options,): __hk::Given<'_, Self::Needs>,
        ) -> __hk::Constructed<'_, Self::Product> {
            __hk::Constructed::Later(
                __hk::Box::pin(async move {
                    __hk::made::<Self::Product, _>(pool(options).await)
                }),
            )
        }
    }
    __hk::submit!(pool);
    const _: () = __hk::check(__hk::Owner::Component(&__NODE), &__NODE.edges[0]);
};
