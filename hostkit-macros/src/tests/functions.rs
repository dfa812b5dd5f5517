use super::{assert_contains, assert_mistakes, expand};

fn check(attribute: &str, item: &str, expected: &[&str]) {
    let args = if attribute == "periodic" { r#"every = "1h""# } else { "" };
    assert_mistakes(attribute, args, item, expected);
}

#[test]
fn what_may_be_asked_for_is_taken() {
    check(
        "queued",
        "async fn work((a, b): (u8, u8), _: &Clock, x: Arc<Clock>, mut y: Box<Buffer>, z: &mut Buffer, _o: Option<Arc<dyn Store>>, e: Option<Ext<Pool>>, \
         #[key(\"eu\")] s: &dyn Store, l: Lazy<dyn Store>, q: Queue<other>, r#type: JobContext, alias: Pool) -> anyhow::Result<()> {}",
        &[],
    );
    check("background_service", "async fn work(i: Instance, r: Ready, stop: hostkit::CancellationToken) -> ! {}", &[]);
    check("periodic", "pub(in crate::a) async fn work(tick: Tick) -> io::Result<()> {}", &[]);
}

#[test]
fn what_can_never_be_passed_is_refused_on_its_type() {
    check("periodic", "async fn work(a: &mut dyn Store) {}", &["a trait is shared by all who ask"]);
    check("periodic", "async fn work(a: Box<dyn Store>) {}", &["a trait is shared by all who ask"]);
    check("periodic", "async fn work(a: dyn Store) {}", &["a trait object has no size"]);
    check("periodic", "async fn work(a: impl Store) {}", &["hostkit must know the type"]);
    check("periodic", "async fn work(a: &impl Store) {}", &["hostkit must know the type"]);
    check(
        "periodic",
        "async fn work(a: Option<Arc<Clock>>) {}",
        &["a declared component is always there: take `Arc<Clock>`"],
    );
    check("periodic", "async fn work(a: Option<&Clock>) {}", &["what may be absent is"]);
    check("periodic", "async fn work(a: (u8, u8)) {}", &["hostkit cannot pass this"]);
    check("periodic", "async fn work(a: &'static Clock) {}", &["leave the lifetime out"]);
    check("periodic", "async fn work(a: &'_ Clock) {}", &[]);
    check("periodic", "async fn work(#[key(\"a\")] a: &Clock) {}", &["a key tells providers"]);
    check("periodic", "async fn work(#[key(a)] a: &dyn Store) {}", &["a key is text in quotes"]);
    check("periodic", "async fn work(#[key(\"a\")] #[key(\"b\")] a: &dyn Store) {}", &["given twice"]);
    check("periodic", "async fn work((a, b): Pair) {}", &["an injected parameter has a plain name"]);
    check("periodic", "async fn work(#[cfg(unix)] a: &Clock) {}", &["put the `cfg` on the whole item"]);
}

#[test]
fn some_things_belong_to_one_kind_of_function() {
    check(
        "periodic",
        "async fn work(a: Instance, b: Ready, c: JobContext) {}",
        &["has instances", "when it is ready", "has a job"],
    );
    check("background_service", "async fn work(a: hostkit::Tick) {}", &["has a tick"]);
    check("on_start", "async fn work(a: Tick) {}", &["has a tick"]);
    check("singleton", "fn work(a: Ready) -> Pool {}", &["when it is ready"]);
}

#[test]
fn a_function_is_one_that_hostkit_can_call() {
    check("periodic", "fn work() {}", &["with `blocking = true`"]);
    check("periodic", "async fn work<T>() {}", &["cannot be generic"]);
    check("periodic", "async fn work<'a>(a: &'a Clock) {}", &["has no named lifetimes"]);
    check("periodic", "async fn work() where u8: Copy {}", &["no `where` clause"]);
    check("periodic", "async unsafe extern \"C\" fn work() {}", &["cannot be `unsafe`", "cannot be `extern`"]);
    check("periodic", "const async fn work() {}", &["cannot be `const`"]);
    check("periodic", "async fn work(&self) {}", &["outside of `impl` blocks"]);
    check("periodic", "async fn work(a: Arc<Self>) {}", &["outside of `impl` blocks"]);
    check("periodic", "async fn _Work() {}", &["give one: `name = \"a-name\"`"]);
    assert_mistakes("periodic", r#"every = "1h", blocking = true"#, "async fn work() {}", &["and this one is `async`"]);
    assert_mistakes("periodic", r#"every = "1h", blocking = true"#, "fn work(a: &Clock) {}", &[]);
    let parameters: Vec<String> = (0..17).map(|index| format!("a{index}: &Clock")).collect();
    let parameters = parameters.join(", ");
    check("periodic", &format!("async fn work({parameters}) {{}}"), &["at most 16 values, these are 17"]);
}

#[test]
fn what_is_returned_is_nothing_or_a_result_of_nothing() {
    for good in ["", "-> ()", "-> !", "-> Result<(), E>", "-> anyhow::Result<()>", "-> fmt::Result", "-> Alias"] {
        check("periodic", &format!("async fn work() {good} {{}}"), &[]);
    }
    for bad in ["-> u8", "-> String", "-> (u8,)", "-> &'static str", "-> impl Copy", "-> Option<()>", "-> [u8; 1]"] {
        check("periodic", &format!("async fn work() {bad} {{}}"), &["returns `()`, `!` or `Result<(), E>`"]);
    }
    check("periodic", "async fn work() -> Result<u8, E> {}", &["nobody takes the value"]);
}

#[test]
fn a_queued_function_has_a_payload() {
    check("queued", "async fn work() {}", &["this function has no parameter"]);
    check("queued", "async fn work(a: &Clock) {}", &["this is a reference"]);
    check("queued", "async fn work(a: impl Copy) {}", &["of one known type"]);
    check("queued", "async fn work(stop: CancellationToken) {}", &["something that hostkit passes"]);
    check("queued", "async fn work(#[key(\"a\")] a: u8) {}", &["has no key"]);
}

#[test]
fn bodies_are_not_looked_at() {
    let expansion = expand("periodic", r#"every = "1h""#, "async fn work() { let x = ; this is @ no body }");
    assert_contains(&expansion, &["async fn work() { let x = ; this is @ no body }"]);
}

#[test]
fn helper_attributes_do_not_reach_the_compiler() {
    for item in
        ["async fn work(#[key(\"a\")] a: &dyn Store) {}", "async fn work(#[key(\"a\")] &a: &dyn Store) -> u8 {}"]
    {
        let expansion = expand("periodic", r#"every = "1h""#, item).to_string();
        assert!(!expansion.contains("# [key"), "{expansion}");
    }
}
