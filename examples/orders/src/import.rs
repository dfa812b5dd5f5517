//! The orders file: read line by line, so that a broken one spoils no other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;
use sqlx::{Sqlite, Transaction};

use crate::database::{UnitOfWork, prepare_database};

/// What is imported.
#[hostkit::options("import")]
#[derive(Deserialize)]
#[serde(default)]
struct ImportOptions {
    /// The orders file.
    file: PathBuf,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { file: concat!(env!("CARGO_MANIFEST_DIR"), "/data/orders.csv").into() }
    }
}

/// Imports the orders file unless that was done before; rows that are no orders go to the table `rejects`.
#[hostkit::on_start(after = [prepare_database])]
async fn import_orders(work: &UnitOfWork, options: &ImportOptions) -> anyhow::Result<()> {
    let file = options.file.display().to_string();
    let mut transaction = work.transaction().await;
    let first = sqlx::query("INSERT INTO imports (file) VALUES (?) ON CONFLICT DO NOTHING")
        .bind(&file)
        .execute(&mut **transaction)
        .await?
        .rows_affected();
    if first == 0 {
        tracing::info!(file, "imported before");
        return Ok(());
    }
    let content = tokio::fs::read(&options.file).await.with_context(|| format!("{file} cannot be read"))?;
    let mut imported = 0_u32;
    let mut rejected = BTreeMap::new();
    for (number, line) in (1_i64..).zip(content.split(|byte| *byte == b'\n')).skip(1) {
        if line.is_empty() {
            continue;
        }
        let accepted = match parse(line) {
            Ok(order) if insert(&mut transaction, &order).await? => Ok(()),
            Ok(_known) => Err(Reason::RepeatedId),
            Err(reason) => Err(reason),
        };
        match accepted {
            Ok(()) => imported += 1,
            Err(reason) => {
                reject(&mut transaction, number, reason, line).await?;
                rejected.entry(reason).or_insert_with(Vec::new).push(number);
            }
        }
    }
    for (reason, lines) in &rejected {
        tracing::warn!(%reason, count = lines.len(), first_line = lines[0], "rows rejected");
    }
    tracing::info!(file, imported, rejected = rejected.values().map(Vec::len).sum::<usize>(), "orders imported");
    Ok(())
}

/// Stores an order; false if there is one with this id.
async fn insert(transaction: &mut Transaction<'_, Sqlite>, order: &Order) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO orders (id, placed_at, customer, email, city, currency, amount, note) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(order.id)
    .bind(order.placed_at.as_second())
    .bind(&order.customer)
    .bind(&order.email)
    .bind(&order.city)
    .bind(&order.currency)
    .bind(order.amount)
    .bind(&order.note)
    .execute(&mut **transaction)
    .await?
    .rows_affected();
    if inserted == 0 {
        return Ok(false);
    }
    for item in &order.items {
        sqlx::query("INSERT INTO order_items (order_id, article, quantity, unit_price) VALUES (?, ?, ?, ?)")
            .bind(order.id)
            .bind(&item.article)
            .bind(item.quantity)
            .bind(item.unit_price)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(true)
}

/// Keeps a row that is no order, as it stands in the file.
async fn reject(
    transaction: &mut Transaction<'_, Sqlite>,
    number: i64,
    reason: Reason,
    line: &[u8],
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO rejects (line, reason, text) VALUES (?, ?, ?)")
        .bind(number)
        .bind(reason.to_string())
        .bind(line)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Why a row is no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
enum Reason {
    #[error("not UTF-8")]
    NotUtf8,
    #[error("broken quotes")]
    BrokenQuotes,
    #[error("too few fields")]
    TooFewFields,
    #[error("too many fields")]
    TooManyFields,
    #[error("a field is empty")]
    Empty,
    #[error("bad id")]
    BadId,
    #[error("bad date")]
    BadDate,
    #[error("bad items")]
    BadItems,
    #[error("bad amount")]
    BadAmount,
    #[error("repeated id")]
    RepeatedId,
}

#[derive(Debug)]
struct Order {
    id: i64,
    placed_at: jiff::Timestamp,
    customer: String,
    email: String,
    city: String,
    currency: String,
    items: Vec<Item>,
    amount: i64,
    note: String,
}

#[derive(Debug, PartialEq)]
struct Item {
    article: String,
    quantity: i64,
    unit_price: i64,
}

fn parse(line: &[u8]) -> Result<Order, Reason> {
    let line = std::str::from_utf8(line).map_err(|_invalid| Reason::NotUtf8)?;
    let fields: [String; 9] = fields(line)?.try_into().map_err(|fields: Vec<_>| match fields.len() {
        0..9 => Reason::TooFewFields,
        _ => Reason::TooManyFields,
    })?;
    let [id, placed_at, customer, email, city, currency, items, amount, note] = fields;
    if [&customer, &email, &city, &currency].iter().any(|field| field.trim().is_empty()) {
        return Err(Reason::Empty);
    }
    Ok(Order {
        id: positive(&id).ok_or(Reason::BadId)?,
        placed_at: placed_at.parse().map_err(|_invalid| Reason::BadDate)?,
        items: items.split(';').map(item).collect::<Option<_>>().ok_or(Reason::BadItems)?,
        amount: cents(&amount).ok_or(Reason::BadAmount)?,
        customer,
        email,
        city,
        currency,
        note,
    })
}

/// Splits a line at its commas. A field that contains a comma or a quote stands in quotes, its quotes doubled.
fn fields(line: &str) -> Result<Vec<String>, Reason> {
    let mut fields = Vec::new();
    let mut rest = line.trim_end_matches('\r');
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => until_closing_quote(quoted)?,
            None => {
                let (field, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                (field.to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(Reason::BrokenQuotes),
        }
    }
}

/// The content of a quoted field, and what follows it.
fn until_closing_quote(text: &str) -> Result<(String, &str), Reason> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"').ok_or(Reason::BrokenQuotes)?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(further) => {
                field.push('"');
                rest = further;
            }
            None => return Ok((field, after)),
        }
    }
}

