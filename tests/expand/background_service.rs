// #[hostkit::background_service(on_failure = "restart", backoff = "1s..1m", after = [migrate])]
// async fn order_intake(orders: Queue<process_order>, pool: Ext<SqlitePool>, stop: CancellationToken) -> anyhow::Result<()> {
//     intake(orders, pool, stop).await
// }

async fn order_intake(
    orders: Queue<process_order>,
    pool: Ext<SqlitePool>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    intake(orders, pool, stop).await
}
/// The handle of the function `order_intake`.
struct order_intake {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "order_intake",
        description: "",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<order_intake>,
        edges: &[
            __hk::Edge::of::<__hk::kind::Background, Queue<process_order>>("orders"),
            __hk::Edge::of::<__hk::kind::Background, Ext<SqlitePool>>("pool"),
            __hk::Edge::of::<__hk::kind::Background, CancellationToken>("stop"),
        ],
        after: &[
            __hk::After {
                handle: __hk::handle_of::<migrate>,
                name: "migrate",
            },
        ],
        options: &[
            ("on_failure", __hk::Setting::Text("restart")),
            ("backoff", __hk::Setting::Text("1s..1m")),
        ],
        kind: __hk::Kind::background::<__Shim>(),
    };
    impl __hk::Item for order_intake {
        type Role = __hk::role::Called;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    struct __Shim;
    impl __hk::Call for __Shim {
        type Of = order_intake;
        type Needs = (Queue<process_order>, Ext<SqlitePool>, CancellationToken);
        fn call<'r>(
            (orders, pool, stop): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::ending(order_intake(orders, pool, stop), __hk::ended)
        }
    }
    __hk::submit!(order_intake);
};
