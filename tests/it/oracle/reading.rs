//! Ways in which another engine reads a rule otherwise than the specification.

/// One such way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Quirk {
    /// A wildcard stands for no line end.
    WildcardsStopAtLineEnds,
    /// `startswith` with a wildcard in its value is anchored at the end, `endswith` at the start.
    PlacesOfWildcardsAreSwapped,
    /// A keyword with a modifier is compared with whole values.
    KeywordWithModifierIsWhole,
    /// A keyword with a wildcard is compared with whole values.
    KeywordWithWildcardIsWhole,
    /// Keywords are not looked for in numbers and booleans.
    KeywordsAreForTexts,
    /// `windash` is about every hyphen and nothing else.
    WindashIsForHyphens,
    /// `base64offset` keeps the last character, with zeros for the bits of what follows.
    Base64KeepsTail,
    /// Case is ignored by lower-casing whole texts.
    CaseByLowercase,
    /// A `null` is not there.
    NullIsMissing,
    /// An array is not `null` for an element that is.
    NullIsNoElement,
    /// A key with dots is found at the top alone, and comes before nested ones.
    DottedKeysAreAtTheTop,
    /// `all` wants one element of an array to satisfy everything.
    AllIsForOneElement,
}

/// How a rule is read: the specification, but for some quirks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading(pub(crate) Vec<Quirk>);

impl Reading {
    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }
}
