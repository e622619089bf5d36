//! Settings that tell telekommo what to assume about the account.

use crate::{
    config::{
        error::{Reported, Wrong},
        parse,
        section::Section,
    },
    domain::assumed::{Assumed, StatusNames},
};

pub(super) fn read(section: &Section<'_>) -> Result<Assumed, Reported> {
    let status_names = section.optional("status_names", status_names);
    let status_in_messages = section.optional("status_in_messages", parse::flag);
    let customer_edits = section.optional("customer_edits", parse::flag);
    Ok(Assumed {
        status_names: status_names?,
        status_in_messages: status_in_messages?,
        customer_edits: customer_edits?,
    })
}

fn status_names(text: &str) -> Result<StatusNames, Wrong> {
    let found = StatusNames::ALL.into_iter().find(|names| names.name() == text);
    found.ok_or_else(|| {
        Wrong::new("is none of \"both\", \"status_code\" and \"delivery_status\": write one of them, or leave it out")
    })
}
