//! Tests of the bus against a real RabbitMQ, and of its declarations against recorded frames.

mod bench;
mod hosts;
mod peer;
mod python_client;
mod python_peer;
mod read_up_to;
mod receiving;
mod secrets;
mod sending;
mod tls;
mod topology;
mod window;
