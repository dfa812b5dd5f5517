// #[hostkit::queued(capacity = 0)]
// async fn process_order(order_id: i64, orders: &Orders) {}

async fn process_order(order_id: i64, orders: &Orders) {}
/// The handle of the function `process_order`.
struct process_order {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "process_order",
        description: "",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<process_order>,
        edges: &[__hk::Edge::shared::<Orders>("orders")],
        after: &[],
        options: &[],
        kind: __hk::Kind::queued::<__Shim>(),
    };
    impl __hk::Item for process_order {
        type Role = __hk::role::Enqueued;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    impl __hk::Queued for process_order {
        type Payload = i64;
    }
    struct __Shim;
    impl __hk::Work for __Shim {
        type Of = process_order;
        type Needs = (__hk::Lent<Orders>,);
        const COPY: __hk::Copying<i64> = {
            use __hk::Uncopied as _;
            __hk::Payloads::<i64>::COPY
        };
        fn call<'r>(
            order_id: <Self::Of as __hk::Queued>::Payload,
            (orders,): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::ending(process_order(order_id, orders), __hk::ended)
        }
    }
    __hk::submit!(process_order);
};
::core::compile_error! {
    "`capacity` is at least 1, this is 0"
}
