//! Every sentence by its name, with its places: the functions that make [`crate::words::Sentence`]s.

/// Declares the sentences of each section, each as a function of what fills its places.
macro_rules! sentences {
    ($($(#[$meta:meta])* $section:ident { $($name:ident($($place:ident),*);)* })*) => {
        $($(#[$meta])* pub mod $section {
            $(
                #[doc = concat!("`", stringify!($name), "` of the section `", stringify!($section), "`.")]
                #[must_use]
                pub fn $name($($place: impl Into<$crate::words::Filling>),*) -> $crate::words::Sentence {
                    let name = concat!(stringify!($section), ".", stringify!($name));
                    $crate::words::Sentence::known(name, vec![$((stringify!($place), $place.into())),*])
                }
            )*
        })*

        /// All sentences, with the names of their places.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &[&str])] =
            &[$($((concat!(stringify!($section), ".", stringify!($name)), &[$(stringify!($place)),*]),)*)*];
    };
}

sentences! {
    /// Why an answer did not arrive, or may not have. Managers read it below the answer.
    refusal {
        blocked();
        part(part, parts, sentence);
    }

    /// What is counted. The number decides the form.
    count {
        hours(n);
        minutes(n);
    }

    /// What customers are asked for their phone number with, where the operator has written nothing else.
    phone {
        ask();
        button();
        thanks();
    }
}
