//! What becomes of words under LC_CTYPE=C: the C library turns them into ASCII. Observed on glibc 2.36, PostgreSQL 15.

/// A fragment as such a server says it, where enough of it is left to tell it from others.
pub fn tells(fragment: &str) -> Option<String> {
    let folded = fold(fragment);
    let letters = folded.chars().filter(char::is_ascii_alphabetic).count();
    let lost = folded.chars().filter(|c| *c == '?').count();
    (letters >= 6 && lost * 3 < letters).then_some(folded)
}

/// Cyrillic is romanised, quotation marks are made of signs, and all else is a question mark.
fn fold(text: &str) -> String {
    let mut folded = String::new();
    for c in text.chars() {
        match CYRILLIC.iter().find(|(from, _)| *from == c).map(|(_, to)| *to) {
            Some(to) => folded.push_str(to),
            None if c.is_ascii() => folded.push(c),
            None => folded.push_str(match c {
                '«' => "<<",
                '»' => ">>",
                '\u{2018}' | '\u{2019}' => "'",
                '\u{201c}' | '\u{201d}' => "\"",
                '\u{a0}' => " ",
                _ => "?",
            }),
        }
    }
    folded
}

/// Lower case, as far as PostgreSQL's own messages have it (`locales/translit_cyrillic`, ISO 9.1995 and GOST 7.79).
const CYRILLIC: [(char, &str); 36] = [
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "yo"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "j"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "x"),
    ('ц', "cz"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shh"),
    ('ъ', "``"),
    ('ы', "y`"),
    ('ь', "`"),
    ('э', "e`"),
    ('ю', "yu"),
    ('я', "ya"),
    ('і', "i"),
    ('ї', "yi"),
    ('є', "ye"),
];
