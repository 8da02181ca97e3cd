//! Tests of `xms`, and of `backend` on top of it, against canned replies over real HTTP(S).

mod adopt;
mod attach;
mod copies;
mod detect;
mod failures;
mod fake;
mod requests;
mod secrets;
mod stats;
mod tls;
