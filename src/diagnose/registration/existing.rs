//! What the platform already has under the name.

use serde_json::{Value, json};

use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};

/// The connection that has the name, and is another one.
#[derive(Debug)]
pub struct Taken {
    /// The name.
    pub name: String,
    /// The newest that has it.
    pub id: String,
    /// Where it differs from what is to be registered.
    pub differs: Vec<Differs>,
    /// How many have it: names need not be unique.
    pub namesakes: usize,
    /// `--update` was given, and it cannot be known which of them it means.
    pub update: bool,
}

/// One setting that is no secret, here and there.
#[derive(Clone, Debug)]
pub struct Differs {
    /// Its path in the body, such as `auth.params.server`.
    pub setting: String,
    /// None where it is not set.
    pub stored: Option<String>,
    /// None where it is not set.
    pub requested: Option<String>,
}

/// There is one of that name, and it is not this one.
pub fn name_taken(taken: &Taken) -> Finding {
    let Taken { name, id, differs, namesakes, update } = taken;
    let mut finding = Finding::new(
        Code::RegisterNameTaken,
        format!("{name:?} is the name of connection {id}, which has other settings"),
    );
    finding.because.extend(differs.iter().map(difference));
    if *namesakes > 1 {
        finding =
            finding.because(format!("{namesakes} connections have this name and source; {id} is the newest of them"));
    }
    if *namesakes > 1 && *update {
        finding = finding.because("--update changes one connection, and the name does not say which");
    }
    let to_do = if *namesakes > 1 {
        finding.fix(
            Side::Client,
            "change the one that is meant by its id",
            [format!("pgpreflight connections update {id}")],
        )
    } else {
        finding.fix(Side::Client, "change that connection to these settings", ["--update"])
    };
    to_do
        .fix(Side::Client, "or register this endpoint beside it, under a name of its own", ["--name ANOTHER-NAME"])
        .evidence("name", name.as_str())
        .evidence("id", id.as_str())
        .evidence("namesakes", *namesakes)
        .evidence("differences", differs.iter().map(operands).collect::<Vec<_>>())
}

/// There is one of that name, and whether it is this one cannot be seen.
pub fn not_compared(id: &str) -> Finding {
    Finding::new(
        Code::RegisterNotCompared,
        format!("connection {id} has this name, and whether it is this endpoint cannot be seen"),
    )
    .because("it was registered by a connection string, of which the platform shows nothing: all of it is secret")
    .because("nothing was changed")
    .fix(Side::Client, "send the string anew, so that it surely is this one", ["--update"])
    .fix(Side::Client, "or register by parameters that can be compared", ["--auth basic"])
    .evidence("id", id)
}

fn difference(differs: &Differs) -> String {
    let shown = |value: &Option<String>| value.as_ref().map_or("not set".to_owned(), |value| format!("{value:?}"));
    format!("{} is {} there and {} here", differs.setting, shown(&differs.stored), shown(&differs.requested))
}

fn operands(differs: &Differs) -> Value {
    json!({"setting": differs.setting, "stored": differs.stored, "requested": differs.requested})
}
