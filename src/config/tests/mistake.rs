//! Mistakes of an operator, and the error messages they get.

use super::*;

/// A wrong setting.
pub(super) enum Mistake {
    /// A line of [`LEAST`], and its replacement.
    InFile(&'static str, &'static str),
    /// Variables over [`LEAST`].
    InVariables(&'static [(&'static str, &'static str)]),
}

pub(super) const TOKEN_LINE: &str = r#"token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1""#;
pub(super) const SECRET_LINE: &str = r#"channel_secret = "f2d7f8704eff95087ed45b23ba99c0b5aac8278e""#;
pub(super) const CHANNEL_LINE: &str = r#"channel_id = "344a5002-f8ca-454d-af3d-396180102ac7""#;
pub(super) const NAME_LINE: &str = r#"name = "Sales bot""#;

/// Parts of secrets in the mistakes.
const SECRETS: [&str; 4] = ["hush", "AAHdqTcv", "f2d7f870", "123456789:"];

impl Mistake {
    /// The mistake, followed by its message.
    fn message(&self) -> String {
        let (file, variables, written) = match self {
            Self::InFile(line, instead) => (least_with(line, instead), &[][..], (*instead).to_owned()),
            Self::InVariables(variables) => {
                let written: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
                (LEAST.to_owned(), *variables, written.join("\n"))
            }
        };
        let folder = Folder::new(&file);
        let message = folder.message(variables);
        let debug = format!("{:?}", folder.load(variables));
        for secret in SECRETS {
            assert!(!message.contains(secret) && !debug.contains(secret), "{secret} is in: {message}");
        }
        format!("> {}\n\n{message}\n", written.replace('\n', "\n> "))
    }
}

pub(super) fn messages(mistakes: &[Mistake]) -> String {
    assert!(!mistakes.is_empty());
    mistakes.iter().map(Mistake::message).collect::<Vec<_>>().join("\n")
}
