//! Cinder's own XtremIO drivers, from PyPI, over verified HTTPS: the simulator satisfies a client
//! that nobody here wrote, and what they make our backend takes over, and the other way round.

mod counts;
mod cross;
mod cross_copies;
mod fc;
mod groups;
mod iscsi;
mod lab;
mod peer;
mod volumes;
