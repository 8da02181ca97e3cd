//! RabbitMQ: the only user of lapin. Knows queues and bytes, no commands.
