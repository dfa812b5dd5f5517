//! Writes the orders file to standard output, the same bytes every time.
//!
//! ```sh
//! cargo run -p orders --bin generate-orders > examples/orders/data/orders.csv
//! ```
//!
//! Most rows are good. The others have one fault each, of the kinds and in the numbers of [`ROWS`]; `data/README.md` says
//! what they are.

use std::io::{self, Write};

/// The kinds of rows and how many of each there are.
const ROWS: [(Kind, usize); 13] = [
    (Kind::Good, 3_940),
    (Kind::WrongAmount, 36),
    (Kind::ForeignCurrency, 24),
    (Kind::FieldsMissing, 18),
    (Kind::FieldsTooMany, 14),
    (Kind::Empty, 12),
    (Kind::BadId, 8),
    (Kind::BadDate, 16),
    (Kind::BadItems, 21),
    (Kind::BadAmount, 10),
    (Kind::BrokenQuotes, 12),
    (Kind::RepeatedId, 15),
    (Kind::NotUtf8, 11),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    /// Well-formed, and the amount is not the sum of the items.
    WrongAmount,
    /// Well-formed, in a currency that the shop does not take.
    ForeignCurrency,
    FieldsMissing,
    FieldsTooMany,
    Empty,
    BadId,
    BadDate,
    BadItems,
    BadAmount,
    BrokenQuotes,
    RepeatedId,
    NotUtf8,
}

const CITIES: [&str; 16] = [
    "Lyon",
    "Zürich",
    "Göteborg",
    "Porto",
    "Kraków",
    "Leeds",
    "Bologna",
    "Graz",
    "Málaga",
    "Aarhus",
    "Gent",
    "Brno",
    "Cork",
    "Tampere",
    "Nîmes",
    "Split",
];
const CURRENCIES: [&str; 8] = ["EUR", "EUR", "EUR", "EUR", "GBP", "SEK", "CHF", "USD"];
const NOTES: [&str; 10] = [
    "gift wrap, please",
    "leave with the neighbour",
    "call before delivery, after 17:00",
    "the bell says \"Office\", ring twice",
    "café side entrance",
    "invoice to the company, not to the recipient",
    "second floor; no lift",
    "is a replacement for \"the blue one\"",
    "express",
    "no plastic, if possible",
];

/// 2026-08-30T06:00:00Z
const FIRST_ORDER: i64 = 1_788_069_600;

fn main() -> io::Result<()> {
    let mut file = Vec::from("id,placed_at,customer,email,city,currency,items,amount,note\n");
    let mut random = Random(20_261_120);
    let mut placed_at = FIRST_ORDER;
    let mut written = Vec::new();
    for (index, kind) in shuffled(&mut random).into_iter().enumerate() {
        placed_at += random.between(30, 2_400);
        let id = match kind {
            Kind::RepeatedId => written[random.below(written.len())],
            _ => 100_001 + index,
        };
        if matches!(kind, Kind::Good) {
            written.push(id);
        }
        let row = Row::make(id, placed_at, kind, &mut random);
        file.extend(row.text(kind, &mut random));
        file.push(b'\n');
    }
    io::stdout().write_all(&file)
}

/// Every kind as often as it occurs, mixed, with a good one first: a repeated id needs one to repeat.
fn shuffled(random: &mut Random) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = ROWS.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count)).collect();
    for last in (2..kinds.len()).rev() {
        kinds.swap(last, 1 + random.below(last));
    }
    kinds
}

struct Row {
    fields: [String; 9],
}

