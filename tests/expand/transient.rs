// #[hostkit::transient]
// pub struct Repository<T> {
//     store: Arc<T>,
// }

pub struct Repository<T> {
    store: Arc<T>,
}
const _: () = {
    use ::hostkit::__private as __hk;
    impl<T> __hk::Component for Repository<T>
    where
        T: 'static,
        Repository<T>: ::core::marker::Send + ::core::marker::Sync + 'static,
        T: __hk::Component,
    {
        const NODE: __hk::NodePtr = __hk::NodePtr::of(const {
            &__hk::Node {
                name: "Repository",
                source: __hk::here(__hk::module_path!()),
                lifetime: __hk::Lifetime::Transient,
                generic: true,
                edges: &[__hk::Edge::shared::<T>("store")],
                recipe: __hk::Recipe::component::<__Shim<Repository<T>>>(),
            }
        });
    }
    struct __Shim<T>(::core::marker::PhantomData<T>);
    impl<T> __hk::Construct for __Shim<Repository<T>>
    where
        T: 'static,
        Repository<T>: ::core::marker::Send + ::core::marker::Sync + 'static,
        T: __hk::Component,
    {
        type Product = Repository<T>;
        type Needs = (__hk::Arc<T>,);
        fn construct(
            (store,): __hk::Given<'_, Self::Needs>,
        ) -> __hk::Constructed<'_, Self::Product> {
            __hk::Constructed::Now(__hk::Ok(Repository { store }))
        }
    }
};
