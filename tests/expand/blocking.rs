// #[hostkit::background_service(blocking = true)]
// fn watch(clock: &Clock, store: &dyn Store) -> ! {
//     look(clock, store)
// }

fn watch(clock: &Clock, store: &dyn Store) -> ! {
    look(clock, store)
}
/// The handle of the function `watch`.
struct watch {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "watch",
        description: "",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<watch>,
        edges: &[
            __hk::Edge::shared::<Clock>("clock"),
            __hk::Edge::dynamic::<dyn Store>("store"),
        ],
        after: &[],
        options: &[],
        kind: __hk::Kind::background::<__Shim>(),
    };
    impl __hk::Item for watch {
        type Role = __hk::role::Called;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    struct __Shim;
    impl __hk::Call for __Shim {
        type Of = watch;
        type Needs = (__hk::Arc<Clock>, __hk::SharedDyn<dyn Store>);
        fn call<'r>(
            (clock, store): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::blocking(move || -> __hk::Ended { watch(&*clock, &*store) })
        }
    }
    __hk::submit!(watch);
    const _: () = __hk::check(__hk::Owner::HostLong, &__ENTRY.edges[0]);
};
