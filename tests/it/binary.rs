//! The real binary: exit codes, signals, kill -9.
