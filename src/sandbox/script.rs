//! `telekommo sandbox --script`: a short conversation both ways, played, printed and checked.

use std::{process::ExitCode, time::Duration};

use tokio::time::Instant;

use crate::{
    cli::terminal,
    sandbox::{
        harness::{ANNA, BEN, Harness, LINES, Line, TimedOut},
        kommo::Status,
    },
};

/// How long one message may take. On one machine it takes milliseconds.
const WITHIN: Duration = Duration::from_secs(20);

/// The author of a line of the script.
#[derive(Clone, Copy)]
enum Speaker {
    Customer(i64),
    /// A manager, to that customer.
    Manager(&'static str, i64),
}

use Speaker::{Customer, Manager};

const SCRIPT: [(usize, Speaker, &str); 8] = [
    (0, Customer(ANNA), "/start"),
    (0, Customer(ANNA), "Hello! Is the walnut desk still available? 😊"),
    (0, Manager("Maria", ANNA), "Hello Anna! Yes, two are left."),
    (1, Customer(BEN), "Привет! Where is my invoice?"),
    (1, Manager("Salesbot", BEN), "Hello Ben, one moment please."),
    (1, Manager("Maria", BEN), "Here it is: INV-2041"),
    (0, Customer(ANNA), "Great, I take one"),
    (0, Manager("Maria", ANNA), "Reserved for you until Friday."),
];

/// Plays the script. The exit code is 0 if all of it arrived, 1 if not.
pub async fn run() -> anyhow::Result<ExitCode> {
    let mut stage = Harness::start("").await?;
    let started = Instant::now();
    terminal::print("A customer writes in Telegram (>), a manager answers in Kommo (<).\n\n");
    for (line, speaker, text) in SCRIPT {
        if let Err(timed_out) = play(&stage, LINES[line], speaker, text).await {
            terminal::print(format_args!("\nNot all of it arrived: {timed_out}.\n"));
            terminal::print("`telekommo sandbox` shows in a browser what passes, and where it stops.\n");
            stage.stop_bridge().await;
            return Ok(ExitCode::FAILURE);
        }
    }
    terminal::print(format_args!(
        "\nAll {} messages arrived, in {} ms.\n",
        SCRIPT.len(),
        started.elapsed().as_millis()
    ));
    terminal::print("Next: `telekommo sandbox` lets you play both parts yourself, in a browser.\n");
    stage.stop_bridge().await;
    Ok(ExitCode::SUCCESS)
}

async fn play(stage: &Harness, line: Line, speaker: Speaker, text: &str) -> Result<(), TimedOut> {
    let started = Instant::now();
    let (arrow, who, what) = match speaker {
        Customer(id) => {
            stage.telegram.write(line.token, id, text);
            stage.until("the message is in Kommo", WITHIN, |stage| kommo_has(stage, line, id, text)).await?;
            ('>', "customer", "in Kommo")
        }
        Manager(name, id) => {
            stage.kommo.reply(&conversation(line, id), name, text).await;
            stage.until("the answer is in Telegram", WITHIN, |stage| telegram_has(stage, line, id, text)).await?;
            stage.until("Kommo shows it as delivered", WITHIN, |stage| delivered(stage, line, id, text)).await?;
            ('<', name, "delivered")
        }
    };
    terminal::print(format_args!(
        "{arrow} {:<12} {who:<9} {text}\n  {what} after {} ms\n",
        line.name,
        started.elapsed().as_millis()
    ));
    Ok(())
}

fn conversation(line: Line, customer: i64) -> String {
    format!("tg:{}:{customer}", line.source)
}

fn kommo_has(stage: &Harness, line: Line, customer: i64, text: &str) -> bool {
    let chat = stage.kommo.chat(&conversation(line, customer));
    chat.is_some_and(|chat| chat.messages.iter().any(|message| message.text == text))
}

fn telegram_has(stage: &Harness, line: Line, customer: i64, text: &str) -> bool {
    stage.telegram.messages(line.token, customer).iter().any(|message| message.from_bot && message.text == text)
}

fn delivered(stage: &Harness, line: Line, customer: i64, text: &str) -> bool {
    let chat = stage.kommo.chat(&conversation(line, customer));
    chat.is_some_and(|chat| {
        chat.messages.iter().any(|message| message.text == text && message.status == Status::Delivered)
    })
}