impl Row {
    fn make(id: usize, placed_at: i64, kind: Kind, random: &mut Random) -> Self {
        let customer = random.between(1, 900);
        let mut items = Vec::new();
        let mut amount = 0;
        for _ in 0..random.between(1, 4) {
            let (article, quantity) = (random.between(1, 240), random.between(1, 5));
            // An article costs the same in every order.
            let price = (article * 7_919 % 179 + 2) * 50 - 1;
            items.push(format!("SKU-{article:04}x{quantity}@{}", money(price)));
            amount += quantity * price;
        }
        if kind == Kind::WrongAmount {
            amount += random.one_of(&[-100, 100, 1_000, 9]);
        }
        let currency = if kind == Kind::ForeignCurrency { "JPY" } else { random.one_of(&CURRENCIES) };
        let note = if random.below(5) == 0 { random.one_of(&NOTES) } else { "" };
        Self {
            fields: [
                id.to_string(),
                timestamp(placed_at),
                format!("Customer {customer:04}"),
                format!("customer.{customer:04}@example.com"),
                random.one_of(&CITIES).to_owned(),
                currency.to_owned(),
                items.join(";"),
                money(amount),
                note.to_owned(),
            ],
        }
    }

    /// The line in the file, with the fault that its kind has.
    fn text(mut self, kind: Kind, random: &mut Random) -> Vec<u8> {
        let [id, placed_at, customer, email, city, _, items, amount, note] = &mut self.fields;
        match kind {
            Kind::Empty => [customer, email, city][random.below(3)].clear(),
            Kind::BadId => random.one_of(&["", "A-17", "1e5", "10 0001", "-4"]).clone_into(id),
            Kind::BadDate => {
                *placed_at = match random.below(4) {
                    0 => placed_at.replace("2026-", "2026-13-"),
                    1 => format!("2026-02-30{}", &placed_at[10..]),
                    2 => format!("{}/{}/2026 {}", &placed_at[8..10], &placed_at[5..7], &placed_at[11..16]),
                    _ => "yesterday".to_owned(),
                }
            }
            Kind::BadItems => {
                *items = match random.below(4) {
                    0 => items.replacen('x', "x-", 1),
                    1 => {
                        let (article, rest) = items.split_once('x').unwrap_or_default();
                        format!("{article}x0{}", &rest[1..])
                    }
                    2 => items.split('x').next().unwrap_or_default().to_owned(),
                    _ => String::new(),
                }
            }
            Kind::BadAmount => {
                random.one_of(&["n/a", "12,50", "1.234,00", "12.5", "-20.00", ""]).clone_into(amount);
            }
            Kind::FieldsTooMany => "fragile, handle with care".clone_into(note),
            Kind::NotUtf8 => "Düsseldorf".clone_into(city),
            Kind::Good
            | Kind::WrongAmount
            | Kind::ForeignCurrency
            | Kind::FieldsMissing
            | Kind::BrokenQuotes
            | Kind::RepeatedId => {}
        }
        let mut fields = self.fields.to_vec();
        let note = fields.pop().unwrap_or_default();
        let mut line = fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",");
        match kind {
            Kind::FieldsMissing => line = fields[..random.between_sizes(2, 7)].join(","),
            Kind::BrokenQuotes => match random.below(3) {
                0 => line = format!("{line},\"urgent"),
                1 => line = format!("{line},\"5\" screen\""),
                _ => line = format!("{},", line.replacen("Customer", "\"Customer", 1)),
            },
            Kind::FieldsTooMany => line = format!("{line},{note}"),
            _ => line = format!("{line},{}", quoted(&note)),
        }
        match kind {
            Kind::NotUtf8 => latin1(&line),
            _ => line.into_bytes(),
        }
    }
}

/// As it was once common: one byte per letter.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

/// A field, in quotes where it has to be.
fn quoted(field: &str) -> String {
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Seconds since 1970 as RFC 3339, for days of 2026.
fn timestamp(seconds: i64) -> String {
    const DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    const NEW_YEAR: i64 = 1_767_225_600;
    let (mut day, second) = ((seconds - NEW_YEAR) / 86_400, (seconds - NEW_YEAR) % 86_400);
    let mut month = 0;
    while day >= DAYS[month] {
        day -= DAYS[month];
        month += 1;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("2026-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1, day + 1)
}

/// `SplitMix64`: few lines, and the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, and without, `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    fn between_sizes(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    fn between(&mut self, first: i64, last: i64) -> i64 {
        first + i64::try_from(self.below(usize::try_from(last - first + 1).unwrap_or(1))).unwrap_or_default()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
