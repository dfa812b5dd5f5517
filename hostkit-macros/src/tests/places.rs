use super::{expand, placed_mistakes};

/// The first tokens of the places where the mistakes are shown.
fn check(attribute: &str, args: &str, item: &str, expected: &[&str]) {
    let found: Vec<_> = placed_mistakes(expand(attribute, args, item)).into_iter().map(|(_, place)| place).collect();
    assert_eq!(found, expected, "#[{attribute}({args})] {item}");
}

#[test]
fn a_wrong_literal_is_shown_on_the_literal_and_a_wrong_name_on_the_name() {
    let check = |args, place| check("periodic", args, "async fn work() {}", &[place]);
    check(r#"every = "x""#, r#""x""#);
    check("every = 5 + 5", "5");
    check(r#"every = "1h", timeout = "0s""#, r#""0s""#);
    check(r#"every = "1h", on_failure = "halt""#, r#""halt""#);
    check(r#"every = "1h", evry = "1h""#, "evry");
    check(r#"every = "1h", cron = "@daily""#, "cron");
    check(r#"every = "1h", every = "2h""#, "every");
    check(r#"every = "1h", name = "A b""#, r#""A b""#);
    check(r#"every = "1h", name"#, "name");
    check(r#"every = "1h", 5"#, "5");
    check(r#"every = "1h", blocking = true"#, "blocking");
}

#[test]
fn a_wrong_signature_is_shown_on_its_tokens() {
    let check = |item, places: &[&str]| check("queued", "", item, places);
    check("fn work(a: u8) {}", &["fn"]);
    check("async fn work<T>(a: u8) {}", &["T"]);
    check("async unsafe extern \"C\" fn work(a: u8) {}", &["unsafe", "extern"]);
    check("async fn work() {}", &["work"]);
    check("async fn work(a: &Clock) {}", &["&"]);
    check("async fn work(a: u8) -> String {}", &["String"]);
    check("async fn work(a: u8) -> Result<u8, E> {}", &["u8"]);
    check("async fn work(&self, a: u8) {}", &["self"]);
    check("async fn work(a: u8, b: Vec<Self>) {}", &["Self"]);
    check("async fn work(a: u8, (b, c): Pair) {}", &["(b, c)"]);
    check("async fn work(a: u8, b: &'a Clock) {}", &["'"]);
    check("async fn work(a: u8, b: Tick, c: Option<Arc<Clock>>) {}", &["Tick", "Option"]);
    check("async fn work(a: u8, #[key(5)] b: &dyn Store, #[key(\"x\")] c: &Clock) {}", &["#", "\"x\""]);
}

#[test]
fn a_wrong_component_is_shown_where_it_is_wrong() {
    check("scoped", "key = \"a\"", "struct S;", &["key"]);
    check("scoped", "as = Store", "struct S;", &["Store"]);
    check("scoped", "", "struct S<'a> { a: &'a A }", &["'", "&"]);
    check("scoped", "", "struct S { #[inject(defualt)] a: u8 }", &["#"]);
    check("scoped", "", "impl S { fn new(&self) -> Self {} fn dispose(&self) -> u8 {} }", &["&", "u8", "&"]);
    check("scoped", "", "impl a::S {}", &["a"]);
    check("scoped", "", "impl Clone for S {}", &["Clone"]);
    check("singleton", "", "fn pool() -> &'static Pool {}", &["Pool"]);
    check("options", "\"host\", validat = f", "struct S(u8);", &["\"host\"", "validat", "(u8)"]);
}
