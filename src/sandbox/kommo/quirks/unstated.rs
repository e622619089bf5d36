//! What no page of the documentation says anything about.

/// What becomes of texts that are longer than so many characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    Whole,
    /// The rest is left out.
    Cut(usize),
    /// They are refused: 400.
    Refused(usize),
}

/// How a file is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetches {
    /// By one GET.
    Once,
    /// Its size by HEAD, then each half by a GET of its own.
    InParts,
    /// Not before somebody opens it, which nobody does here.
    Never,
}
