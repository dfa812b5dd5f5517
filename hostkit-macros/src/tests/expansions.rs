use super::{assert_contains, expand};

#[test]
fn a_service_is_its_function_its_handle_and_one_registration() {
    let expansion = expand(
        "queued",
        r#"capacity = 100, full = "reject", drain = false, after = [first, a::r#loop], name = "work-off", leftover = keep::them"#,
        "/// Works one order off.\n///\n/// Slowly.\n#[cfg(unix)] pub(crate) async fn work(id: i64, orders: &Orders, store: Arc<dyn Store>) -> anyhow::Result<()> { body }",
    );
    assert_contains(
        &expansion,
        &[
            "pub(crate) async fn work(id: i64, orders: &Orders, store: Arc<dyn Store>) -> anyhow::Result<()> { body }",
            "#[cfg(unix)] #[doc = \" Works one order off.\"] #[doc = \"\"] #[doc = \" Slowly.\"] pub(crate) struct work {}",
            "#[cfg(unix)] const _: () = { use ::hostkit::__private as __hk;",
            "name: \"work-off\", description: \"Works one order off.\"",
            "edges: &[__hk::Edge::shared::<Orders>(\"orders\"), __hk::Edge::dynamic::<dyn Store>(\"store\")]",
            "after: &[__hk::After { handle: __hk::handle_of::<first>, name: \"first\" }, __hk::After { handle: __hk::handle_of::<a::r#loop>, name: \"loop\" }]",
            "options: &[(\"capacity\", __hk::Setting::Integer(100)), (\"full\", __hk::Setting::Text(\"reject\")), (\"drain\", __hk::Setting::Flag(false)), \
             (\"leftover\", __hk::Setting::Text(\"keep::them\"))]",
            "kind: __hk::Kind::queued::<__Shim>()",
            "impl __hk::Item for work { type Role = __hk::role::Enqueued;",
            "impl __hk::Queued for work { type Payload = i64; }",
            "type Of = work; type Needs = (__hk::Lent<Orders>, __hk::SharedDyn<dyn Store>);",
            "__hk::ending(work(id, orders, store), __hk::ended)",
            "__hk::submit!(work);",
        ],
    );
}

#[test]
fn a_function_without_documentation_has_a_documented_handle() {
    let expansion = expand("on_start", "handle = Migration", "pub async fn migrate() {}");
    assert_contains(
        &expansion,
        &[
            "#[doc = \" The handle of the function `migrate`.\"] pub struct Migration {}",
            "__hk::Kind::hook::<__Shim>(__hk::Stage::Start)",
            "type Needs = ();",
        ],
    );
}

