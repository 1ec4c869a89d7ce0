//! The registry of problem codes: each has a number that never changes its meaning, a name, a usual severity and a sentence.

use super::Severity;
use std::fmt;

/// Declares the codes. A number that was published is never given to another problem.
macro_rules! codes {
    ($($number:literal $variant:ident $severity:ident $name:literal $summary:literal)*) => {
        /// A kind of problem. What there is to say about each stands in `rules check --explain`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// Every code, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// `NJ0123`
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $number,)* }
            }

            /// Its name in a few words with hyphens: `unused-selection`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How bad it usually is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What it is, in a sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }
        }
    };
}

codes! {
    // Files and YAML.
    "NJ0001" NotYaml Error "not-yaml" "The text is not YAML."
    "NJ0002" DuplicateKey Error "duplicate-key" "A key stands twice in one map."
    "NJ0003" KeyNotText Error "key-not-text" "A key is a list or a map."
    "NJ0004" MergeKey Error "merge-key" "A merge key (`<<`), which YAML 1.2 does not have."
    "NJ0005" TooLarge Error "too-large" "A limit of size, number or depth is exceeded."
    "NJ0006" NotUtf8 Error "not-utf8" "The file is not UTF-8 text."
    "NJ0007" Unreadable Error "unreadable" "The file or folder can't be read."
    "NJ0008" TooManyProblems Warning "too-many-problems" "A file has more problems than are shown."
    "NJ0010" NotAMap Error "document-not-a-map" "A document is a text or a list; a rule is a map."
    "NJ0011" NoKind Error "no-kind" "A document is neither a rule nor a correlation nor a filter."
    "NJ0012" SeveralKinds Error "several-kinds" "A document is a rule and a correlation at once."
    "NJ0013" BadAction Error "bad-action" "An `action` that Sigma does not have, or that has nothing to act upon."
    "NJ0014" NotSupported Error "not-supported" "A part of Sigma that this version does not run."

    // What documents say about themselves.
    "NJ0101" BadTitle Error "bad-title" "The title is missing or not a text."
    "NJ0102" LongTitle Warning "long-title" "The title is longer than the 256 characters that Sigma allows."
    "NJ0103" BadName Error "bad-name" "The name is not a text of at most 256 characters."
    "NJ0104" MissingId Warning "missing-id" "The document has no `id`."
    "NJ0105" BadId Warning "bad-id" "The `id` is not a UUID."
    "NJ0106" MissingLevel Warning "missing-level" "The document has no `level`."
    "NJ0107" BadLevel Error "bad-level" "The `level` is none of Sigma's five."
    "NJ0108" BadStatus Error "bad-status" "The `status` is none of Sigma's five."
    "NJ0109" BadTag Warning "bad-tag" "A tag is not written as `namespace.name`."
    "NJ0110" NotAText Warning "not-a-text" "A list or a map stands where a text should be."
    "NJ0111" BadLogSource Error "bad-logsource" "The log source is missing or not a map."
    "NJ0112" LogSourceNotText Error "logsource-not-text" "A part of the log source is not a text."
    "NJ0113" EmptyLogSource Warning "empty-logsource" "The log source names nothing, so that the rule is for every source."
    "NJ0114" DeprecatedRule Warning "deprecated-rule" "The rule is deprecated: another one has replaced it."
    "NJ0115" UnsupportedRule Warning "unsupported-rule" "The rule is unsupported: it does not run."
    "NJ0116" BadAttribute Warning "bad-attribute" "An attribute that says something about a document is not as the specification has it."

    // Detections.
    "NJ0201" BadDetection Error "bad-detection" "The detection is not a map."
    "NJ0202" Timeframe Error "timeframe" "`timeframe` in a detection, which is no longer part of Sigma."
    "NJ0203" NoSelection Error "no-selection" "A detection without a selection."
    "NJ0204" NoCondition Error "no-condition" "A detection without a condition."
    "NJ0205" ConditionNotText Error "condition-not-text" "The condition is not a text, or a list of none."
    "NJ0206" ConditionSyntax Error "condition-syntax" "The condition can't be read."
    "NJ0207" UnknownSelection Error "unknown-selection" "The condition names a selection that is not there."
    "NJ0208" PatternMatchesNone Error "pattern-matches-none" "`1 of` or `all of` a pattern that no selection is called like."
    "NJ0209" Aggregation Error "aggregation" "An aggregation in the condition, which is no longer part of Sigma."
    "NJ0210" UnusedSelection Warning "unused-selection" "A selection that the condition does not use."
    "NJ0211" EmptySelection Error "empty-selection" "A selection that says nothing."

    // Modifiers and values.
    "NJ0301" UnknownModifier Error "unknown-modifier" "A modifier that Sigma does not have."
    "NJ0302" ModifierConflict Error "modifier-conflict" "Modifiers that don't go together."
    "NJ0303" ModifierWithoutField Error "modifier-without-field" "A modifier that needs a field, without one."
    "NJ0304" EmptyValues Error "empty-values" "An empty list of values."
    "NJ0305" UselessAll Warning "useless-all" "`all` over a single value."
    "NJ0306" ExpandNothing Error "expand-nothing" "`expand` without a placeholder."
    "NJ0307" UndefinedPlaceholder Error "undefined-placeholder" "A placeholder names a list that is not there."
    "NJ0308" NestedValue Error "nested-value" "A value is a list or a map."
    "NJ0309" WrongType Error "wrong-type" "A value of a type that its modifier does not take."
    "NJ0310" OutOfRange Error "out-of-range" "A part of a time that no time has."
    "NJ0311" BadRegex Error "bad-regex" "A regular expression that can't be used."
    "NJ0312" BadNetwork Error "bad-network" "A value of `cidr` that is not a network."
    "NJ0313" CidrHostBits Error "cidr-host-bits" "A network with bits set after its prefix."
    "NJ0314" NotEncodable Error "not-encodable" "A value that can't be encoded as Base64."

    "NJ0321" BadTable Error "bad-table" "A context table that can't be read."
    "NJ0322" BadContextRow Error "bad-context-row" "A row of a context table that can't be used."
    "NJ0323" DoubtfulContext Warning "doubtful-context" "A context table that says something odd."
    "NJ0324" BadTaxonomy Error "bad-taxonomy" "A part of the taxonomy that can't be read."

    // Correlations.
    "NJ0401" BadCorrelation Error "bad-correlation" "The correlation is not a map."
    "NJ0402" UnknownCorrelationKey Error "unknown-correlation-key" "A key that correlations don't have."
    "NJ0403" MissingCorrelationKey Error "missing-correlation-key" "A correlation without `type`, `rules` or `timespan`."
    "NJ0404" UnknownCorrelationType Error "unknown-correlation-type" "A correlation type that Sigma does not have."
    "NJ0405" BadRuleList Error "bad-rule-list" "The rules of a correlation are none, not named by texts, or named twice."
    "NJ0406" NoGroupBy Warning "no-group-by" "A correlation without `group-by` counts over everything."
    "NJ0407" BadTimespan Error "bad-timespan" "A timespan that is not a whole number and a unit."
    "NJ0408" BadThreshold Error "bad-threshold" "A correlation's condition that can't be read."
    "NJ0409" BadCountedField Error "bad-counted-field" "What a correlation counts is missing, or named where nothing is counted."
    "NJ0410" BadAlias Error "bad-alias" "An alias that is not a map of the correlation's rules to fields."
    "NJ0411" UnusedAlias Warning "unused-alias" "An alias that `group-by` does not name."
    "NJ0412" IncompleteAlias Warning "incomplete-alias" "An alias that says nothing for one of the rules."
    "NJ0413" BadGenerate Error "bad-generate" "`generate` is neither true nor false."
    "NJ0414" BadFieldList Error "bad-field-list" "A list of fields that names one twice, or something that is no text."

    // Filters.
    "NJ0451" BadFilter Error "bad-filter" "The rules of a filter are none, not named by texts, named twice, or no detection rules."
    "NJ0452" FilterElsewhere Error "filter-elsewhere" "A filter names a rule whose log source its own does not cover."
    "NJ0453" UnusedFilter Warning "unused-filter" "A filter that applies to no rule."

    // The set.
    "NJ0501" DuplicateName Error "duplicate-name" "Two documents of the same name."
    "NJ0502" DuplicateId Error "duplicate-id" "Two documents of the same `id`."
    "NJ0503" UnknownRule Error "unknown-rule" "A rule is named that is not there."
    "NJ0504" UnsoundRule Error "unsound-rule" "A rule is named that did not load."
    "NJ0505" RuleNamedTwice Error "rule-named-twice" "A rule is named twice, by its name and by its id."
    "NJ0506" NotCompiled Error "not-compiled" "A document that can't be compiled for a source."
    "NJ0507" CircularCorrelation Error "circular-correlation" "A correlation that builds on itself, perhaps by way of others."

    // Exceptions.
    "NJ0550" BadException Error "bad-exception" "An exception that can't be read, or that names nothing."
    "NJ0551" ExceptionWithoutEnd Error "exception-without-end" "An exception without an end, or with one that is too far away."
    "NJ0552" DuplicateException Error "duplicate-exception" "Two exceptions of the same `id`."
    "NJ0553" TooManyExceptions Error "too-many-exceptions" "More exceptions than can hold at a time."
    "NJ0554" ExpiredException Warning "expired-exception" "An exception that has ended."
    "NJ0555" UnknownRuleException Warning "exception-for-no-rule" "An exception for a rule that is not loaded."

    // Pages.
    "NJ0601" BadPage Error "bad-page" "A page whose cases can't be read."

    // How files are laid out.
    "NJ1001" ByteOrderMark Info "byte-order-mark" "The file begins with a byte order mark."
    "NJ1002" CarriageReturn Info "carriage-return" "Lines end with a carriage return."
    "NJ1003" TrailingSpaces Info "trailing-spaces" "Lines end with spaces."
    "NJ1004" Tab Info "tab" "White space is written with tabs."
    "NJ1005" NoFinalNewline Info "no-final-newline" "The last line does not end."
    "NJ1006" KeyOrder Info "key-order" "Top-level keys stand in an unusual order."
    "NJ1007" SeveralRules Info "several-rules" "Several rules that have nothing to do with each other stand in one file."
    "NJ1008" FileName Info "file-name" "The file is not called like the rule in it."
    "NJ1009" MisspelledKey Warning "misspelled-key" "A top-level key that is nearly one of Sigma's."

    // What rules say about themselves.
    "NJ1101" MissingStatus Info "missing-status" "The document has no `status`."
    "NJ1102" MissingDescription Info "missing-description" "The document has no `description`."
    "NJ1103" MissingAuthor Info "missing-author" "The document has no `author`."
    "NJ1104" MissingDate Info "missing-date" "The document has no `date`."
    "NJ1105" MissingTags Info "missing-tags" "A document that alerts has no `tags`."
    "NJ1106" MissingFalsePositives Info "missing-falsepositives" "A document that alerts has no `falsepositives`."
    "NJ1107" BadDate Warning "bad-date" "A date is not written as `YYYY-MM-DD`, or there is no such day."
    "NJ1108" ModifiedBeforeDate Warning "modified-before-date" "The document was modified before it was made."
    "NJ1109" FutureDate Warning "future-date" "A date lies in the future."
    "NJ1110" UnknownTechnique Warning "unknown-technique" "A tag names a technique that ATT&CK does not have."
    "NJ1111" UnknownTactic Warning "unknown-tactic" "A tag of ATT&CK is no tactic, technique, group or software."
    "NJ1112" MisspelledNamespace Warning "misspelled-namespace" "The namespace of a tag is nearly one of Sigma's."
    "NJ1113" DuplicateTag Info "duplicate-tag" "A tag stands twice."
    "NJ1114" TacticUnderscore Info "tactic-underscore" "A tactic is written with underscores."
    "NJ1115" TitleForm Info "title-form" "The title begins with a small letter or ends with a full stop."
    "NJ1116" LongHeadline Info "long-headline" "The title is too long for one line of an alert."
    "NJ1117" ReferenceNotUrl Info "reference-not-url" "A reference is not a link."
    "NJ1118" DuplicateReference Info "duplicate-reference" "A reference stands twice."
    "NJ1119" BadRelated Warning "bad-related" "An entry of `related` without a UUID, or of a kind that Sigma does not have."
    "NJ1120" RelatedToItself Warning "related-to-itself" "A document is related to itself."
    "NJ1121" MadeUpId Info "made-up-id" "The `id` is a UUID that was not drawn at random."
    "NJ1122" TitleRepeated Info "title-repeated" "The description only repeats the title."
    "NJ1123" EmptyKey Info "empty-key" "A top-level key has no value."
    "NJ1124" LeftOver Info "left-over" "Something was left to be done."

    // What selections look for.
    "NJ1201" UnknownField Warning "unknown-field" "A field that the rule's source does not have."
    "NJ1202" MisspelledLogSource Warning "misspelled-logsource" "The log source is nearly one that there is."
    "NJ1203" NumberOnText Warning "number-on-text" "A text field is compared or measured as a number."
    "NJ1204" RedundantWildcard Info "redundant-wildcard" "A wildcard repeats what the modifier says."
    "NJ1205" WildcardAgainstModifier Warning "wildcard-against-modifier" "A wildcard at the end that the modifier pins down."
    "NJ1206" EmptyText Warning "empty-text" "`contains`, `startswith` or `endswith` with an empty text."
    "NJ1207" UselessCased Info "useless-cased" "`cased` over values without letters."
    "NJ1208" DuplicateValue Info "duplicate-value" "A value stands twice in one list."
    "NJ1209" SubsumedValue Info "subsumed-value" "A value of a list can't change what the list matches."
    "NJ1210" UselessWindash Info "useless-windash" "`windash` over values without a dash."
    "NJ1211" SubsumedNetwork Info "subsumed-network" "A network of a list lies inside another."
    "NJ1212" EveryAddress Warning "every-address" "A network that holds every address."
    "NJ1213" ImpliedOffset Info "implied-offset" "`base64offset` without `contains`."
    "NJ1214" FieldWithItself Warning "field-with-itself" "A field is compared with itself."
    "NJ1215" ShortKeyword Info "short-keyword" "A keyword so short that it stands in nearly every event."
    "NJ1216" EscapedWildcard Warning "escaped-wildcard" "A backslash before a wildcard at the end of a path takes its meaning away."
    "NJ1217" PaddedValue Info "padded-value" "A value begins or ends with a space."
    "NJ1218" UselessExists Info "useless-exists" "`exists` beside a test that needs the field anyway."
    "NJ1219" ForgottenExpand Warning "forgotten-expand" "A placeholder of a list that is there, without `expand`."

    // Regular expressions.
    "NJ1220" ValueOutsideSchema Warning "value-outside-schema" "A value that the schema of the source does not have."
    "NJ1231" QuadraticRegex Warning "quadratic-regex" "A regular expression that can take quadratic time or worse."
    "NJ1232" HugeRegex Info "huge-regex" "A regular expression that becomes very large."
    "NJ1233" LiteralRegex Info "literal-regex" "A regular expression that is only a text."
    "NJ1234" RegexAnyEnd Info "regex-any-end" "`.*` at an end of a regular expression."
    "NJ1235" UnescapedDot Warning "unescaped-dot" "An unescaped dot in what is a host name or an address."
    "NJ1236" RegexMatchesAll Warning "regex-matches-all" "A regular expression that matches every text."
    "NJ1237" GlobAsRegex Warning "glob-as-regex" "A wildcard pattern where a regular expression is expected."
    "NJ1238" UselessRegexFlag Info "useless-regex-flag" "A flag that changes nothing about its expression."

    // Conditions.
    "NJ1301" AlwaysTrue Warning "always-true" "The condition holds for every event."
    "NJ1302" NeverTrue Warning "never-true" "The condition can't hold for any event."
    "NJ1303" Unreachable Warning "unreachable" "A part of the condition that can never hold."
    "NJ1304" OnlyNegative Warning "only-negative" "The rule only says what must not be there."
    "NJ1305" RepeatedSelection Info "repeated-selection" "A selection stands twice among the parts of one `and` or `or`."
    "NJ1306" DoubleNegation Info "double-negation" "`not not` in a condition."
    "NJ1307" DuplicateSelection Info "duplicate-selection" "Two selections look for the same."
    "NJ1308" SubsumedSelection Info "subsumed-selection" "An alternative of the condition that another one covers."
    "NJ1309" UselessFilter Info "useless-filter" "A filter that excludes nothing."
    "NJ1310" OneOfThem Info "one-of-them" "`1 of them` or `all of them` over a single selection."
    "NJ1311" MixedOperators Info "mixed-operators" "`and` and `or` side by side without parentheses."
    "NJ1312" CommonValue Warning "common-value" "The rule asks for nothing but what most events have."

    // The set of rules.
    "NJ1401" DuplicateTitle Warning "duplicate-title" "Two documents of the same title."
    "NJ1402" SameDetection Warning "same-detection" "Two rules match the same events."
    "NJ1403" SubsumedRule Info "subsumed-rule" "Whatever matches this rule also matches another."
    "NJ1404" UnusedList Info "unused-list" "A list that no rule names."
    "NJ1405" EmptyList Warning "empty-list" "A placeholder names an empty list."

    // Correlations.
    "NJ1501" NeverFires Warning "never-fires" "A correlation that can never fire: no count satisfies it, or what it is over never matches."
    "NJ1502" FiresAtOnce Warning "fires-at-once" "A correlation that a single event satisfies."
    "NJ1503" TooFewValues Warning "too-few-values" "A threshold above the number of values that the rules admit."
    "NJ1504" TooFewRules Warning "too-few-rules" "A threshold above the number of rules."
    "NJ1505" UnknownGroupField Warning "unknown-group-field" "A correlation names a field that a rule's source does not have."
    "NJ1506" LongTimespan Info "long-timespan" "A timespan of more than 30 days."
    "NJ1507" SameSteps Warning "same-steps" "Two rules of a temporal correlation match the same events."
    "NJ1508" SilencedRule Info "silenced-rule" "A rule of high level no longer alerts because a correlation uses it."
    "NJ1509" CountedInGroup Warning "counted-in-group" "A field is counted that every event of a group has in common."
    "NJ1510" UniqueGroup Warning "unique-group" "Events are grouped by what no two events share."

    // Pages.
    "NJ1601" MissingPage Info "missing-page" "A rule that alerts has no page."
    "NJ1602" OrphanPage Warning "orphan-page" "A page without a rule."
    "NJ1603" NoFiringCase Warning "no-firing-case" "A page without a case in which its rule fires."
    "NJ1604" NoQuietCase Warning "no-quiet-case" "A page without a case that stays quiet."
    "NJ1605" DuplicateCase Warning "duplicate-case" "Two cases of one page have the same name."
    "NJ1606" UnknownExpectedRule Warning "unknown-expected-rule" "A case expects an alert of a rule that is not there."
    "NJ1607" ShortPage Info "short-page" "A page says nothing before its first case."

    // Comments that allow problems.
    "NJ1701" UnknownAllowed Warning "unknown-allowed" "A comment allows a code that is not there."
    "NJ1702" UnusedAllowed Info "unused-allowed" "A comment allows a problem that is not there."
    "NJ1703" AllowedWithoutReason Info "allowed-without-reason" "A comment allows a problem without saying why."
}

