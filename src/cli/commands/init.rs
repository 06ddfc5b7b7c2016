use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::{Globals, Result};
use crate::load::PROJECT_FILE;
use crate::render::caller::Caller;
use crate::schema;

/// The files of a new workspace, beside the schemas: paths below the directory that is asked for.
const FILES: [(&str, &str); 5] = [
    ("campaigns/campaignctl.yaml", include_str!("../../../assets/init/campaignctl.yaml")),
    ("campaigns/welcome.yaml", include_str!("../../../assets/init/welcome.yaml")),
    ("campaigns/.gitignore", include_str!("../../../assets/init/gitignore")),
    (".vscode/settings.json", include_str!("../../../assets/init/vscode-settings.json")),
    ("EDITORS.md", include_str!("../../../docs/editors.md")),
];

/// Start a workspace: project file, an example campaign, schemas, editor settings, a CI pipeline
///
/// Writes into the current directory, or into `-C DIR`; `-C campaigns` means the workspace itself. What is there already
/// stays as it is. In a workspace that is there already, `--ci` writes the pipeline alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  campaignctl init && campaignctl plan\n  campaignctl init --ci github")]
pub(in crate::cli) struct Args {
    /// Also write a pipeline that plans each pull request and applies what was merged
    #[arg(long, value_name = "FORGE", value_enum, default_value_t = Forge::None)]
    ci: Forge,
}

/// Whose pipeline is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Forge {
    Github,
    Gitlab,
    Codeup,
    None,
}

impl Forge {
    /// Returns the pipeline's path in the repository, and its text.
    fn pipeline(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Github => {
                Some((".github/workflows/campaigns.yaml", include_str!("../../../assets/init/github.yaml")))
            }
            Self::Gitlab => Some((".gitlab-ci.yml", include_str!("../../../assets/init/gitlab.yaml"))),
            Self::Codeup => {
                Some((".workflow/campaigns.yaml", include_str!("../../../assets/init/codeup.yaml")))
            }
            Self::None => None,
        }
    }
}

pub(super) fn run(shell: &Shell, globals: &Globals, args: &Args) -> Result {
    let given = globals.directory.as_deref();
    if given.is_none() && Path::new(PROJECT_FILE).exists() {
        return Err(Failure::new(ExitStatus::Written, "this directory is a workspace already")
            .help("nothing was written. Run it in the directory above, to add what is missing there"));
    }
    let (root, workspace) = places(given.unwrap_or(Path::new(".")));
    let pipeline = args.ci.pipeline();
    // Whoever wants a pipeline for campaigns that are there does not want an example among them.
    if pipeline.is_none() || !workspace.join(PROJECT_FILE).exists() {
        start(shell, globals, &root, &workspace)?;
    }
    if let Some((path, text)) = pipeline {
        write(shell, &root.join(path), text)?;
        shell.say(&format!(
            "Before you commit `{path}`, replace its words in capital letters: `docs/ci.md` of campaignctl says by what.\n"
        ));
    } else {
        let github = shell.caller().command("init --ci github");
        shell.say(&format!("For a CI pipeline: `{github}`, or with `gitlab` or `codeup`.\n"));
    }
    Ok(ExitStatus::Done)
}

/// Writes all that a workspace needs and that is not there.
fn start(shell: &Shell, globals: &Globals, root: &Path, workspace: &Path) -> Result<()> {
    let given = globals.directory.as_deref();
    for (path, text) in FILES {
        let path = match path.strip_prefix("campaigns/") {
            Some(path) => workspace.join(path),
            None => root.join(path),
        };
        write(shell, &path, text)?;
    }
    for named in schema::ALL {
        write(shell, &root.join("schema").join(named.file_name()), &named.text())?;
    }
    let project = workspace.join(PROJECT_FILE);
    let project = project.strip_prefix(".").unwrap_or(&project);
    // What is written has its own environments: the one that was named here may be none of them.
    let directory = given.map(|_| workspace.to_string_lossy());
    let caller = Caller::new(directory.as_deref(), None);
    let plan = caller.command("plan");
    shell.say(&format!("Next: edit `{}`, then run `{plan}`.\n", project.display()));
    Ok(())
}

/// Returns where the repository's files go, and where the workspace's. `-C` names a workspace everywhere else: a directory
/// that is one, or has its usual name, gets none inside.
fn places(directory: &Path) -> (PathBuf, PathBuf) {
    let is_workspace = directory.file_name().is_some_and(|name| name == "campaigns")
        || directory.join(PROJECT_FILE).exists();
    if is_workspace {
        let above = directory.parent().filter(|above| !above.as_os_str().is_empty());
        return (above.unwrap_or(Path::new(".")).to_owned(), directory.to_owned());
    }
    (directory.to_owned(), directory.join("campaigns"))
}

/// Writes a file that is not there yet.
fn write(shell: &Shell, path: &Path, text: &str) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| OpenOptions::new().write(true).create_new(true).open(path))
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => shell.answer(&format!("wrote {}\n", path.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            shell.answer(&format!("kept  {}\n", path.display()))
        }
        Err(error) => {
            Err(Failure::new(ExitStatus::Other, format!("could not write `{}`: {error}", path.display())))
        }
    }
}
