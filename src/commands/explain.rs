//! `explain`: the page of one code, or the list of all.

use crate::cli::ExplainArgs;
use crate::commands::nearest;
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
    let unknown = nearest::unknown(name, Code::ALL.iter().map(|code| code.as_str()));
    anstream::eprintln!("{BAD}error:{BAD:#} there is no code {unknown}");
    anstream::eprintln!("`pgpreflight explain` lists them all");
    Ok(2)
}
