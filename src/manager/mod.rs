//! One file a command: the rules of cinder-volume.
