//! Real oslo.messaging beside us.
