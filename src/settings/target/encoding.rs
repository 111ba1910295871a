//! client_encoding: what is asked for in place of what was given.

/// The encodings that a server converts to (manual, table 23.3, with the aliases), lower case without punctuation, as
/// servers compare them.
const KNOWN: &str = "big5 win950 windows950 euccn eucjisx0213 eucjis2004 eucjp euckr euctw gb18030 gbk win936 windows936 \
    iso88591 latin1 iso88592 latin2 iso88593 latin3 iso88594 latin4 iso88599 latin5 iso885910 latin6 iso885913 latin7 \
    iso885914 latin8 iso885915 latin9 iso885916 latin10 iso88595 iso88596 iso88597 iso88598 johab koi8 koi8r koi8u \
    sjis mskanji shiftjis win932 windows932 shiftjis2004 sqlascii uhc win949 windows949 utf8 unicode win866 alt \
    win874 win1250 win1251 win win1252 win1253 win1254 win1255 win1256 win1257 win1258 abc tcvn tcvn5712 vscii \
    windows866 windows874 windows1250 windows1251 windows1252 windows1253 windows1254 windows1255 windows1256 \
    windows1257 windows1258 muleinternal";

/// UTF-8, which every answer is read as, unless the server would refuse the encoding that was given.
pub fn sent(given: Option<&str>) -> &str {
    let bare: String = given.unwrap_or("auto").chars().filter(char::is_ascii_alphanumeric).collect();
    let bare = bare.to_ascii_lowercase();
    match given {
        Some(unknown) if unknown != "auto" && !KNOWN.split(' ').any(|name| name == bare) => unknown,
        _ => "UTF8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_server_refuses_is_sent_as_it_is() {
        for known in [None, Some("auto"), Some("UTF8"), Some("utf-8"), Some("LATIN1"), Some("Windows-1252")] {
            assert_eq!(sent(known), "UTF8", "{known:?}");
        }
        for unknown in ["KLINGON", "utf9", "latin"] {
            assert_eq!(sent(Some(unknown)), unknown);
        }
    }
}
