// #[hostkit::scoped]
// impl UnitOfWork {
//     async fn new(pool: Ext<SqlitePool>, clock: &Clock) -> Result<Self, DbError> {
//         begin(pool, clock).await
//     }
//     async fn dispose(self, outcome: Outcome) -> Result<(), DbError> {
//         self.end(outcome).await
//     }
// }

impl UnitOfWork {
    async fn new(pool: Ext<SqlitePool>, clock: &Clock) -> Result<Self, DbError> {
        begin(pool, clock).await
    }
    async fn dispose(self, outcome: Outcome) -> Result<(), DbError> {
        self.end(outcome).await
    }
}
const _: () = {
    use ::hostkit::__private as __hk;
    static __NODE: __hk::Node = __hk::Node {
        name: "UnitOfWork",
        source: __hk::here(__hk::module_path!()),
        lifetime: __hk::Lifetime::Scoped,
        generic: false,
        edges: &[
            __hk::Edge::of::<__hk::kind::Component, Ext<SqlitePool>>("pool"),
            __hk::Edge::shared::<Clock>("clock"),
        ],
        recipe: __hk::Recipe::component::<__Shim>(),
    };
    impl __hk::Component for UnitOfWork {
        const NODE: __hk::NodePtr = __hk::NodePtr::of(&__NODE);
    }
    struct __Shim;
    impl __hk::Construct for __Shim {
        type Product = UnitOfWork;
        type Needs = (Ext<SqlitePool>, __hk::Lent<Clock>);
        fn construct(
            (pool, clock): __hk::Given<'_, Self::Needs>,
        ) -> __hk::Constructed<'_, Self::Product> {
            __hk::Constructed::Later(
                __hk::Box::pin(async move {
                    __hk::made::<Self::Product, _>(UnitOfWork::new(pool, clock).await)
                }),
            )
        }
        const DISPOSES: bool = true;
        fn dispose(
            product: Self::Product,
            outcome: __hk::Outcome,
        ) -> __hk::BoxFuture<'static, __hk::Ended> {
            __hk::Box::pin(async move {
                __hk::ended(UnitOfWork::dispose(product, outcome).await)
            })
        }
    }
    __hk::submit!(UnitOfWork);
    const _: () = __hk::check(__hk::Owner::Component(&__NODE), &__NODE.edges[1]);
};
