// #[hostkit::queued(capacity = 100, concurrency = 4, attempts = 3)]
// pub async fn process_order(order_id: i64, orders: &Orders, now: Moment) -> anyhow::Result<()> {
//     orders.process(order_id, now).await
// }

pub async fn process_order(
    order_id: i64,
    orders: &Orders,
    now: Moment,
) -> anyhow::Result<()> {
    orders.process(order_id, now).await
}
/// The handle of the function `process_order`.
pub struct process_order {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "process_order",
        description: "",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<process_order>,
        edges: &[
            __hk::Edge::shared::<Orders>("orders"),
            __hk::Edge::named::<__Asks_now>("now"),
        ],
        after: &[],
        options: &[
            ("capacity", __hk::Setting::Integer(100)),
            ("concurrency", __hk::Setting::Integer(4)),
            ("attempts", __hk::Setting::Integer(3)),
        ],
        kind: __hk::Kind::queued::<__Shim>(),
    };
    impl __hk::Item for process_order {
        type Role = __hk::role::Enqueued;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    impl __hk::Queued for process_order {
        type Payload = i64;
    }
    struct __Asks_now;
    impl __hk::Named for __Asks_now {
        type Type = Moment;
        const ASKING: __hk::Asking<Moment> = __hk::Asking::by::<__hk::kind::Queued>();
    }
    struct __Shim;
    impl __hk::Work for __Shim {
        type Of = process_order;
        type Needs = (__hk::Lent<Orders>, __hk::ByName<__Asks_now>);
        const COPY: __hk::Copying<i64> = __hk::Some(
            <i64 as ::core::clone::Clone>::clone,
        );
        fn call<'r>(
            order_id: <Self::Of as __hk::Queued>::Payload,
            (orders, now): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::ending(process_order(order_id, orders, now), __hk::ended)
        }
    }
    __hk::submit!(process_order);
    const _: () = __hk::check(__hk::Owner::Run, &__ENTRY.edges[1]);
};
