//! From a plan to outcomes: one loop that acts, and plain methods that decide.
