//! Delivery statuses ("Update message delivery status").

use serde::Serialize;

/// The body of `POST …/{msgid}/delivery_status`.
///
/// The reference names the number `status_code` in its table and `delivery_status` in its samples. The changelog says
/// that the second was renamed and that `msgid` is no longer part of the body. It is unknown which of them an account
/// accepts, so both are sent until it refuses one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryStatus {
    /// Kommo's id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msgid: Option<String>,
    /// 1 delivered, 2 read, -1 failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<i32>,
    /// The same number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_status: Option<i32>,
    /// 901 to 905, only with -1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i32>,
    /// The sentence that the manager sees, only with -1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl DeliveryStatus {
    /// Only with the newer name.
    #[must_use]
    pub fn newer(&self) -> Self {
        Self { msgid: None, delivery_status: None, ..self.clone() }
    }

    /// Only with the older name.
    #[must_use]
    pub fn older(&self) -> Self {
        Self { status_code: None, ..self.clone() }
    }
}

/// `message.delivery_status`: the status of a new message ("Send, import and edit messages").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// As in a [`DeliveryStatus`].
    pub status_code: i32,
}

impl Delivered {
    /// The message has arrived.
    pub const ARRIVED: Self = Self { status_code: 1 };
}