/// `SKU-0042x3@19.90`
fn item(text: &str) -> Option<Item> {
    let (article, rest) = text.split_once('x')?;
    let (quantity, unit_price) = rest.split_once('@')?;
    let article = Some(article).filter(|article| !article.is_empty())?.to_owned();
    Some(Item { article, quantity: positive(quantity)?, unit_price: cents(unit_price)? })
}

fn positive(text: &str) -> Option<i64> {
    digits(text).filter(|number| *number > 0)
}

/// `19.90`
fn cents(text: &str) -> Option<i64> {
    let (whole, cents) = text.split_once('.')?;
    let cents = digits(cents).filter(|_| cents.len() == 2)?;
    digits(whole)?.checked_mul(100)?.checked_add(cents)
}

/// Digits and nothing else, no sign either.
fn digits(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_row_is_an_order() {
        let line = "7,2026-09-01T07:12:45Z,Customer 0001,a@example.com,Gent,EUR,Ax2@1.50;Bx1@0.05,3.05,\"the \"\"blue\"\" one, please\"\r";
        let order = parse(line.as_bytes()).expect("it is good");
        assert_eq!((order.id, order.amount, order.placed_at.as_second()), (7, 305, 1_788_246_765));
        assert_eq!(order.note, "the \"blue\" one, please");
        let item = |article: &str, quantity, unit_price| Item { article: article.to_owned(), quantity, unit_price };
        assert_eq!(order.items, [item("A", 2, 150), item("B", 1, 5)]);
    }

    #[test]
    fn a_malformed_row_has_a_reason() {
        for (id, placed_at, customer, items, amount, note, reason) in [
            ("", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "1.00", "", Reason::BadId),
            ("+7", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "1.00", "", Reason::BadId),
            ("0", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "1.00", "", Reason::BadId),
            ("99999999999999999999", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "1.00", "", Reason::BadId),
            ("7", "2026-02-30T07:12:45Z", "c", "Ax1@1.00", "1.00", "", Reason::BadDate),
            ("7", "01/09/2026 07:12", "c", "Ax1@1.00", "1.00", "", Reason::BadDate),
            ("7", "2026-09-01T07:12:45Z", " ", "Ax1@1.00", "1.00", "", Reason::Empty),
            ("7", "2026-09-01T07:12:45Z", "c", "", "1.00", "", Reason::BadItems),
            ("7", "2026-09-01T07:12:45Z", "c", "Ax-1@1.00", "1.00", "", Reason::BadItems),
            ("7", "2026-09-01T07:12:45Z", "c", "Ax0@1.00", "1.00", "", Reason::BadItems),
            ("7", "2026-09-01T07:12:45Z", "c", "Ax1@1.00;", "1.00", "", Reason::BadItems),
            ("7", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "1.0", "", Reason::BadAmount),
            ("7", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "-1.00", "", Reason::BadAmount),
            ("7", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "1.00", "a, b", Reason::TooManyFields),
            ("7", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "1.00", "\"open", Reason::BrokenQuotes),
            ("7", "2026-09-01T07:12:45Z", "c", "Ax1@1.00", "1.00", "\"a\"b", Reason::BrokenQuotes),
        ] {
            let line = format!("{id},{placed_at},{customer},a@example.com,Gent,EUR,{items},{amount},{note}");
            assert_eq!(parse(line.as_bytes()).err(), Some(reason), "{line}");
        }
        assert_eq!(parse(b"7,2026-09-01T07:12:45Z,c").err(), Some(Reason::TooFewFields));
        assert_eq!(parse(b"7,D\xfcsseldorf").err(), Some(Reason::NotUtf8));
    }
}
