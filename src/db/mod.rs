//! Cinder database through sea-orm: only the columns we touch.
