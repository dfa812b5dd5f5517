// #[hostkit::periodic(every = "1h")]
// /// Deletes rows nobody needs any more.
// async fn cleanup(work: &UnitOfWork, options: &CleanupOptions) -> anyhow::Result<()> {
//     work.delete(options).await
// }

/// Deletes rows nobody needs any more.
async fn cleanup(work: &UnitOfWork, options: &CleanupOptions) -> anyhow::Result<()> {
    work.delete(options).await
}
/// Deletes rows nobody needs any more.
struct cleanup {}
const _: () = {
    use ::hostkit::__private as __hk;
    static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
        name: "cleanup",
        description: "Deletes rows nobody needs any more.",
        source: __hk::here(__hk::module_path!()),
        handle: __hk::TypeId::of::<cleanup>,
        edges: &[
            __hk::Edge::shared::<UnitOfWork>("work"),
            __hk::Edge::shared::<CleanupOptions>("options"),
        ],
        after: &[],
        options: &[("every", __hk::Setting::Text("1h"))],
        kind: __hk::Kind::periodic::<__Shim>(),
    };
    impl __hk::Item for cleanup {
        type Role = __hk::role::Called;
        const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
    }
    struct __Shim;
    impl __hk::Call for __Shim {
        type Of = cleanup;
        type Needs = (__hk::Lent<UnitOfWork>, __hk::Lent<CleanupOptions>);
        fn call<'r>(
            (work, options): __hk::Given<'r, Self::Needs>,
        ) -> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r {
            __hk::ending(cleanup(work, options), __hk::ended)
        }
    }
    __hk::submit!(cleanup);
};
