//! What changed in 2026, or was first written about then: nobody has tried it on a live account.

/// By which names a delivery status tells its number. The changelog says that `delivery_status` was renamed to
/// `status_code` and that `msgid` was taken out of the body; the samples have the older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusNames {
    Any,
    /// `status_code`: a body with one of the older ones is refused.
    Newer,
    /// `delivery_status`: a body with `status_code` is refused.
    Older,
}

/// In which shape the Chats API tells an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorShape {
    /// `error_code`, `error_type` and `error_description`.
    Older,
    /// `title`, `status`, `detail` and `trace_id`, as on the page of HTTP codes.
    Newer,
}

/// Where a 429 tells how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitIn {
    /// In `Retry-After`, where HTTP puts it.
    Header,
    /// In `retry_after` of the body, as on the page of HTTP codes.
    Body,
}

/// Where a manager's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAddress {
    /// `/attachments/{account}/{file}/{name}`.
    Older,
    /// `/v2/{account}/attachments/{file}/{name}`.
    Newer,
}