#[test]
fn the_walk_over_the_graph_stands_only_where_it_can_find_something() {
    let check = |args: &str, parameters: &str, walked: &[usize]| {
        let expansion = expand("background_service", args, &format!("async fn work({parameters}) {{}}"));
        let owner = if args.is_empty() { "HostLong" } else { "Run" };
        let walks: Vec<_> =
            walked.iter().map(|edge| format!("__hk::check(__hk::Owner::{owner}, &__ENTRY.edges[{edge}])")).collect();
        assert_contains(&expansion, &walks.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(expansion.to_string().matches("__hk :: check").count(), walked.len(), "{expansion}");
    };
    let parameters = "a: &Clock, b: Arc<Clock>, c: Ext<Pool>, d: Scopes<Unit>, e: Scopes, f: CancellationToken, g: Alias, h: Lazy<Clock>, \
                      i: Box<Clock>, j: &dyn Store";
    check("", parameters, &[0, 6, 7, 8]);
    check("scope = \"whole-run\"", parameters, &[6, 8]);
}

#[test]
fn a_type_of_unknown_name_is_asked_for_in_one_place() {
    let expansion = expand("background_service", "", "async fn work(r#type: Alias, stop: CancellationToken) -> ! {}");
    assert_contains(
        &expansion,
        &[
            "struct __Asks_type; impl __hk::Named for __Asks_type { type Type = Alias; \
             const ASKING: __hk::Asking<Alias> = __hk::Asking::by::<__hk::kind::Background>(); }",
            "__hk::Edge::named::<__Asks_type>(\"type\")",
            "type Needs = (__hk::ByName<__Asks_type>, CancellationToken);",
            "async move { work(r#type, stop).await }",
        ],
    );
}

#[test]
fn a_blocking_function_owns_what_it_is_lent() {
    let expansion = expand("queued", "blocking = true", "fn work(id: u8, a: &Clock, b: &dyn Store, c: &mut Buffer) {}");
    assert_contains(
        &expansion,
        &[
            "type Needs = (__hk::Arc<Clock>, __hk::SharedDyn<dyn Store>, __hk::Taken<Buffer>);",
            "(a, b, mut c): __hk::Given<'r, Self::Needs>",
            "__hk::blocking(move || __hk::ended(work(id, &*a, &*b, &mut *c)))",
        ],
    );
}

#[test]
fn a_struct_is_built_from_its_fields() {
    let expansion = expand(
        "scoped",
        "",
        "struct Orders { pool: Ext<Pool>, clock: Arc<Clock>, #[inject(default)] count: u8, #[inject(default = Self::start())] at: u8 }",
    );
    assert_contains(
        &expansion,
        &[
            "struct Orders { pool: Ext<Pool>, clock: Arc<Clock>, count: u8, at: u8 }",
            "static __NODE: __hk::Node = __hk::Node { name: \"Orders\", source: __hk::here(__hk::module_path!()), lifetime: __hk::Lifetime::Scoped, generic: false,",
            "recipe: __hk::Recipe::component::<__Shim>()",
            "impl __hk::Component for Orders { const NODE: __hk::NodePtr = __hk::NodePtr::of(&__NODE); }",
            "type Product = Orders; type Needs = (Ext<Pool>, __hk::Arc<Clock>);",
            "__hk::Constructed::Now(__hk::Ok(Orders { pool, clock, count: ::core::default::Default::default(), at: Orders::start() }))",
            "const _: () = __hk::check(__hk::Owner::Component(&__NODE), &__NODE.edges[1]);",
        ],
    );
}

#[test]
fn a_constructor_is_called_and_a_disposer_awaited() {
    let expansion = expand(
        "transient",
        "timeout = \"2s\"",
        "impl Unit { async fn new(a: &Clock, b: &mut Buffer) -> Result<Self, E> {} async fn dispose(self, outcome: Outcome) {} }",
    );
    assert_contains(
        &expansion,
        &[
            "recipe: __hk::Recipe::component::<__Shim>().timeout_ms(2000)",
            "__hk::Constructed::Later(__hk::Box::pin(async move { __hk::made::<Self::Product, _>(Unit::new(a, &mut *b).await) }))",
            "const DISPOSES: bool = true;",
            "__hk::ended(Unit::dispose(product, outcome).await)",
        ],
    );
    let sync = expand("singleton", "", "impl Unit<u8> { fn new() -> Self {} fn dispose(self) {} }");
    assert_contains(
        &sync,
        &[
            "__hk::Constructed::Now(__hk::made::<Self::Product, _>(<Unit<u8>>::new()))",
            "__hk::ended(<Unit<u8>>::dispose(product))",
            "name: \"Unit<u8>\"",
        ],
    );
}

#[test]
fn a_provider_has_a_handle_and_a_foreign_product() {
    let expansion = expand(
        "singleton",
        "as = dyn Store, key = \"eu\", default",
        "async fn pool(o: &Options) -> Result<Pool, E> {}",
    );
    assert_contains(
        &expansion,
        &[
            "struct pool {}",
            "impl __hk::Provided for pool",
            "recipe: __hk::Recipe::provider::<__Shim>().bound_to(&[__hk::Binding::of::<dyn Store>(&__hk::Cast { \
             shared: |it| __hk::Some(it.downcast::<Pool>().ok()?), lent: |it| __hk::Some(it.downcast_ref::<Pool>()?), })]).keyed(\"eu\").default_provider()",
            "type Product = Pool;",
        ],
    );
}

#[test]
fn a_generic_component_has_a_node_for_each_of_its_types() {
    let expansion = expand(
        "singleton",
        "",
        "struct Cache<T: Copy, const N: usize> { store: Arc<T>, own: Alias<T> }"
            .replace(", clock: &'static u8", "")
            .as_str(),
    );
    assert_contains(
        &expansion,
        &[
            "impl<T: Copy, const N: usize> __hk::Component for Cache<T, N> where T: 'static, Cache<T, N>: ::core::marker::Send + ::core::marker::Sync + 'static, T: __hk::Component",
            "__hk::NodePtr::of(const { &__hk::Node {",
            "generic: true",
            "struct __Shim<T>(::core::marker::PhantomData<T>);",
            "__hk::Recipe::component::<__Shim<Cache<T, N>>>()",
        ],
    );
    let text = expansion.to_string();
    assert!(!text.contains("submit") && !text.contains("check") && !text.contains("__Asks"), "{text}");
}

#[test]
fn options_know_their_keys_as_serde_does() {
    let expansion = expand(
        "options",
        "\"database\", validate = Self::check",
        "#[serde(rename_all = \"kebab-case\")] struct O { /// Where.\n max_size: u8, #[serde(default, rename = \"n\")] b: u8, c: Option<u8>, #[serde(skip)] d: u8, #[serde(flatten)] e: X }",
    );
    assert_contains(
        &expansion,
        &[
            "__hk::Recipe::options::<O>(\"database\", &[__hk::Field { name: \"max-size\", description: \"Where.\", optional: false }, \
             __hk::Field { name: \"n\", description: \"\", optional: true }, __hk::Field { name: \"c\", description: \"\", optional: true }])",
            "__hk::problems(O::check(self))",
        ],
    );
    assert_contains(
        &expand("options", "\"a\", crate = \"::hk\"", "struct O;"),
        &["use ::hk::__private as __hk;", "impl __hk::Validate for O {}"],
    );
}
