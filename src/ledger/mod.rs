//! The durable record of runs, in SQLite.
