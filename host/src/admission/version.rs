//! Versions of the contract: which a host takes, that offers another.

use semver::Version;

/// Whether a component fits a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// All that it was built with is there.
    Fits,
    /// The contract may have grown since: the host may lack what it needs.
    Newer,
    /// It is another contract.
    Other,
}

/// Compares the version that a component was built with and the one that the
/// host offers. Within a major version the contract only grows; before 1.0,
/// within a minor one (semver.org, item 4, as the component model has it).
pub(super) fn judge(found: &str, offered: &str) -> Fit {
    let (Ok(found), Ok(offered)) = (found.parse::<Version>(), offered.parse::<Version>()) else {
        return Fit::Other;
    };
    // What comes before a release promises nothing.
    let released = found.pre.is_empty() && found.build.is_empty();
    let track = |version: &Version| match version.major {
        0 => (0, Some(version.minor)),
        major => (major, None),
    };
    if !released || track(&found) != track(&offered) {
        Fit::Other
    } else if found > offered {
        Fit::Newer
    } else {
        Fit::Fits
    }
}

#[cfg(test)]
mod tests {
    use super::{Fit, judge};

    #[test]
    fn a_contract_that_only_grew_takes_what_was_built_before() {
        for (found, offered, fit) in [
            ("0.1.0", "0.1.0", Fit::Fits),
            ("0.1.0", "0.1.3", Fit::Fits),
            ("0.1.4", "0.1.3", Fit::Newer),
            ("0.2.0", "0.1.3", Fit::Other),
            ("0.0.9", "0.1.0", Fit::Other),
            ("1.0.0", "1.3.0", Fit::Fits),
            ("1.4.0", "1.3.0", Fit::Newer),
            ("1.3.0", "2.0.0", Fit::Other),
            ("0.1.0-rc.1", "0.1.0", Fit::Other),
            ("none", "0.1.0", Fit::Other),
        ] {
            assert_eq!(judge(found, offered), fit, "{found} on {offered}");
        }
    }
}
