//! `explain`: the page of one code, or the list of all.

use crate::cli::ExplainArgs;
use crate::commands::output::Output;
use crate::diagnose::code::Code;
use crate::error::Trouble;
use crate::render::layout::{BAD, STRONG, paragraph};

/// Runs the subcommand. An unknown code is a bad invocation: exit code 2.
pub fn run(args: &ExplainArgs) -> Result<u8, Trouble> {
    let mut output = Output::open(None)?;
    let Some(name) = &args.code else {
        return output
            .write(|out| {
                Code::ALL.iter().try_for_each(|code| {
                    let name = code.as_str();
                    paragraph(out, &format!("{STRONG}{name:<34}{STRONG:#} "), 35, code.meaning())
                })
            })
            .map(|()| 0);
    };
    if let Some(code) = Code::parse(name) {
        return output.write(|out| out.write_all(code.page().as_bytes())).map(|()| 0);
    }
    let nearest = Code::ALL.iter().map(|code| (strsim::jaro_winkler(name, code.as_str()), code));
    let nearest = nearest.max_by(|one, other| one.0.total_cmp(&other.0)).filter(|(score, _)| *score > 0.7);
    let hint = nearest.map(|(_, code)| format!("; did you mean {}?", code.as_str())).unwrap_or_default();
    let shown: String = name.escape_default().take(60).collect();
    anstream::eprintln!("{BAD}error:{BAD:#} there is no code `{shown}`{hint}");
    anstream::eprintln!("`pgpreflight explain` lists them all");
    Ok(2)
}
