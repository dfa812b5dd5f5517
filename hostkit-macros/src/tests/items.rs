use super::{assert_mistakes, expand, mistakes};

#[test]
fn an_attribute_on_something_else_says_on_what_it_stands() {
    let check = |attribute, item, what| assert_mistakes(attribute, r#"every = "1h""#, item, &[what]);
    check("periodic", "struct S;", "and this is a struct");
    check("periodic", "impl S {}", "and this is an `impl` block");
    check("periodic", "pub enum E {}", "and this is an enum");
    check("periodic", "mod m {}", "and this is a module");
    let check = |item, what| assert_mistakes("singleton", "", item, &[what]);
    check("#[derive(Debug)] pub(crate) enum E {}", "and this is an enum");
    check("union U { a: u8 }", "and this is a union");
    check("pub unsafe trait T {}", "and this is a trait");
    check("type A = u8;", "and this is a type alias");
    check("const A: u8 = 1;", "and this is a constant");
    check("static A: u8 = 1;", "and this is a constant");
    check("use a::b;", "and this is an import");
    check("mod m { fn f() {} }", "and this is a module");
}

#[test]
fn an_item_has_one_attribute() {
    let found = mistakes(expand(
        "periodic",
        r#"every = "1h""#,
        "#[hostkit::queued] #[periodic] #[other::scoped] #[doc(hidden)] async fn work() {}",
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|found| found.contains("an item has one attribute of hostkit")), "{found:?}");
}

#[test]
fn the_item_is_there_whatever_is_wrong_with_it() {
    let items = [
        ("periodic", "async fn work(a: u8) -> u8 { 1 }"),
        ("queued", "fn work() {}"),
        ("singleton", "struct S { a: &'static A }"),
        ("singleton", "impl S { fn no_new() {} }"),
        ("singleton", "impl A for S { fn a() {} }"),
        ("singleton", "enum E { A }"),
        ("options", "struct S(u8);"),
        ("health_check", "async fn work() {}"),
        ("periodic", "fn work(&self) {}"),
    ];
    for (attribute, item) in items {
        let expansion = expand(attribute, "unknown = 5", item);
        let text: String = expansion.to_string().split_whitespace().collect();
        let item: String = item.parse::<proc_macro2::TokenStream>().map(|item| item.to_string()).unwrap_or_default();
        let item: String = item.split_whitespace().collect();
        assert!(text.contains(&item), "{item} is not in {text}");
        assert!(!mistakes(expansion).is_empty());
    }
}

#[test]
fn a_wrong_function_still_has_its_handle() {
    for (attribute, item) in [
        ("queued", "fn work() {}"),
        ("periodic", "fn work<T>() {}"),
        ("health_check", "async fn work() {}"),
        ("scoped", "fn work() {}"),
    ] {
        let text = expand(attribute, "", item).to_string();
        assert!(text.contains("struct work { }"), "{text}");
    }
    let text = expand("queued", "", "fn work() {}").to_string();
    assert!(text.contains("type Payload = () ;"), "a queue of it can still be named: {text}");
}

#[test]
fn health_checks_come_later() {
    assert_mistakes(
        "health_check",
        "timeout = \"5s\", live = true",
        "async fn work() {}",
        &["comes with the service-defaults stage"],
    );
}
