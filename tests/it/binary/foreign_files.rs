//! Files of other users, and files that somebody has mounted. Only root can play another user, as whom the pipeline
//! runs.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use telekommo::sandbox::harness::{Harness, LINES};
use tokio::process::Command;

use super::process::{as_user, finished, telekommo, text, with_config};
use crate::support::BRISK;

/// A user who is nobody else's.
const NOBODY: u32 = 65534;
const TOKEN_FILE: &str = "TELEKOMMO_SOURCES__SALES__TOKEN_FILE";

/// Whether this process can play others; says so if not.
fn can_play_others() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        eprintln!("skipped: only root can play another user");
    }
    is_root
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A stage whose configuration everybody can read, and a token in a file of its own.
fn stage_with_token(mode: u32, owner: (u32, u32)) -> (Harness, PathBuf, PathBuf) {
    let stage = Harness::without_bridge(BRISK).unwrap();
    let config = stage.write_config().unwrap();
    let token = stage.dir().join("token-file");
    fs::write(&token, LINES[0].token).unwrap();
    chmod(stage.dir(), 0o755);
    chmod(&config, 0o644);
    chown(&token, Some(owner.0), Some(owner.1)).unwrap();
    chmod(&token, mode);
    (stage, config, token)
}

/// What `check` says as another user: the exit code, and the words of both streams.
async fn checked(config: &Path, token: &Path, us: (u32, u32)) -> (Option<i32>, String) {
    let mut command = telekommo(&["check", "--offline", "--config", config.to_str().unwrap()]);
    command.env(TOKEN_FILE, token);
    words(as_user(&command, us)).await
}

