CREATE TABLE IF NOT EXISTS events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    body        TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS stock (
    article     TEXT PRIMARY KEY,
    quantity    INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS progress (
    last_event  INTEGER NOT NULL
);
INSERT INTO progress SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM progress);

CREATE TABLE IF NOT EXISTS set_aside (
    event       INTEGER PRIMARY KEY REFERENCES events (id),
    error       TEXT NOT NULL
);