impl Code {
    /// The code that is written so, in whatever case, by number or by name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str().eq_ignore_ascii_case(text) || it.name().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_rise_and_numbers_names_and_summaries_are_unique() {
        let numbers: Vec<&str> = Code::ALL.iter().map(|it| it.as_str()).collect();
        assert!(numbers.is_sorted_by(|left, right| left < right), "{numbers:?}");
        assert!(numbers.iter().all(|it| it.len() == 6 && it.starts_with("NJ") && it[2..].bytes().all(|it| it.is_ascii_digit())));
        let count = Code::ALL.len();
        assert_eq!(Code::ALL.iter().map(|it| it.name()).collect::<BTreeSet<_>>().len(), count);
        assert_eq!(Code::ALL.iter().map(|it| it.summary()).collect::<BTreeSet<_>>().len(), count);
        for code in Code::ALL {
            assert!(code.summary().ends_with('.'), "{code}");
            assert!(code.name().bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-'), "{code}");
        }
    }

    #[test]
    fn a_code_is_found_by_number_and_by_name() {
        assert_eq!(Code::parse("nj0210"), Some(Code::UnusedSelection));
        assert_eq!(Code::parse("unused-selection"), Some(Code::UnusedSelection));
        assert_eq!(Code::parse("NJ9999"), None);
    }
}
