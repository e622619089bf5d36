//! A listener that outlives the bridge: hooks that come while it restarts, or reads its configuration again.

use std::{fs, net::TcpListener, os::fd::OwnedFd, path::Path, process::Stdio, time::Duration};

use rustix::process::Signal;
use telekommo::sandbox::harness::{ANNA, Harness, LINES};
use tokio::{
    process::Command,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::process::{Process, finished, run, with_config};
use crate::support::{BRISK, WITHIN, conversation};

/// How often there is a hook.
const HOOK_EVERY: Duration = Duration::from_millis(10);
/// How many restarts and how many reloads there are.
const ROUNDS: usize = 20;

/// The command with the listener handed over as systemd does: as its third file, with the number of its process.
pub(crate) fn handed(command: &Command, listener: &TcpListener, name: &str) -> Command {
    let std = command.as_std();
    let mut shell = Command::new("/bin/sh");
    let hand_over = "exec 3<&0 0</dev/null; LISTEN_PID=$$; export LISTEN_PID; exec \"$@\"";
    shell.args(["-c", hand_over, "sh"]).arg(std.get_program()).args(std.get_args()).env_clear().kill_on_drop(true);
    shell.envs(std.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name);
    shell.stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    shell
}

/// Lets a manager answer again and again until `stop`. Gives what the hooks got.
async fn answers(stage: &Harness, stop: CancellationToken) -> Vec<Option<u16>> {
    let (mut hooks, mut every) = (JoinSet::new(), interval(HOOK_EVERY));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0.. {
        if stop.run_until_cancelled(every.tick()).await.is_none() {
            break;
        }
        let kommo = stage.kommo.clone();
        hooks.spawn(async move {
            kommo.reply(&conversation(LINES[0], ANNA), "Maria", &format!("answer {number}")).await.1.status
        });
    }
    hooks.join_all().await
}

async fn reload(file: &Path, whole: &str, is_odd: bool) {
    fs::write(file, if is_odd { whole.split("[sources.support]").next().unwrap() } else { whole }).unwrap();
    assert_eq!(finished(with_config("reload", file)).await.status.code(), Some(0));
}

#[tokio::test]
async fn no_hook_is_lost_by_restarts_and_reloads() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    stage.hooks_go_to(listener.local_addr().unwrap());
    let command = run(&stage);
    let file = stage.dir().join("config.toml");
    let whole = fs::read_to_string(&file).unwrap();
    let start = || Process::spawn(handed(&command, &listener, "public"));
    let mut process = start();
    assert_eq!(process.ports().await.hooks, listener.local_addr().unwrap());
    stage.telegram.write(LINES[0].token, ANNA, "hello");
    let is_there = |stage: &Harness| stage.kommo.chat(&conversation(LINES[0], ANNA)).is_some();
    stage.until("the customer is in Kommo", WITHIN, is_there).await.unwrap();

    let stop = CancellationToken::new();
    let work = async {
        for round in 0..ROUNDS {
            let ended = process.end(Signal::TERM).await;
            assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
            process = start();
            process.ports().await;
            reload(&file, &whole, round % 2 == 0).await;
        }
        stop.cancel();
        process
    };
    let (hooks, process) = tokio::join!(answers(&stage, stop.clone()), work);
    let lost = hooks.iter().filter(|status| **status != Some(200)).count();
    assert!(hooks.len() > ROUNDS * 10 && lost == 0, "{lost} of {} hooks: {hooks:?}", hooks.len());
    let arrived = |stage: &Harness| {
        let texts = stage.telegram.messages(LINES[0].token, ANNA).into_iter().filter(|message| message.from_bot);
        texts.map(|message| message.text).collect::<std::collections::BTreeSet<_>>().len()
    };
    // A slow disk falls behind a hundred answers a second in one conversation.
    stage.until("all answers are there", WITHIN * 5, |stage| arrived(stage) == hooks.len()).await.unwrap();
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}

#[tokio::test]
async fn the_name_says_which_listener_it_is() {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let process = Process::spawn(handed(&run(&stage), &listener, "admin"));
    let ports = process.ports().await;
    assert_eq!(ports.admin, listener.local_addr().unwrap());
    assert_ne!(ports.hooks, ports.admin);
    assert_eq!(reqwest::get(format!("http://{}/live", ports.admin)).await.unwrap().status(), 200);
    assert_eq!(process.end(Signal::TERM).await.status.code(), Some(0));
}
