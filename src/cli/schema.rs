//! `hotline schema`: the language of flows, for editors and for people.

use super::{CannotRun, Exit, args, print};
use crate::grammar::reference;
use crate::grammar::schema::{Of, schema};

pub(super) fn print(args: &args::Schema) -> Result<Exit, CannotRun> {
    if args.reference {
        print::text(&reference::page());
        return Ok(Exit::Fine);
    }
    let of = Of::ALL.iter().find(|(name, _)| *name == args.of).map_or(Of::Flow, |(_, of)| *of);
    let json = serde_json::to_string_pretty(&schema(of))
        .map_err(|error| CannotRun::because("the schema cannot be written", error))?;
    print::json(&json);
    Ok(Exit::Fine)
}
