use ui_support::Clock;

#[hostkit::periodic(every = "1h")]
async fn report(
    a: &Clock,
    b: &Clock,
    c: &Clock,
    d: &Clock,
    e: &Clock,
    f: &Clock,
    g: &Clock,
    h: &Clock,
    i: &Clock,
    j: &Clock,
    k: &Clock,
    l: &Clock,
    m: &Clock,
    n: &Clock,
    o: &Clock,
    p: &Clock,
    q: &Clock,
) {
    let _ = (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q);
}

fn main() {}
