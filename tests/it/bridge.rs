//! The bridge in process, between the fakes.
