CREATE TABLE IF NOT EXISTS imports (
    file          TEXT PRIMARY KEY,
    imported_at   INTEGER NOT NULL DEFAULT (unixepoch())
);

CREATE TABLE IF NOT EXISTS orders (
    id            INTEGER PRIMARY KEY,
    placed_at     INTEGER NOT NULL,
    customer      TEXT NOT NULL,
    email         TEXT NOT NULL,
    city          TEXT NOT NULL,
    currency      TEXT NOT NULL,
    amount        INTEGER NOT NULL,             -- cents, as all money here
    note          TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'claimed', 'processed', 'refused')),
    refusal       TEXT
);
CREATE INDEX IF NOT EXISTS orders_by_state ON orders (state);

CREATE TABLE IF NOT EXISTS order_items (
    order_id      INTEGER NOT NULL REFERENCES orders (id),
    article       TEXT NOT NULL,
    quantity      INTEGER NOT NULL,
    unit_price    INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS order_items_by_order ON order_items (order_id);

CREATE TABLE IF NOT EXISTS rejects (
    line          INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    text          BLOB NOT NULL,                -- as it stands in the file
    rejected_at   INTEGER NOT NULL DEFAULT (unixepoch())
);

CREATE TABLE IF NOT EXISTS invoices (
    number        INTEGER PRIMARY KEY,
    order_id      INTEGER NOT NULL REFERENCES orders (id),
    amount        INTEGER NOT NULL,
    issued_at     INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS sales (
    article       TEXT PRIMARY KEY,
    quantity      INTEGER NOT NULL
);
