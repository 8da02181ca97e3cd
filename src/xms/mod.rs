//! Typed client of the XMS REST API: the only user of reqwest for XMS.
