use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use chrono::{DateTime, Days, NaiveTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;

use crate::check::Checked;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::diagnostic::Place;
use crate::domain::CampaignId;
use crate::load::PROJECT_FILE;

const SKELETON: &str = include_str!("../../../assets/new/campaign.yaml");

/// So many days ahead the skeleton's time is: long enough to be noticed before it comes.
const DAYS_AHEAD: u64 = 30;

/// What some reader of YAML takes for something else than text.
const WORDS_OF_YAML: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// Write a commented skeleton to start from
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  campaignctl new campaign spring-sale")]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A campaign file: template, audience, classification, strategy, and the campaign itself
    ///
    /// Goes into the workspace's directory as NAME.yaml; a file that is there stays as it is. The campaign is
    /// commented out until you say so: nothing is pushed by accident.
    #[command(after_help = "Example:\n  campaignctl new campaign spring-sale")]
    Campaign {
        /// Its name: 1 to 64 letters, digits, `-`, `_` or `.`
        name: CampaignId,
    },
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let session = Session::new(shell, globals);
    let What::Campaign { name } = &args.what;
    let checked = session.read().checked;
    prove_free(&checked, name)?;
    let zone = checked.project.as_ref().map_or(Tz::Asia__Shanghai, |project| project.time_zone);
    let text = skeleton(name, &schema_line(session.directory()), &at(shell.now(), zone));
    let path = session.directory().join(format!("{name}.yaml"));
    write(&path, &text)?;
    shell.answer(&format!("wrote {}\n", path.display()))?;
    shell.say("Next: fill it in, then remove the `# ` before `campaigns:` and before each line below it.\n");
    Ok(ExitStatus::Done)
}

/// Refuses a name that something has already.
fn prove_free(checked: &Checked, name: &CampaignId) -> Result<()> {
    let name = name.as_str();
    let place = |declared: Option<&Place>| declared.cloned();
    let taken = [
        ("template", place(checked.templates.get(name).map(|declared| &declared.declared_at))),
        ("audience", place(checked.audiences.get(name).map(|declared| &declared.declared_at))),
        ("classification", place(checked.classifications.get(name).map(|declared| &declared.declared_at))),
        ("strategy", place(checked.strategies.get(name).map(|declared| &declared.declared_at))),
        (
            "campaign",
            name.parse().ok().and_then(|id: CampaignId| {
                place(checked.campaigns.get(&id).map(|declared| &declared.declared_at))
            }),
        ),
    ];
    match taken.into_iter().find_map(|(what, place)| Some((what, place?))) {
        Some((what, place)) => {
            let message = format!("a {what} named `{name}` already exists: {place}");
            Err(Failure::new(ExitStatus::Written, message).help("nothing was written; take another name"))
        }
        None => Ok(()),
    }
}

/// Returns the line that tells editors the schema, as the project file has it for its own.
fn schema_line(directory: &Path) -> String {
    let project = std::fs::read_to_string(directory.join(PROJECT_FILE)).unwrap_or_default();
    let first = project.lines().next().unwrap_or_default();
    if first.contains("yaml-language-server:") && first.contains("project.schema.json") {
        return format!("{}\n", first.replace("project.schema.json", "campaign.schema.json"));
    }
    String::new()
}

/// Ten in the morning of a day far enough ahead, with the offset that the project's zone has then.
fn at(now: DateTime<Utc>, zone: Tz) -> String {
    let today = now.with_timezone(&zone).date_naive();
    let day = today.checked_add_days(Days::new(DAYS_AHEAD)).unwrap_or(today);
    let morning = day.and_time(NaiveTime::from_hms_opt(10, 0, 0).expect("ten o'clock exists"));
    // Where the clocks are changed just then, any of the two will do for a skeleton.
    let at = zone.from_local_datetime(&morning).earliest();
    at.map_or_else(|| morning.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true), |at| at.to_rfc3339())
}

fn skeleton(name: &CampaignId, schema_line: &str, at: &str) -> String {
    let name = name.as_str();
    // A template's name at the vendor has letters, digits and underscores.
    let template: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let text = SKELETON.replace("{template}", &as_text(&template)).replace("{key}", &as_text(name));
    format!("{schema_line}{}", text.replace("{name}", name).replace("{at}", at))
}

/// Returns a name as YAML takes it for text: in quotes, where it might be a number, a date or a word of YAML's own.
fn as_text(name: &str) -> String {
    let is_word = WORDS_OF_YAML.iter().any(|word| word.eq_ignore_ascii_case(name));
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) && !is_word {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return Failure::new(ExitStatus::Written, format!("`{}` is there already", path.display()))
                .help("it stays as it is; take another name");
        }
        Failure::new(ExitStatus::Other, format!("could not write `{}`: {error}", path.display()))
    })
}