async fn words(command: Command) -> (Option<i32>, String) {
    let output = finished(command).await;
    let said = format!("{} {}", text(&output.stdout), text(&output.stderr));
    (output.status.code(), said.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[tokio::test]
async fn a_secret_of_another_user_is_told_with_whose_it_is_and_who_we_are() {
    if !can_play_others() {
        return;
    }
    let (_stage, config, token) = stage_with_token(0o600, (0, 0));
    let (code, said) = checked(&config, &token, (NOBODY, NOBODY)).await;
    assert_eq!(code, Some(2), "{said}");
    let want = format!(
        "{} cannot be read (permission denied: it belongs to root (uid 0) with the mode 600, and telekommo runs as \
         nobody (uid 65534)): run telekommo with sudo or as root (uid 0), or give it to the user that it runs as \
         (chown)",
        token.display()
    );
    assert!(said.contains(&want), "{said}");
    // A folder on the way that is closed is named in its place.
    chmod(token.parent().unwrap(), 0o700);
    let (code, said) = checked(&config, &token, (NOBODY, NOBODY)).await;
    let folder = format!("{} belongs to root (uid 0) with the mode 700", token.parent().unwrap().display());
    assert!(code == Some(2) && said.contains("config.toml: cannot be read") && said.contains(&folder), "{said}");
}

#[tokio::test]
async fn a_group_of_ones_own_is_no_other_user() {
    if !can_play_others() {
        return;
    }
    for (mode, owner, us, warns) in [
        (0o440, (0, 2000), (1000, 2000), false),
        (0o640, (0, 2000), (1000, 2000), false),
        (0o400, (1000, 1000), (1000, 1000), false),
        (0o444, (0, 2000), (1000, 2000), true),
        // Debian has the user games in the group of the number 60.
        (0o440, (0, 60), (1000, 60), true),
    ] {
        let (_stage, config, token) = stage_with_token(mode, owner);
        let (code, said) = checked(&config, &token, us).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.contains("token-file can be read by"), warns, "{mode:o} {owner:?}: {said}");
        if warns {
            assert!(said.contains("it belongs to root (uid 0): give it to the user that telekommo runs as"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_store_of_another_user_is_not_called_damaged() {
    if !can_play_others() {
        return;
    }
    let (stage, config, token) = stage_with_token(0o600, (NOBODY, NOBODY));
    let data = stage.dir().join("data");
    fs::create_dir(&data).unwrap();
    let refused = async |data: &Path| {
        let mut command = with_config("run", &config);
        command.env(TOKEN_FILE, &token).env("TELEKOMMO_DATA_DIR", data);
        let (code, said) = words(as_user(&command, (NOBODY, NOBODY))).await;
        assert!(code == Some(1) && said.contains("It is not damaged") && !said.contains("restore"), "{said}");
        said
    };
    chmod(&data, 0o700);
    let said = refused(&data).await;
    assert!(said.contains("it belongs to root (uid 0) with the mode 700, and telekommo runs as nobody"), "{said}");
    // Nothing can be made where root alone may write.
    let said = refused(&stage.dir().join("new")).await;
    assert!(said.contains(&format!("{} belongs to root (uid 0) with the mode 755", stage.dir().display())), "{said}");
    // A store that root has made in a folder of ours, as `sudo telekommo run` does.
    chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
    for (name, is_folder) in [("store", true), ("store.marker", false)] {
        let path = data.join(name);
        if is_folder {
            fs::create_dir(&path).unwrap();
        } else {
            fs::write(&path, "").unwrap();
        }
        chmod(&path, 0o700);
    }
    let said = refused(&data).await;
    assert!(said.contains(&format!("{} belongs to root (uid 0)", data.join("store").display())), "{said}");
    assert!(said.contains("Run telekommo with sudo or as root (uid 0), or give it"), "{said}");
}

/// Whether a mount of our own can be made that goes with the process; says so if not.
async fn can_mount() -> bool {
    let can = can_play_others()
        && Command::new("unshare").args(["-m", "true"]).status().await.is_ok_and(|status| status.success());
    if !can {
        eprintln!("skipped: nothing can be mounted here");
    }
    can
}

#[tokio::test]
async fn a_full_and_a_read_only_disk_are_told_as_such() {
    if !can_mount().await {
        return;
    }
    let stage = Harness::without_bridge(BRISK).unwrap();
    let config = stage.write_config().unwrap();
    let script = "mkdir \"$1\" && mount -t tmpfs -o size=200k tmpfs \"$1\" && { [ $4 = rw ] || mount -o remount,ro \
                  \"$1\"; } && TELEKOMMO_DATA_DIR=\"$1/data\" exec \"$3\" run --config \"$2\"";
    for (access, says) in [("rw", "Free some space there"), ("ro", "Make that file system writable")] {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).args([&stage.dir().join(access), &config]);
        command.args([env!("CARGO_BIN_EXE_telekommo"), access]);
        let (code, said) = words(command).await;
        assert!(code == Some(1) && said.contains(says) && said.contains("It is not damaged"), "{access}: {said}");
        assert!(!said.contains("restore"), "{access}: {said}");
    }
}

/// A secret as a container has it: open to all by its mode, and behind links, on a mount that nobody can write to.
#[tokio::test]
async fn what_a_container_mounts_is_taken_without_a_word() {
    if !can_mount().await {
        return;
    }
    let (stage, config, token) = stage_with_token(0o444, (0, 0));
    // Who runs it may not be let into the folder that it was built in.
    let script = "{ ln -f \"$5\" \"$1/program\" 2>/dev/null || cp \"$5\" \"$1/program\"; } && mount -t tmpfs tmpfs \
                  \"$1/mount\" && mkdir \"$1/mount/..new\" && ln -s ..new \"$1/mount/..data\" && cp \"$2\" \
                  \"$1/mount/..new/token\" && chmod 444 \"$1/mount/..new/token\" && ln -s ..data/token \
                  \"$1/mount/token\" && { [ \"$4\" = rw ] || mount -o remount,ro \"$1/mount\"; } && \
                  TELEKOMMO_SOURCES__SALES__TOKEN_FILE=\"$1/mount/token\" exec setpriv --reuid 1000 --regid 1000 \
                  --clear-groups \"$1/program\" check --offline --config \"$3\"";
    fs::create_dir(stage.dir().join("mount")).unwrap();
    for (access, warns) in [("ro", false), ("rw", true)] {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).args([stage.dir(), &token, &config]).arg(access);
        command.arg(env!("CARGO_BIN_EXE_telekommo"));
        let (code, said) = words(command).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.contains("token can be read by other users"), warns, "{access}: {said}");
    }
}
