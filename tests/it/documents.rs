//! What documents say of the sources, held against them.

use std::{collections::BTreeSet, fs, path::Path};

use toml::{Table, Value};

mod manual;

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn manifest() -> Table {
    text("Cargo.toml").parse().unwrap()
}

/// The cells of each row of the table whose head begins with this cell.
fn rows(document: &str, head: &str) -> Vec<Vec<String>> {
    let begins = format!("| {head} |");
    let table = document.lines().skip_while(|line| !line.starts_with(&begins)).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    table.skip(2).map(cells).collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_test_that_a_promise_names_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests"].into_iter().flat_map(|folder| super::layers::rust_files(&here.join(folder)));
    let sources = files.map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>();
    let is_test = |name: &str| {
        let begin = format!("fn {name}(");
        sources.iter().any(|source| source.contains(&begin) && is_marked(source, &begin))
    };
    let promises = rows(&text(".github/SECURITY.md"), "Promise");
    assert!(promises.len() >= 20, "only {} promises are left", promises.len());
    for promise in promises {
        let tests = quoted(promise.last().unwrap());
        assert!(!tests.is_empty(), "no test stands behind {promise:?}");
        for name in tests {
            assert!(is_test(name), "there is no test {name}");
        }
    }
    assert!(is_test("every_test_that_a_promise_names_exists") && !is_test("rows") && !is_test("no_such_test"));
}

/// Whether the function that begins like this is a test that runs: by an attribute before it, be it within `proptest!`.
fn is_marked(source: &str, begin: &str) -> bool {
    let before = source.split(begin).next().and_then(|before| before.rsplit_once('\n'));
    let lines = before.map(|(lines, _)| lines).unwrap_or_default().lines().rev().map(str::trim_start);
    let attributes: Vec<_> = lines.take_while(|line| line.starts_with("#[")).collect();
    let has = |begins: &[&str]| attributes.iter().any(|line| begins.iter().any(|begin| line.starts_with(begin)));
    has(&["#[test]", "#[tokio::test]", "#[tokio::test("]) && !has(&["#[ignore"])
}

#[test]
fn a_helper_and_a_test_that_does_not_run_are_no_tests() {
    for (attributes, want) in [
        ("#[test]\n", true),
        ("    #[tokio::test(start_paused = true)]\n", true),
        ("#[tokio::test]\n#[should_panic(expected = \"x\")]\n", true),
        ("#[cfg(test)]\n", false),
        ("#[test]\n#[ignore]\n", false),
        ("#[ignore = \"slow\"]\n#[tokio::test]\n", false),
        ("// #[test]\n", false),
        ("", false),
    ] {
        assert_eq!(is_marked(&format!("x\n{attributes}    async fn it("), "fn it("), want, "{attributes:?}");
    }
}

#[test]
fn every_direct_dependency_has_a_row() {
    let manifest = manifest();
    let named = |section: &str| manifest[section].as_table().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let used = &named("dependencies") | &named("dev-dependencies");
    let table = rows(&text("src/docs/dependencies.md"), "Crate");
    let described = table.iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    assert_eq!(
        described,
        Vec::from_iter(used),
        "src/docs/dependencies.md has a row for each of Cargo.toml, in its order"
    );
    assert!(table.iter().all(|row| row.len() == 4 && row.iter().all(|cell| !cell.is_empty())), "{table:#?}");
}

/// The programs that `.ci/run` tries are those that the manual shows.
#[test]
fn the_examples_stand_in_the_manual_as_they_run() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/docs/examples");
    let mut files: Vec<_> = here.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let (chapter, runner) = (text("src/docs/examples.md"), text("tests/programs/examples.py"));
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let program = fs::read_to_string(file).unwrap();
        let language = match file.extension().unwrap().to_str().unwrap() {
            "py" => "python",
            other => other,
        };
        assert!(chapter.contains(&format!("\n```{language}\n{program}```\n")), "{name} differs from the chapter");
        assert!(runner.contains(&format!("{name:?}")), "nobody runs {name}");
        let too_long = program.lines().find(|line| line.chars().count() > 76);
        assert_eq!(too_long, None, "{name} does not fit a terminal");
    }
    let shown = ["\n```python\n", "\n```js\n"].map(|begin| chapter.matches(begin).count());
    assert_eq!((files.len(), shown), (3, [2, 1]));
}

#[test]
fn unsafe_code_is_forbidden() {
    // For the tests as well: what cargo is told here holds for everything in the package, and `forbid` knows no
    // exception.
    assert_eq!(manifest()["lints"]["rust"]["unsafe_code"], Value::from("forbid"));
}

#[test]
fn every_file_of_the_debian_package_exists_or_is_made() {
    let manifest = manifest();
    let deb = manifest["package"]["metadata"]["deb"].as_table().unwrap();
    let script = text(".ci/package");
    let (mut kept, mut made) = (0, 0);
    for asset in deb["assets"].as_array().unwrap() {
        let path = asset[0].as_str().unwrap();
        if let Some(name) = path.strip_prefix("target/package-files/") {
            let begin = name.split(['/', '.']).next().unwrap();
            assert!(script.contains(&format!("\"$made/{begin}")), "nothing makes {path}");
            made += 1;
        } else {
            assert!(!text(path).is_empty(), "{path} is empty");
            kept += 1;
        }
    }
    assert!(kept >= 3 && made >= 5, "{kept} files are kept, {made} are made");
    for file in ["telekommo.service", "telekommo.sysusers", "telekommo.tmpfile"] {
        let folder = deb["systemd-units"]["unit-scripts"].as_str().unwrap();
        assert!(!text(&format!("{folder}/{file}")).is_empty());
    }
}
