//! What else a message can be: a template, a keyboard, a place, a card, an answer to a comment.

use serde_json::{Value, json};

use crate::sandbox::kommo::{Draft, Template};

impl Draft {
    /// A template: its text with the gaps filled, and what it was made of.
    pub fn template(template: &Template) -> Self {
        Self::text(template.rendered()).with("template", template.shape())
    }

    /// With buttons, row by row: a press says what stands on it.
    #[must_use]
    pub fn buttons(self, rows: &[&[&str]]) -> Self {
        self.keyboard(rows.iter().map(|row| row.iter().map(|text| json!({ "text": text })).collect()))
    }

    /// With buttons that open links, row by row: text and address.
    #[must_use]
    pub fn links(self, rows: &[&[(&str, &str)]]) -> Self {
        let link = |(text, url): &(&str, &str)| json!({ "text": text, "url": url });
        self.keyboard(rows.iter().map(|row| row.iter().map(link).collect()))
    }

    fn keyboard(self, rows: impl Iterator<Item = Vec<Value>>) -> Self {
        self.markup(json!({ "mode": "inline", "buttons": rows.collect::<Vec<_>>() }))
    }

    /// With a list of one section to choose from: each row is `callback_data` and title.
    #[must_use]
    pub fn list(self, button: &str, rows: &[(&str, &str)]) -> Self {
        let row = |(data, title): &(&str, &str)| json!({ "callback_data": data, "title": title, "description": "" });
        let sections = json!([{ "title": button, "rows": rows.iter().map(row).collect::<Vec<_>>() }]);
        let body = self.text.clone();
        let list = json!({ "header": "", "body": body, "footer": "", "button": button, "sections": sections });
        self.markup(json!({ "list_message": list }))
    }

    /// A place. No hook with one is documented: it has the shape of a customer's.
    pub fn place(lon: f64, lat: f64) -> Self {
        let place = Self::default().of_type("location").with("location", json!({ "lon": lon, "lat": lat }));
        Self { card: Some(format!("{lat}, {lon}")), ..place }
    }

    /// Somebody's card. No hook with one is documented: it has the shape of a customer's.
    pub fn card(name: &str, phone: &str) -> Self {
        let card = Self::default().of_type("contact").with("contact", json!({ "name": name, "phone": phone }));
        Self { card: Some(format!("{name}, {phone}")), ..card }
    }

    /// As the answer to a comment on a post.
    #[must_use]
    pub fn on_post(self, post_id: &str) -> Self {
        self.with("post", json!({ "id": post_id }))
    }
}
