//! A TCP proxy on every link.
