use super::{assert_contains, assert_mistakes, expand, tokens};

fn check(args: &str, item: &str, expected: &[&str]) {
    assert_mistakes("scoped", args, item, expected);
}

#[test]
fn every_form_of_a_component_is_taken() {
    check("", "struct S;", &[]);
    check("", "pub struct S(Arc<A>, #[inject(default)] u8);", &[]);
    check(
        "timeout = \"1s\"",
        "struct S { a: Ext<Pool>, #[inject(default = f(1, 2))] b: u8, #[key(\"k\")] c: Arc<dyn Store> }",
        &[],
    );
    check("as = dyn Store, key = \"a\", default", "struct S;", &[]);
    check("as = [dyn Store, dyn Other<u8, u8> + Send]", "impl S { const A: u8 = 1; fn new() -> Self { S } }", &[]);
    check("key = \"a\", default", "pub async fn pool(a: &Options) -> Result<Pool, E> {}", &[]);
    check("", "impl<T: Copy> S<T> { async fn new(a: Arc<T>) -> Alias<Self> {} async fn dispose(mut self) {} }", &[]);
}

#[test]
fn fields_own_what_they_hold() {
    check("", "struct S { a: &'static A }", &["take `Arc<A>`"]);
    check("", "struct S<'a> { a: Arc<A<'a>> }", &["has no lifetimes"]);
    check("", "struct S { #[inject(defualt)] a: u8 }", &["written `#[inject(default)]`"]);
    check("", "struct S { #[inject] a: u8 }", &["written `#[inject(default)]`"]);
    check("", "struct S { #[cfg(unix)] a: Arc<A> }", &["a field with a `cfg`"]);
    check("", "struct S { #[key(\"x\")] a: Arc<A> }", &["a key tells providers"]);
}

#[test]
fn options_that_tell_providers_apart_go_with_a_trait() {
    check("key = \"a\", default", "struct S;", &["`key` tells providers", "`default` tells providers"]);
    check("as = Store", "struct S;", &["`as` names traits: `as = dyn Store`"]);
    check("as = dyn Store", "struct S<T> { a: Arc<T> }", &["a generic component"]);
    check("handle = X", "struct S;", &["only a function has a handle"]);
    check("default = true", "fn pool() -> Pool {}", &["`default` stands alone"]);
    check(
        "nam = \"a\"",
        "struct S;",
        &["unknown option `nam` (`#[scoped]` takes `as`, `key`, `timeout`, `default`, `crate`, `handle`)"],
    );
}

#[test]
fn a_constructor_makes_its_component() {
    check("", "impl S {}", &["has its constructor, `fn new(…) -> S`"]);
    check("", "impl S { fn new(&self) -> Self {} }", &["there is no `self` yet"]);
    check("", "impl S { fn new() {} }", &["`new` returns `Self`"]);
    check("", "impl S { fn new<T>() -> Self {} }", &["cannot be generic"]);
    check("", "impl Clone for S { fn clone(&self) -> Self {} }", &["on its own `impl` block with `new`"]);
    check("", "impl (A, B) { fn new() -> Self {} }", &["a struct or an enum of yours"]);
}

#[test]
fn disposal_is_by_value() {
    let check = |dispose: &str, expected: &[&str]| {
        let item = format!("impl S {{ fn new() -> Self {{}} {dispose} }}");
        check("", &item, expected);
    };
    check("fn dispose(self) {}", &[]);
    check("async fn dispose(self, outcome: Outcome) -> Result<(), E> {}", &[]);
    check("fn dispose(&self) {}", &["takes `self` by value"]);
    check("fn dispose(self: Box<Self>) {}", &["takes `self` by value"]);
    check("fn dispose() {}", &["takes `self` by value"]);
    check("fn dispose(self, outcome: &Outcome) {}", &["the outcome is taken by value"]);
    check("fn dispose(self, outcome: Outcome, a: u8) {}", &["nothing else"]);
    check("fn dispose(self) -> u8 {}", &["`dispose` returns"]);
}

#[test]
fn a_provider_returns_a_type_with_a_name() {
    check("", "fn pool() {}", &["returns what it makes"]);
    check("", "fn pool() -> Result<(), E> {}", &["this is nothing"]);
    check("", "fn pool() -> impl Copy {}", &["return a type with a name"]);
    check("", "fn pool() -> io::Result {}", &["must see what is made"]);
    check("", "fn pool() -> &'static str {}", &["cannot return a reference"]);
    check("", "async fn pool() -> ! {}", &["never returns"]);
    check("", "fn pool(&self) -> Pool {}", &["outside of `impl` blocks"]);
}

#[test]
fn an_impl_block_is_left_as_it_is_but_for_helper_attributes() {
    let item = "impl S { pub const A: [u8; 2] = { [1, 2] }; type B = u8; macro_call! { x } #[inline] fn other(&self) { @ } \
                pub(crate) async fn new(a: Arc<dyn Store>) -> Self { ; } }";
    let with_key = item.replace("a: Arc", "#[key(\"k\")] a: Arc");
    let expansion = expand("scoped", "", &with_key);
    assert_contains(&expansion, &[item, "__hk::Edge::dynamic::<dyn Store>(\"a\").keyed(\"k\")"]);
    assert!(!tokens(&expansion.to_string()).to_string().contains("# [key"));
}

#[test]
fn options_name_their_section() {
    let check = |args: &str, item: &str, expected: &[&str]| assert_mistakes("options", args, item, expected);
    check("\"database\", validate = Self::check", "struct S { a: u8 }", &[]);
    check("\"a.b-c\"", "struct S;", &[]);
    check("", "struct S;", &["the section has no name"]);
    check("\"\"", "struct S;", &["the section has no name"]);
    check("\"Data base\"", "struct S;", &["is not a name"]);
    check("database", "struct S;", &["the section is text in quotes"]);
    check("5", "struct S;", &["text in quotes"]);
    check("\"a\", validat = f", "struct S;", &["did you mean `validate`?"]);
    check("\"a\"", "struct S(u8);", &["named fields"]);
    check("\"a\"", "struct S<T> { a: T }", &["cannot be generic"]);
    check("\"a\"", "enum S {}", &["and this is an enum"]);
    for own in ["host", "store", "periodic", "background-service", "on_start.a", "health_check", "log", "config"] {
        check(&format!("\"{own}\""), "struct S;", &["is hostkit's own"]);
    }
}
