//! In whose name the owner's messages are imported.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

use crate::{
    admin::identity,
    config::{ChannelBotId, Config},
    domain::{address::KommoUserId, amount::counted, imported::ImportAuthor},
    kommo::wire::account::User,
};

/// Who stands as the author of what the owner wrote, by Kommo's ids.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    bot: Option<String>,
    /// By the name in the export.
    managers: BTreeMap<String, String>,
}

impl People {
    /// The channel's bot, and the managers that the operator names: each `NAME=USER`, where the user is a name in Kommo
    /// or an id.
    ///
    /// # Errors
    /// If a user is not to be found.
    pub(super) async fn find(config: &Config, named: &[String]) -> anyhow::Result<Self> {
        let pairs: Vec<_> = named.iter().map(|pair| split(pair)).collect::<Result<_, _>>()?;
        let users = if pairs.iter().all(|(_, user)| id(user).is_some()) { Vec::new() } else { users(config).await? };
        let manager = |(name, user): (&str, &str)| Ok((name.to_owned(), known(user, &users)?));
        let managers = pairs.into_iter().map(manager).collect::<anyhow::Result<_>>()?;
        Ok(Self { bot: config.kommo.bot_id.as_ref().map(ToString::to_string), managers })
    }

    /// Makes sure that so many messages of the owner's have an author in Kommo.
    ///
    /// # Errors
    /// If there is nobody.
    pub(super) fn stand_for(&self, outgoing: usize) -> anyhow::Result<()> {
        if outgoing > 0 && self.bot.is_none() && self.managers.is_empty() {
            bail!(
                "the owner wrote {}, and Kommo accepts that only in the name of a user or of the bot: set \
                 kommo.bot_id, or use --manager NAME=USER",
                counted(outgoing, "message")
            );
        }
        Ok(())
    }

    /// The authors that the operator names, by their names in the export.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        self.managers.keys().map(String::as_str)
    }

    /// In whose name a message of this author is imported. A `fresh` one is always the bot's: what is imported in a
    /// manager's name may come back as a hook, and only its age tells that it must not be sent to the customer again.
    pub(super) fn author(&self, name: &str, fresh: bool) -> Result<ImportAuthor, String> {
        let manager = self.managers.get(name).filter(|_| !fresh);
        let user = manager.or(self.bot.as_ref()).cloned().ok_or_else(|| {
            let why = if fresh {
                "it is not a day old, and only kommo.bot_id can be the author of such a message"
            } else {
                "--manager does not name them"
            };
            format!("Kommo has no author for {name}: {why}")
        })?;
        let (shown, is_manager) = (if name.is_empty() { "Telegram" } else { name }, manager.is_some());
        Ok(ImportAuthor { name: shown.to_owned(), user: KommoUserId(user), is_manager })
    }
}

fn split(pair: &str) -> anyhow::Result<(&str, &str)> {
    let (name, user) = pair.split_once('=').map(|(name, user)| (name.trim(), user.trim())).unwrap_or_default();
    if name.is_empty() || user.is_empty() {
        bail!("--manager {pair}: write the name in the export, =, and the user in Kommo");
    }
    Ok((name, user))
}

fn id(user: &str) -> Option<String> {
    ChannelBotId::parse(user).ok().map(|id| id.to_string())
}

async fn users(config: &Config) -> anyhow::Result<Vec<User>> {
    let account = identity::client(&config.kommo)?.context(
        "--manager: users are found by name over the account's REST API: set kommo.account_url and kommo.access_token, \
         or write the user's amojo_id",
    )?;
    account.users().await.context("--manager: the users of the account cannot be read")
}

fn known(user: &str, users: &[User]) -> anyhow::Result<String> {
    if let Some(id) = id(user) {
        return Ok(id);
    }
    let is_it = |it: &&User| it.name.as_ref().is_some_and(|name| name.to_lowercase() == user.to_lowercase());
    let found: Vec<_> = users.iter().filter(is_it).collect();
    match found[..] {
        [one] => {
            one.amojo_id.clone().with_context(|| format!("--manager: the user {user} has no id for chats in Kommo"))
        }
        [] => {
            let names: Vec<_> = users.iter().filter_map(|user| user.name.as_deref()).collect();
            bail!("--manager: there is no user {user} in Kommo; there are {}", names.join(", "))
        }
        _ => bail!("--manager: there are several users {user} in Kommo: write the amojo_id of the right one"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, amojo_id: Option<&str>) -> User {
        User { name: Some(name.to_owned()), amojo_id: amojo_id.map(str::to_owned), ..User::default() }
    }

    #[test]
    fn a_user_is_found_by_name_if_there_is_one_of_it() {
        let users = [user("Max", Some("id of max")), user("Eva", None), user("Tom", Some("1")), user("Tom", Some("2"))];
        assert_eq!(known("max", &users).unwrap(), "id of max");
        for (name, says) in [("Eva", "no id for chats"), ("Tom", "several users"), ("Ida", "there are Max, Eva")] {
            let error = known(name, &users).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let uuid = "F1910C7F-b1e0-4184-bd09-c7def2a9109a";
        assert_eq!(known(uuid, &[]).unwrap(), uuid.to_lowercase());
    }

    #[test]
    fn a_fresh_message_is_never_a_managers() {
        let managers = BTreeMap::from([("Max".to_owned(), "m".to_owned())]);
        let people = People { bot: Some("b".to_owned()), managers: managers.clone() };
        let author = |name, fresh| people.author(name, fresh).unwrap().user.0;
        assert_eq!(
            (author("Max", false), author("Max", true), author("Eva", false)),
            ("m".into(), "b".into(), "b".into())
        );
        let alone = People { bot: None, managers };
        assert!(alone.author("Max", true).unwrap_err().contains("not a day old"));
        assert!(alone.author("Eva", false).unwrap_err().contains("--manager"));
    }
}
