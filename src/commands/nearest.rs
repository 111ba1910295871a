//! What to say of a name that does not exist.

/// How alike two names have to be (Jaro–Winkler) for one to be taken for the other.
const ALIKE: f64 = 0.7;

/// The name as it can be shown, and which of those that exist was probably meant.
pub fn unknown<'n>(name: &str, existing: impl Iterator<Item = &'n str>) -> String {
    let scored = existing.map(|other| (strsim::jaro_winkler(name, other), other));
    let nearest = scored.max_by(|one, other| one.0.total_cmp(&other.0)).filter(|(score, _)| *score > ALIKE);
    let hint = nearest.map(|(_, other)| format!("; did you mean {other}?")).unwrap_or_default();
    let shown: String = name.escape_default().take(60).collect();
    format!("`{shown}`{hint}")
}
