//! Calls that die: replies, and what no caller waits for any more.
