//! oslo.messaging and Cinder wire shapes: bytes in, types out. No I/O.
