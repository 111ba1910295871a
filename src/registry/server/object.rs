//! What a call to `explore` names.

use crate::registry::api::Object;
use crate::registry::problem::Problem;
use crate::registry::{explore, list};

/// Reads a query string. Names of parameters and types are taken in any letter case, as documents differ.
pub fn parse(query: &str) -> Result<Object, Problem> {
    let (mut kind, mut object, mut preview) = (None, None, false);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "objectType" => kind = Some(value.to_ascii_lowercase()),
            "object" => object = Some(value.into_owned()).filter(|object| !object.is_empty()),
            "preview" => preview = value.eq_ignore_ascii_case("true"),
            // Of files; tables have neither.
            "fileType" | "FileType" | "compressionType" | "CompressionType" => {}
            "filters" => return Err(explore::invalid("1336-400", "Filters are not supported for this source.")),
            _ => return Err(list::unknown_parameter()),
        }
    }
    match (kind.as_deref().filter(|kind| !kind.is_empty()), object) {
        (None, _) => Err(explore::invalid("1359-400", "The query parameter objectType is missing.")),
        (Some("root"), _) => Ok(Object::Root),
        (Some("table"), Some(path)) => Ok(Object::Table { path, preview }),
        (Some("table"), None) => Err(explore::invalid("1337-400", "The query parameter object is missing.")),
        (Some(_), _) => Err(explore::invalid("1358-400", "The objectType is unknown. Use root or table.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_explored_is_read_from_the_query() {
        let table = |path: &str, preview| Some(Object::Table { path: path.to_owned(), preview });
        let rows = [
            ("objectType=root", Some(Object::Root)),
            ("objectType=ROOT&FileType=&CompressionType=", Some(Object::Root)),
            ("objectType=table&object=public.orders", table("public.orders", false)),
            ("objectType=TABLE&object=a%20%22b%22.c&preview=true", table("a \"b\".c", true)),
            ("objectType=table&object=x&preview=False", table("x", false)),
            ("", None),
            ("objectType=table", None),
            ("objectType=table&object=", None),
            ("objectType=file&object=x", None),
            ("objectType=root&filters=e30", None),
            ("objectType=root&x=1", None),
        ];
        for (query, expected) in rows {
            assert_eq!(parse(query).ok(), expected, "{query}");
        }
    }
}
