//! Arguments, configuration, application, exit code.

fn main() {}
