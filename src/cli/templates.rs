//! `telekommo templates`: chat templates in a file, in sync with the account.
//!
//! The file says what the templates are to be; `push` makes and changes them in Kommo. What Kommo has beyond the file
//! is told and left alone: only `remove` deletes. A template is recognised by the id that the file gives it
//! (`external_id`), so a push that broke off is simply made again.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use reqwest::StatusCode;

use crate::{
    admin::identity,
    cli::terminal::{self, table},
    config::Config,
    files::{denied, text},
    kommo::{
        account::{Account, RestError},
        wire::account::Template,
    },
};

mod file;
mod step;

use file::Wanted;
use step::Step;

/// What `push --help` says.
const PUSH: &str = "Create and change templates in Kommo from a file; delete nothing.

The file is TOML, with a [[template]] for each template:

  [[template]]
  id = \"price\"             # never change it: the template is recognised by it
  name = \"Price list\"      # what managers see in the list
  content = \"Our prices, {{contact.name}}:\"
  editable = true           # managers may change the text [default: false]
  buttons = [{ text = \"Open\", url = \"https://example.com/prices\" }]

A button without an address sends its label: buttons = [\"Yes\", \"No\"]. Either
all buttons of a template have an address, or none has.";

/// What to do with templates.
#[derive(Clone, Debug, Subcommand)]
pub enum Request {
    /// List the templates of this integration in Kommo.
    List,
    /// Create and change templates in Kommo from a file; delete nothing.
    #[command(long_about = PUSH)]
    Push {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Say what would be done; change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete one template in Kommo.
    Remove {
        /// Its id, as in the file or as `list` shows it; or its number in Kommo.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Does it, and prints what was done.
///
/// # Errors
/// If the file is wrong, there is no token, or Kommo refuses.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    match request {
        Request::List => list(&account(config)?).await,
        // A wrong file is reported before Kommo is asked for anything.
        Request::Push { file, dry_run } => {
            let wanted = read(&file)?;
            push(&account(config)?, &wanted, dry_run).await
        }
        Request::Remove { name } => remove(&account(config)?, &name).await,
    }
}

fn account(config: &Config) -> anyhow::Result<Account> {
    identity::client(&config.kommo)?.context(
        "templates need the account's REST API: set kommo.account_url, and kommo.access_token to a long-lived token of \
         this integration",
    )
}

fn read(path: &Path) -> anyhow::Result<Vec<Wanted>> {
    let text = text::read(path).map_err(|error| anyhow::anyhow!(denied::unread(path, &error)))?;
    file::parse(&text).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("\n  {}:{problem}", path.display()));
        anyhow::anyhow!("the file has errors, and nothing was changed:{}", lines.collect::<String>())
    })
}

async fn list(account: &Account) -> anyhow::Result<()> {
    let known = account.templates().await?;
    if known.is_empty() {
        terminal::say("Kommo has no templates of this integration.\n");
        return Ok(());
    }
    let header = ["ID", "NAME", "TEXT"].map(str::to_owned);
    let rows: Vec<_> = [header].into_iter().chain(known.iter().map(row)).collect();
    terminal::print(table(&rows, 2));
    Ok(())
}

fn row(template: &Template) -> [String; 3] {
    let content = template.content.clone().unwrap_or_default();
    let first = content.lines().next().unwrap_or_default().to_owned();
    [shown_id(template), template.name.clone().unwrap_or_default(), first]
}

/// The id in the file, or the number of one that was made without.
fn shown_id(template: &Template) -> String {
    match template.external_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => id.to_owned(),
        None => template.id.map(|id| format!("#{id}")).unwrap_or_default(),
    }
}

async fn push(account: &Account, wanted: &[Wanted], dry_run: bool) -> anyhow::Result<()> {
    let known = account.templates().await?;
    let mut refused = 0;
    for template in wanted {
        let step = Step::of(template, &known);
        if !dry_run && let Err(error) = step.take(account).await {
            if !is_about_one(&error) {
                bail!("{}: {}", template.id, sentence(&error));
            }
            terminal::eprint(format_args!("{}: refused: {error}\n", template.id));
            refused += 1;
            continue;
        }
        terminal::say(&format!("{}: {}{step}\n", template.id, if dry_run { "would be " } else { "" }));
    }
    for stranger in known.iter().filter(|known| !wanted.iter().any(|it| it.is(known))) {
        terminal::say(&format!("{}: in Kommo, but not in the file; left as it is\n", shown_id(stranger)));
    }
    if refused > 0 {
        bail!("Kommo refused {refused} of {} templates; push again when they are corrected", wanted.len());
    }
    Ok(())
}

/// Whether the next template may fare better.
fn is_about_one(error: &RestError) -> bool {
    matches!(error, RestError::Refused { status: StatusCode::BAD_REQUEST, .. })
}

fn sentence(error: &RestError) -> String {
    match error {
        RestError::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, .. } => format!(
            "the account has all the templates that it may have ({error}). What is listed above is done; delete one \
             that you do not need (`telekommo templates remove`), and push again"
        ),
        RestError::Refused { .. }
        | RestError::Throttled { .. }
        | RestError::ForeignAnswer(_)
        | RestError::Foreign(_)
        | RestError::Unreachable(_) => format!("{error}. What is listed above is done; push again later"),
    }
}

async fn remove(account: &Account, name: &str) -> anyhow::Result<()> {
    let known = account.templates().await?;
    let number = name.strip_prefix('#').unwrap_or(name).parse().ok();
    let by_id: Vec<_> = known.iter().filter(|it| it.external_id.as_deref() == Some(name)).collect();
    let found =
        if by_id.is_empty() { known.iter().filter(|it| it.id.is_some() && it.id == number).collect() } else { by_id };
    let numbers: Vec<_> = found.iter().filter_map(|template| template.id).collect();
    match numbers[..] {
        [id] => {
            account.delete_template(id).await?;
            terminal::say(&format!(
                "{name}: deleted in Kommo. If it is still in your file, the next push creates it again.\n"
            ));
            Ok(())
        }
        [] => bail!("Kommo has no template {name} of this integration; `telekommo templates list` shows them"),
        _ => bail!("Kommo has several templates {name}: name one by its number, {}", numbers_of(&numbers)),
    }
}

fn numbers_of(numbers: &[u64]) -> String {
    numbers.iter().map(|number| format!("#{number}")).collect::<Vec<_>>().join(" or ")
}
