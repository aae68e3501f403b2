//! From a run's record to bytes: pure functions.
