//! Whether the issuer that is missing from a chain is an intermediate or a root: nothing but signs can tell.

use crate::probe::certificate::Certificate;

/// Signs that the issuer of a leaf is no root: public authorities publish its address (AIA) and never sign leaves with
/// roots; its name says so; or it is of the house of a root that is trusted.
pub fn looks_like_intermediate(leaf: &Certificate, root_subjects: &[String]) -> bool {
    let issuer = words(attribute(&leaf.issuer, "CN").unwrap_or_default());
    let is_named = |word: &String| word.starts_with("interm") || INTERMEDIATE.contains(&word.as_str());
    let organisation = attribute(&leaf.issuer, "O");
    let of_a_trusted_house = root_subjects.iter().any(|root| {
        let root_words = words(attribute(root, "CN").unwrap_or_default());
        let named_alike = root_words.iter().any(|word| word == "root")
            && issuer.iter().any(|word| !GENERIC.contains(&word.as_str()) && root_words.contains(word));
        named_alike || (organisation.is_some() && attribute(root, "O") == organisation)
    });
    let is_root = issuer.iter().any(|word| word == "root");
    !is_root && (leaf.names_issuer_url || issuer.iter().any(is_named) || of_a_trusted_house)
}

/// Words by which authorities name their intermediates.
const INTERMEDIATE: [&str; 7] = ["ica", "int", "inter", "issuing", "sub", "subca", "subordinate"];

/// Words that two authorities may share without having to do with each other.
const GENERIC: [&str; 10] = ["a", "and", "authority", "ca", "certificate", "certification", "for", "of", "root", "the"];

fn words(name: &str) -> Vec<String> {
    name.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_owned)
        .filter(|word| !word.is_empty())
        .collect()
}

/// The value of one attribute of a name such as `CN=…, O=…`.
fn attribute<'a>(name: &'a str, key: &str) -> Option<&'a str> {
    name.split(", ").find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(issuer: &str) -> Certificate {
        Certificate { issuer: issuer.to_owned(), ..Certificate::default() }
    }

    /// A leaf alone, and roots that do not know its issuer.
    #[test]
    fn a_missing_intermediate_is_told_from_a_foreign_root_by_signs() {
        let rows = [
            ("CN=Acme Issuing CA 3", "CN=Other Root", true),
            ("CN=Acme Intermediate", "CN=Acme Root CA", true),
            ("CN=Acme Server CA", "CN=Acme Root CA", true),
            ("CN=R11, O=Acme", "CN=X1, O=Acme", true),
            ("CN=Acme CA", "CN=Other CA", false),
            ("CN=Acme CA", "CN=Other Root CA", false),
            ("CN=Acme Root CA", "CN=Acme Root CA 2, O=Acme", false),
            ("CN=Acme Internal CA", "CN=Other CA", false),
        ];
        for (issuer, root, expected) in rows {
            assert_eq!(looks_like_intermediate(&leaf(issuer), &[root.to_owned()]), expected, "{issuer} under {root}");
        }
        let published = Certificate { names_issuer_url: true, ..leaf("CN=E7") };
        assert!(looks_like_intermediate(&published, &[]));
    }
}
