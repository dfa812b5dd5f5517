#!/usr/bin/env bash
# What hostkit costs the compiler: a crate of 100 services and 100 components against the same crate without attributes,
# in seconds of CPU (user and system together), medians of five turns; and where a clean build of hostkit goes.
#
#   hostkit/benches/compile_time.sh [check | build]
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=1
unset RUSTFLAGS RUSTC_WRAPPER
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=$work/target
turns=5

# cpu COMMAND...: seconds of CPU it took
cpu() {
  local TIMEFORMAT='%U %S'
  { time "$@" >"$work/output" 2>&1 || { cat "$work/output" >&2; exit 1; }; } 2>&1 | tail -1 | awk '{ printf "%.2f", $1 + $2 }'
}

median() {
  sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

# 20 singletons, 80 scoped components of one to three others, 40 background services, 30 periodic and 30 queued
# functions of one to three components each.
generate() {
  local n
  echo '//! Generated.'
  echo '#![allow(dead_code)]'
  echo 'use std::sync::Arc;'
  echo 'use hostkit::{CancellationToken, Scopes};'
  for n in $(seq 0 19); do
    printf '#[hostkit::singleton]\nstruct C%d {\n    #[inject(default = %d)]\n    number: u64,\n}\n' "$n" "$n"
  done
  for n in $(seq 20 99); do
    printf '#[hostkit::scoped]\nstruct C%d {\n    a: Arc<C%d>,\n' "$n" "$((n - 20))"
    [ $((n % 2)) = 1 ] || printf '    b: Arc<C%d>,\n' "$((n - 17))"
    [ $((n % 3)) != 0 ] || printf '    c: Arc<C%d>,\n' "$((n % 20))"
    printf '}\n'
  done
  for n in $(seq 0 39); do
    printf '#[hostkit::background_service(on_failure = "restart")]\n'
    printf 'async fn background_%d(one: &C%d, scopes: Scopes<C%d>, stop: CancellationToken) -> Result<(), std::io::Error> {\n' "$n" "$((n % 20))" "$((n + 60))"
    body "$n" one
    printf '    stop.cancelled().await;\n    drop(scopes);\n    Ok(())\n}\n'
  done
  for n in $(seq 0 29); do
    printf '#[hostkit::periodic(every = "5m", timeout = "1m")]\n'
    printf 'async fn periodic_%d(one: &C%d, two: &C%d) {\n' "$n" "$((n % 20))" "$((n + 70))"
    body "$n" one
    printf '    let _two = two;\n}\n'
  done
  for n in $(seq 0 29); do
    printf '#[hostkit::queued(capacity = 50, concurrency = 4)]\n'
    printf 'async fn queued_%d(item: u64, one: &C%d, two: Arc<C%d>, three: &C%d) {\n' "$n" "$((n % 20))" "$((n + 40))" "$((n + 50))"
    body "$n" one
    printf '    println!("{item} {}", Arc::strong_count(&two));\n    let _three = three;\n}\n'
  done
}

# Something for the compiler to look at.
body() {
  cat <<RUST
    let literal = $1;
    let mut sum = $2.number + literal;
    for step in 0..literal {
        sum = sum.wrapping_mul(step | 1);
        if sum % 7 == 3 {
            println!("{sum} of {step}");
        }
    }
    tokio::time::sleep(std::time::Duration::from_millis(sum % 10)).await;
RUST
}

check() {
  mkdir -p "$work"/{with,without}/src
  printf '[workspace]\nresolver = "3"\nmembers = ["with", "without"]\n' >"$work/Cargo.toml"
  cp Cargo.lock rust-toolchain.toml "$work"
  for crate in with without; do
    printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\nhostkit = { path = "%s/hostkit" }\ntokio = { version = "1", features = ["time"] }\n' "$crate" "$top" >"$work/$crate/Cargo.toml"
  done
  generate >"$work/with/src/main.rs"
  grep -vE '^ *#\[(hostkit::|inject)' "$work/with/src/main.rs" >"$work/without/src/main.rs"
  echo 'hostkit::main!();' >>"$work/with/src/main.rs"
  echo 'fn main() {}' >>"$work/without/src/main.rs"
  cd "$work"
  cargo check -q

  local turn crate
  for turn in $(seq "$turns"); do
    for crate in with without; do
      touch "$crate/src/main.rs"
      rm -rf "$CARGO_TARGET_DIR"/debug/incremental/"$crate"-*
      cpu cargo check -p "$crate" >>"whole.$crate"
      echo >>"whole.$crate"
    done
  done
  for turn in $(seq "$turns"); do
    for crate in with without; do
      sed -i -E "0,/let literal = [0-9]+;/s//let literal = 100$turn;/" "$crate/src/main.rs"
      cpu cargo check -p "$crate" >>"body.$crate"
      echo >>"body.$crate"
    done
  done
  printf '\n%-60s %8s %8s %8s  %s\n' 'cargo check, seconds of CPU' with without more bar
  report whole '100 services and 100 components, nothing cached' 1.5
  report body 'the same after one body changed' 0.3
  cd "$top"
}

report() {
  local with without
  with=$(median <"$1.with")
  without=$(median <"$1.without")
  awk -v what="$2" -v with="$with" -v without="$without" -v bar="$3" 'BEGIN {
    more = with - without
    printf "%-60s %8.2f %8.2f %8.2f  <= %s %s\n", what, with, without, more, bar, (more <= bar ? "ok" : "MISSED")
  }'
}

build() {
  # The wrapper notes what each compiler took, on a line of its own.
  cat >"$work/rustc" <<'WRAPPER'
#!/usr/bin/env bash
name=$(printf '%s\n' "$@" | awk 'before == "--crate-name" { print } { before = $0 }')
"$@"
code=$?
# Not piped: a pipe would be a shell of its own, with children of its own.
times >"$CPU_LOG.$$"
awk -v name="$name" 'NR == 2 { gsub(/[ms]/, " "); print $1 * 60 + $2 + $3 * 60 + $4, name }' "$CPU_LOG.$$" >>"$CPU_LOG"
exit "$code"
WRAPPER
  chmod +x "$work/rustc"
  export CPU_LOG=$work/cpu
  rm -rf "$CARGO_TARGET_DIR"
  local all
  all=$(RUSTC_WRAPPER=$work/rustc cpu cargo build --locked -p hostkit)
  printf '\nclean debug build of the default features: %s crates, %s seconds of CPU; the ten largest:\n' \
    "$(cargo tree --locked -p hostkit -e normal,build --prefix none | awk '{ print $1, $2 }' | sort -u | wc -l)" "$all"
  awk '$2 !~ /^build_script/ && $2 != "___" { sum[$2] += $1 } $2 ~ /^build_script/ { sum["(build scripts)"] += $1 }
    END { for (name in sum) printf "%8.2f  %s\n", sum[name], name }' "$CPU_LOG" | sort -rn | head -10
}

case ${1:-both} in
  check) check ;;
  build) build ;;
  both) check; build ;;
  *) echo "usage: $0 [check | build]" >&2; exit 2 ;;
esac
