// #[hostkit::options("database", validate = Self::problems)]
// #[derive(serde::Deserialize)]
// struct DatabaseOptions {
//     /// Where it is.
//     url: String,
//     pool_size: Option<u32>,
// }

#[derive(serde::Deserialize)]
struct DatabaseOptions {
    /// Where it is.
    url: String,
    pool_size: Option<u32>,
}
const _: () = {
    use ::hostkit::__private as __hk;
    static __NODE: __hk::Node = __hk::Node {
        name: "DatabaseOptions",
        source: __hk::here(__hk::module_path!()),
        lifetime: __hk::Lifetime::Singleton,
        generic: false,
        edges: &[],
        recipe: __hk::Recipe::options::<
            DatabaseOptions,
        >(
            "database",
            &[
                __hk::Field {
                    name: "url",
                    description: "Where it is.",
                    optional: false,
                },
                __hk::Field {
                    name: "pool_size",
                    description: "",
                    optional: true,
                },
            ],
        ),
    };
    impl __hk::Component for DatabaseOptions {
        const NODE: __hk::NodePtr = __hk::NodePtr::of(&__NODE);
    }
    impl __hk::Validate for DatabaseOptions {
        fn problems(&self) -> __hk::Vec<__hk::String> {
            __hk::problems(DatabaseOptions::problems(self))
        }
    }
    __hk::submit!(DatabaseOptions);
};
