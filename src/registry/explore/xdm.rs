//! Column types of PostgreSQL and Redshift in the words of the platform (XDM, over JSON Schema).

use serde_json::{Number, Value, json};

/// What a column holds, as far as the platform tells types apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `boolean`
    Boolean,
    /// `smallint`
    Short,
    /// `integer`
    Integer,
    /// `bigint`
    Long,
    /// `real`, `double precision`, `numeric`
    Double,
    /// `date`
    Date,
    /// `timestamp`, with a time zone or without
    DateTime,
    /// Anything else, as text.
    String,
}

impl Type {
    /// By `pg_type.typname`, or by the words of SQL and Hive that Redshift's views have.
    pub fn of(name: &str) -> Self {
        let (name, _length) = name.split_once('(').unwrap_or((name, ""));
        match name {
            "bool" | "boolean" => Self::Boolean,
            "int2" | "smallint" | "tinyint" => Self::Short,
            "int4" | "integer" | "int" => Self::Integer,
            "int8" | "bigint" => Self::Long,
            "float4" | "float8" | "numeric" | "real" | "double precision" | "double" | "float" | "decimal" => {
                Self::Double
            }
            "date" => Self::Date,
            "timestamp" | "timestamptz" | "timestamp without time zone" | "timestamp with time zone" => Self::DateTime,
            _ => Self::String,
        }
    }

    /// Whether its values are shown as texts.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Date | Self::DateTime | Self::String)
    }

    /// The members of a column beside its name. The finer type is told where the JSON type leaves it open.
    pub fn described(self) -> Value {
        match self {
            Self::Boolean => json!({"type": "boolean", "xdm": {"type": "boolean"}}),
            Self::Short => json!({"type": "integer", "meta:xdmType": "short", "xdm": {"type": "integer"}}),
            Self::Integer => json!({"type": "integer", "meta:xdmType": "int", "xdm": {"type": "integer"}}),
            Self::Long => json!({"type": "integer", "meta:xdmType": "long", "xdm": {"type": "integer"}}),
            Self::Double => json!({"type": "double", "xdm": {"type": "number"}}),
            Self::Date => {
                json!({"type": "string", "meta:xdmType": "date", "xdm": {"type": "string", "format": "date"}})
            }
            Self::DateTime => {
                json!({"type": "string", "meta:xdmType": "date-time", "xdm": {"type": "string", "format": "date-time"}})
            }
            Self::String => json!({"type": "string", "xdm": {"type": "string"}}),
        }
    }

    /// A value from its text. What JSON has no number for (`NaN`, `Infinity`) stays a text.
    pub fn value(self, text: &str) -> Value {
        let number = match self {
            Self::Boolean => return Value::Bool(text == "t" || text == "true"),
            Self::Short | Self::Integer | Self::Long => text.parse::<i64>().ok().map(Number::from),
            Self::Double => text.parse::<f64>().ok().and_then(Number::from_f64),
            Self::Date | Self::DateTime | Self::String => None,
        };
        number.map_or_else(|| text.into(), Value::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_the_type_that_the_column_says() {
        let rows = [
            ("bool", "t", json!(true)),
            ("int8", "-9223372036854775808", json!(i64::MIN)),
            ("numeric", "12.5", json!(12.5)),
            ("float8", "NaN", json!("NaN")),
            ("timestamptz", "2026-01-01 00:00:00+00", json!("2026-01-01 00:00:00+00")),
            ("jsonb", "{}", json!("{}")),
            ("decimal(10,2)", "12.5", json!(12.5)),
            ("double precision", "0.5", json!(0.5)),
            ("timestamp without time zone", "2026-01-01 00:00:00", json!("2026-01-01 00:00:00")),
            ("array<int>", "[1]", json!("[1]")),
        ];
        for (typname, text, expected) in rows {
            let kind = Type::of(typname);
            assert_eq!(kind.value(text), expected, "{typname}");
            let described = kind.described();
            let json_type = described.pointer("/xdm/type").and_then(Value::as_str);
            assert!(json_type.is_some() && described.get("type").is_some(), "{typname}");
        }
    }
}
