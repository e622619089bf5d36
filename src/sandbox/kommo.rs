//! kommo
