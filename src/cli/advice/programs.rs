//! Warnings about settings by which telekommo and a program of the owner both answer customers.

use crate::config::{AskPhone, ButtonPlace, Config};

/// The warnings.
pub(super) fn of(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, program) in &config.programs {
        let source = &program.source;
        if config.telegram.ask_phone == AskPhone::OnStart {
            warnings.push(format!(
                "telegram.ask_phone answers /start in the bot of source {source}, and so may programs.{name}: customers \
                 get two greetings. Let the program leave /start alone, or set telegram.ask_phone = \"never\""
            ));
        }
        if config.telegram.buttons == ButtonPlace::Keyboard {
            warnings.push(format!(
                "telegram.buttons = \"keyboard\" puts buttons of Kommo in place of the customer's keyboard, and so may \
                 programs.{name} with its own: the last one stays. Set telegram.buttons = \"inline\", if the program \
                 has a keyboard there"
            ));
        }
    }
    warnings
}
