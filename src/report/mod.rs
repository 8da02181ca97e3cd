//! Heartbeat, capability reports, notifications, user messages.
