//! Single checks, for whoever asks for a configuration piece by piece.

use std::{collections::BTreeMap, fmt};

use crate::{
    admin::identity,
    app,
    cli::{
        bridge,
        check::{
            finding::{Finding, State},
            fine, kommo, public_address, report, telegram, wrong,
        },
        connect, terminal,
    },
    config::Config,
    domain::address::SourceId,
};

/// What was found.
#[derive(Debug)]
pub(in crate::cli) struct Findings(Vec<Finding>);

impl Findings {
    /// Whether nothing has to be done.
    pub(in crate::cli) fn is_well(&self) -> bool {
        self.0.iter().all(Finding::is_fine)
    }

    /// Whether something is wrong with this, by its label.
    pub(in crate::cli) fn is_wrong(&self, about: &str) -> bool {
        self.0.iter().any(|finding| finding.about == about && finding.state == State::Wrong)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = terminal::prompt_columns();
        self.0.iter().try_for_each(|finding| f.write_str(&report::line(finding, columns, false)))
    }
}

/// How the bot of a source stands.
pub(in crate::cli) async fn of_bot(config: &Config, source: &SourceId) -> anyhow::Result<Findings> {
    let bots: BTreeMap<_, _> = app::bots(config)?.into_iter().filter(|(of, _)| of == source).collect();
    Ok(Findings(
        telegram::ask(&bots, telegram::needs(config), (!runs(config)).then_some(config.telegram.poll_timeout)).await,
    ))
}

/// How the account stands, and the token for it.
pub(in crate::cli) async fn of_account(config: &Config) -> anyhow::Result<Findings> {
    let mut findings = vec![kommo::token(config)];
    if let Some(account) = identity::client(&config.kommo)? {
        findings.push(match account.verify().await {
            Ok(info) => {
                let (name, number) = (info.name.unwrap_or_default(), info.id.unwrap_or_default());
                fine("Account", format!("{name} ({number})"))
            }
            Err(error) => wrong("Account", error.to_string()),
        });
    }
    Ok(Findings(findings))
}

/// How the channel stands: whether its secret is right, and whether it is connected.
pub(in crate::cli) async fn of_channel(config: &Config) -> Findings {
    Findings(match connect::chats(config).await {
        Ok((chats, _)) => kommo::channel(config, &chats).await,
        Err(error) => vec![wrong("Channel", format!("{error:#}"))],
    })
}

/// Whether the public address leads here.
pub(in crate::cli) async fn of_address(config: &Config) -> anyhow::Result<Findings> {
    let bots = app::bots(config)?;
    let scope = connect::chats(config).await.ok().map(|(_, id)| config.kommo.scope_id(&id));
    let asked = public_address::Asked { config, scope, bots: &bots };
    let found = bridge::connect(config)?;
    let runs = found.is_some();
    Ok(Findings(public_address::look(&asked, found.as_ref(), runs).await))
}

fn runs(config: &Config) -> bool {
    bridge::connect(config).is_ok_and(|found| found.is_some())
}
