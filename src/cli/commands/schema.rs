use std::path::PathBuf;

use crate::cli::Result;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::schema;

/// Print the JSON Schemas, or write them for editors
///
/// Without a name and with `--out`, writes all of them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  campaignctl schema campaign > schema/campaign.schema.json\n  campaignctl schema --out schema"
)]
pub(in crate::cli) struct Args {
    /// Which schema
    #[arg(value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(schema::ALL.iter().map(|named| named.name)), required_unless_present = "out")]
    name: Option<String>,
    /// Write into this directory, as NAME.schema.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result {
    let wanted = schema::ALL.iter().filter(|named| args.name.as_ref().is_none_or(|name| name == named.name));
    for named in wanted {
        let Some(directory) = &args.out else {
            shell.answer_bytes(&named.text())?;
            continue;
        };
        let path = directory.join(named.file_name());
        let written = std::fs::create_dir_all(directory).and_then(|()| std::fs::write(&path, named.text()));
        written.map_err(|error| {
            Failure::new(ExitStatus::Other, format!("could not write `{}`: {error}", path.display()))
        })?;
        shell.say(&format!("Wrote {}\n", path.display()));
    }
    Ok(ExitStatus::Done)
}
