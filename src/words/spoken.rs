//! The language of an account's managers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::words::Language;

/// The language of an account's managers. Clones share it: it may become known long after the start.
#[derive(Clone, Debug, Default)]
pub struct Spoken(Arc<AtomicUsize>);

impl Spoken {
    /// This language, until another one is learnt.
    #[must_use]
    pub fn new(language: Language) -> Self {
        let spoken = Self::default();
        spoken.learn(language);
        spoken
    }

    /// The current language.
    #[must_use]
    pub fn now(&self) -> Language {
        Language::ALL.get(self.0.load(Ordering::Relaxed)).copied().unwrap_or_default()
    }

    /// Changes the language, in all clones.
    pub fn learn(&self, language: Language) {
        let index = Language::ALL.iter().position(|it| *it == language).unwrap_or_default();
        self.0.store(index, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clones_learn_it() {
        let spoken = Spoken::default();
        let clone = spoken.clone();
        assert_eq!(clone.now(), Language::En);
        for language in Language::ALL {
            spoken.learn(language);
            assert_eq!(clone.now(), language);
        }
    }
}
