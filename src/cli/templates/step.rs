//! What is to be done so that Kommo has a template as the file says.

use std::fmt;

use crate::{
    cli::templates::file::Wanted,
    kommo::{
        account::{Account, RestError},
        wire::account::{KnownButton, NewTemplate, Template, TemplateButton, TemplateChange},
    },
};

/// The kind of template that no messenger has to approve.
const PLAIN: &str = "amocrm";

/// What is to be done about one template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Kommo does not have it.
    Create(NewTemplate),
    /// Kommo has another one under its id.
    Change(u64, TemplateChange),
    /// Nothing.
    Keep,
}

impl Step {
    /// What is to be done about `wanted`, if Kommo has `known`.
    pub(super) fn of(wanted: &Wanted, known: &[Template]) -> Self {
        let found = known.iter().find(|known| wanted.is(known)).and_then(|known| Some((known.id?, known)));
        let Some((id, known)) = found else { return Self::Create(new(wanted)) };
        let buttons = buttons(wanted);
        let change = TemplateChange {
            name: (known.name.as_ref() != Some(&wanted.name)).then(|| wanted.name.clone()),
            content: (known.content.as_ref() != Some(&wanted.content)).then(|| wanted.content.clone()),
            is_editable: (known.is_editable.unwrap_or_default() != wanted.editable).then_some(wanted.editable),
            buttons: (!are_same(&buttons, known.buttons.as_deref().unwrap_or_default())).then_some(buttons),
            ..TemplateChange::default()
        };
        if change == TemplateChange::default() { Self::Keep } else { Self::Change(id, change) }
    }

    pub(super) async fn take(&self, account: &Account) -> Result<(), RestError> {
        match self {
            Self::Create(new) => account.create_template(new).await.map(drop),
            Self::Change(id, change) => account.update_template(*id, change).await,
            Self::Keep => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(_) => f.write_str("created in Kommo"),
            Self::Change(_, change) => {
                let parts = [
                    (change.name.is_some(), "name"),
                    (change.content.is_some(), "content"),
                    (change.is_editable.is_some(), "editable"),
                    (change.buttons.is_some(), "buttons"),
                ];
                let parts: Vec<_> = parts.into_iter().filter(|(changed, _)| *changed).map(|(_, name)| name).collect();
                write!(f, "changed in Kommo ({})", parts.join(", "))
            }
            Self::Keep => f.write_str("unchanged"),
        }
    }
}

fn new(wanted: &Wanted) -> NewTemplate {
    NewTemplate {
        name: wanted.name.clone(),
        content: wanted.content.clone(),
        r#type: PLAIN,
        is_editable: wanted.editable,
        external_id: wanted.id.clone(),
        buttons: buttons(wanted),
    }
}

fn buttons(wanted: &Wanted) -> Vec<TemplateButton> {
    let button = |(text, url): &(String, Option<String>)| TemplateButton {
        r#type: if url.is_some() { "url" } else { "inline" },
        text: text.clone(),
        url: url.clone(),
    };
    wanted.buttons.iter().map(button).collect()
}

fn are_same(wanted: &[TemplateButton], known: &[KnownButton]) -> bool {
    let is_same = |(wanted, known): (&TemplateButton, &KnownButton)| {
        known.r#type.as_deref() == Some(wanted.r#type)
            && known.text.as_ref() == Some(&wanted.text)
            && known.url.as_deref().filter(|url| !url.is_empty()) == wanted.url.as_deref()
    };
    wanted.len() == known.len() && wanted.iter().zip(known).all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            id: "price".to_owned(),
            name: "Prices".to_owned(),
            content: "See:".to_owned(),
            editable: false,
            buttons: vec![("Open".to_owned(), Some("https://example.com".to_owned()))],
        }
    }

    fn known(change: &str) -> Template {
        let text = format!(
            r#"{{"id":7,"external_id":"price","name":"Prices","content":"See:","is_editable":false,
                "buttons":[{{"type":"url","text":"Open","url":"https://example.com"}}]{change}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn only_what_differs_is_changed() {
        assert_eq!(Step::of(&wanted(), &[known("")]), Step::Keep);
        assert_eq!(Step::of(&wanted(), &[]).to_string(), "created in Kommo");
        let other = Template { name: Some("Other".to_owned()), buttons: None, ..known("") };
        let step = Step::of(&wanted(), &[other]);
        assert_eq!(step.to_string(), "changed in Kommo (name, buttons)");
        assert!(matches!(step, Step::Change(7, TemplateChange { content: None, is_editable: None, .. })));
    }

    #[test]
    fn buttons_that_are_gone_from_the_file_are_taken_away() {
        let bare = Wanted { buttons: Vec::new(), ..wanted() };
        let Step::Change(_, change) = Step::of(&bare, &[known("")]) else { unreachable!("the buttons differ") };
        assert_eq!(serde_json::to_string(&change).unwrap(), r#"{"buttons":[]}"#);
    }
}
