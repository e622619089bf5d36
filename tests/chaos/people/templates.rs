//! Templates: texts with gaps, which Kommo fills in.

use telekommo::sandbox::kommo::{Draft, Template};

use super::{Item, Part};

/// How often one is sent, in milliseconds.
const PACE_MS: std::ops::Range<u64> = 800..2500;
/// A gap, as it stands in a template.
const GAP: &str = "{{lead.id}}";

/// A manager sends one.
pub(super) async fn send(mut part: Part) {
    let mut ticks = part.pace(PACE_MS);
    while part.turn(&mut ticks).await {
        if !part.talk.is_known(&part.kommo) {
            continue;
        }
        let (tag, number) = (part.talk.tag(), part.note(|said| said.answers.len()));
        let template = Template {
            id: 1,
            external_id: None,
            content: format!("{tag} answer {GAP} by template"),
            params: vec![(GAP.to_owned(), number.to_string())],
        };
        let shows = Item::text(format!("{tag} answer {number} by template"));
        part.say(shows, None, Draft::template(&template), Vec::new()).await;
    }
}
