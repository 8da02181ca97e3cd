//! What the journal keeps from starting: a full disk, and commands that never end.
