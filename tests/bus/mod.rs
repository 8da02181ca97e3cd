//! Tests of the bus against a real RabbitMQ, and of its declarations against recorded frames.

mod receiving;
mod sending;
mod topology;
