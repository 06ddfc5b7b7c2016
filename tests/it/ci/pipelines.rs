//! The pipelines of `init --ci`: who they trust with what, and that their scripts do what they are for.

use std::fs;
use std::path::{Path, PathBuf};

use campaignctl::sandbox::{ACCESS_KEY_ID, ACCESS_KEY_SECRET};
use serde_json::{Value, json};

use super::shell::{Job, KEYS, Runner, variables_of};
use super::{jobs, steps, text, workflows, yaml};
use crate::site::{Ran, Site};

/// Each forge, where its pipeline is, and its asset.
const FORGES: [(&str, &str, &str); 3] = [
    ("github", ".github/workflows/campaigns.yaml", "assets/init/github.yaml"),
    ("gitlab", ".gitlab-ci.yml", "assets/init/gitlab.yaml"),
    ("codeup", ".workflow/campaigns.yaml", "assets/init/codeup.yaml"),
];

/// A repository that `init --ci` started.
fn started(forge: &str) -> (Site, PathBuf) {
    let site = Site::with_samples();
    site.run(&["-C", "team", "init", "--ci", forge]).exits(0);
    let directory = site.path("team");
    (site, directory)
}

#[test]
fn init_writes_the_pipeline_that_is_asked_for_and_no_other() {
    for asked in ["github", "gitlab", "codeup", "none"] {
        let (_site, directory) = started(asked);
        for (forge, path, asset) in FORGES {
            let written = fs::read_to_string(directory.join(path)).ok();
            assert_eq!(written, (forge == asked).then(|| text(asset)), "--ci {asked}: {path}");
        }
        assert!(directory.join("campaigns/welcome.yaml").exists());
    }
    let site = Site::with_samples();
    site.run(&["-C", "team", "init"]).exits(0).warns("`campaignctl -C team init --ci github`");
    assert!(FORGES.iter().all(|(_, path, _)| !site.path("team").join(path).exists()));
}

/// An example among campaigns that are there would be pushed with them.
#[test]
fn where_a_workspace_is_there_only_the_pipeline_is_written_and_never_over_another() {
    let site = Site::with_samples();
    let ran = site.run(&["init", "--ci", "gitlab"]).exits(0);
    assert_eq!(ran.stdout, "wrote ./.gitlab-ci.yml\n");
    site.write(".gitlab-ci.yml", "# ours\n");
    assert_eq!(site.run(&["init", "--ci", "gitlab"]).exits(0).stdout, "kept  ./.gitlab-ci.yml\n");
    assert_eq!(site.read(".gitlab-ci.yml"), "# ours\n");
    assert!(!site.path("campaigns/welcome.yaml").exists());
}

/// Runs the job of that name.
fn run(forge: &str, job: &str, directory: &Path) -> Job {
    let path = FORGES.iter().find(|(name, ..)| *name == forge).expect("it is one of them").1;
    let pipeline = yaml(&fs::read_to_string(directory.join(path)).unwrap());
    let runner = Runner::at(directory);
    // Only the job that pushes has keys.
    let keys: &[(&str, &str)] = if job == "apply" { &KEYS } else { &[] };
    let mut variables: Vec<(String, String)> = Vec::new();
    if !keys.is_empty() {
        variables.push(("MPAAS_AK_ENV".to_owned(), ACCESS_KEY_ID.to_owned()));
        variables.push(("MPAAS_SK_ENV".to_owned(), ACCESS_KEY_SECRET.to_owned()));
    }
    let script = |lines: &Value| {
        let lines: Vec<&str> = lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        lines.join("\n")
    };
    let ran: Vec<Ran> = match forge {
        "github" => return runner.github(&pipeline, &pipeline["jobs"][job], keys),
        "gitlab" => {
            variables.extend(variables_of(&pipeline["variables"], &[]));
            let after = pipeline[job].get("after_script").map(script);
            let scripts = [Some(script(&pipeline[job]["script"])), after];
            scripts.into_iter().flatten().map(|script| runner.script(&script, &variables)).collect()
        }
        _ => {
            let step = &pipeline["stages"][job]["jobs"][job]["steps"][job];
            assert_eq!(step["step"], "Command");
            vec![runner.script(step["with"]["run"].as_str().unwrap(), &variables)]
        }
    };
    let is_ok = ran.iter().all(|ran| ran.code == Some(0));
    Job { ran, is_ok, summary: String::new() }
}

fn said(job: &Job) -> String {
    job.ran.iter().flat_map(|ran| [ran.stdout.as_str(), &ran.stderr]).collect()
}

fn received(directory: &Path) -> usize {
    let path = directory.join("campaigns/.campaignctl/sandbox.received.jsonl");
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn the_first_job_plans_with_no_key_and_no_ledger_and_the_second_one_pushes_once() {
    for (forge, ..) in FORGES {
        let (_site, directory) = started(forge);
        let plan = run(forge, "plan", &directory);
        assert!(plan.is_ok, "{forge}: {}", said(&plan));
        let shown = format!("{}{}", said(&plan), plan.summary);
        let counted = "Plan: at most 1 to push (2 targets in 1 request)";
        assert!(shown.contains(counted) || directory.join("plan.json").exists(), "{forge}: {shown}");
        if forge == "github" {
            assert!(plan.summary.starts_with("<!-- campaignctl:my-project/sandbox/campaigns -->\n"));
            assert!(plan.summary.contains("**Compared with no ledger:**") && plan.summary.contains(counted));
        }
        assert!(!directory.join("campaigns/.campaignctl").exists(), "{forge}: a plan made a ledger");
        for pushes in [1, 1] {
            let apply = run(forge, "apply", &directory);
            assert!(apply.is_ok, "{forge}: {}", said(&apply));
            assert_eq!(received(&directory), pushes, "{forge}");
        }
        if forge != "codeup" {
            let ledger = fs::read_to_string(directory.join("ledger.jsonl")).unwrap();
            assert!(ledger.contains("\"record\":\"outcome\""), "{forge}: the export has what was sent");
        }
    }
}

#[test]
fn a_mistake_fails_the_first_job_and_a_stale_plan_pushes_nothing_in_the_second() {
    for (forge, ..) in FORGES {
        let (_site, directory) = started(forge);
        let file = directory.join("campaigns/welcome.yaml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("audience: testers", "audience: tester")).unwrap();
        for job in ["plan", "apply"] {
            let done = run(forge, job, &directory);
            assert!(!done.is_ok, "{forge}: {job}");
            assert!(said(&done).contains("tester"), "{forge}: {job}: {}", said(&done));
            assert_eq!(done.summary, "");
        }
        assert_eq!(received(&directory), 0, "{forge}");
    }
}

#[test]
fn where_a_review_is_required_the_first_job_fails_without_it() {
    for (forge, ..) in FORGES {
        let (site, directory) = started(forge);
        site.edit(
            "team/campaigns/campaignctl.yaml",
            "endpoint: sandbox\n",
            "endpoint: sandbox\n    require_review: true\n",
        );
        let unreviewed = run(forge, "plan", &directory);
        assert!(
            !unreviewed.is_ok && said(&unreviewed).contains("review-differs"),
            "{forge}: {}",
            said(&unreviewed)
        );
        site.run(&["-C", "team/campaigns", "review"]).exits(0);
        let reviewed = run(forge, "plan", &directory);
        assert!(reviewed.is_ok, "{forge}: {}", said(&reviewed));
    }
}

/// A pipeline that names an environment that the project file does not have never ran.
#[test]
fn the_environment_of_each_pipeline_is_in_the_project_file_beside_it() {
    for (forge, path, _) in FORGES {
        let (_site, directory) = started(forge);
        let project = fs::read_to_string(directory.join("campaigns/campaignctl.yaml")).unwrap();
        let pipeline = fs::read_to_string(directory.join(path)).unwrap();
        let pipeline = pipeline.replace("-u CAMPAIGNCTL_ENVIRONMENT", "");
        let named: Vec<&str> = pipeline.split("CAMPAIGNCTL_ENVIRONMENT").skip(1).collect();
        assert!(!named.is_empty());
        for environment in
            named.iter().filter_map(|rest| rest.trim_start_matches([':', '=', ' ']).split_whitespace().next())
        {
            assert!(project.contains(&format!("\n  {environment}:")), "{forge}: {environment}");
        }
    }
}

/// Whether a job of GitHub's pushes.
fn pushes(job: &Value) -> bool {
    steps(job).iter().any(|step| step["run"].as_str().is_some_and(|run| run.contains("campaignctl apply")))
}

/// Of the runs of one group that wait, GitHub keeps the last: a pull request's plan must not be in the group of an apply.
#[test]
fn whatever_pushes_has_an_environment_and_runs_alone_for_the_protected_branch_and_nothing_else_does() {
    let mut seen = 0;
    for (name, workflow) in workflows() {
        let workflow = yaml(&workflow);
        assert_eq!(workflow["concurrency"], Value::Null, "{name}: a group of all jobs has a plan in it");
        for (job_name, job) in jobs(&workflow) {
            if !pushes(job) {
                assert_ne!(job["concurrency"]["group"], "campaigns-apply", "{name}: {job_name}");
                continue;
            }
            seen += 1;
            assert!(job["environment"].is_string(), "{name}: {job_name}");
            let group = job["concurrency"]["group"].as_str().unwrap();
            assert_eq!(group, "campaigns-apply", "{name}: {job_name}: all are in one group");
            assert_eq!(job["concurrency"]["cancel-in-progress"], false, "{name}: {job_name}");
            let condition = job["if"].as_str().unwrap();
            let is_of_main = condition == "github.event_name == 'push'"
                || condition == "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'";
            assert!(is_of_main, "{name}: {job_name}: {condition}");
            assert_eq!(workflow["on"]["push"]["branches"], json!(["main"]), "{name}");
        }
    }
    assert!(seen >= 2, "{seen}");
    let gitlab = yaml(&text("assets/init/gitlab.yaml"));
    let apply = &gitlab["apply"];
    assert!(apply["resource_group"].is_string() && apply["environment"].is_string());
    assert_eq!(apply["interruptible"], false);
    for rule in apply["rules"].as_array().unwrap() {
        let condition = rule["if"].as_str().unwrap();
        let is_protected = condition.contains("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH")
            && condition.contains("$CI_COMMIT_REF_PROTECTED == \"true\"");
        assert!(rule["when"] == "never" || is_protected, "{condition}");
    }
    let codeup = yaml(&text("assets/init/codeup.yaml"));
    let branch = codeup["sources"]["repository"]["branch"].as_str().unwrap();
    assert_eq!(codeup["sources"]["repository"]["branchesFilter"], format!("^{branch}$"));
    let condition =
        |stage: &str| codeup["stages"][stage]["jobs"][stage]["condition"].as_str().unwrap().trim().to_owned();
    assert_eq!(condition("apply"), format!("\"${{CI_COMMIT_REF_NAME}}\" == \"{branch}\""));
    assert_eq!(condition("plan"), format!("\"${{CI_COMMIT_REF_NAME}}\" != \"{branch}\""));
    // Flow's other limit, on runs, refuses or cancels them.
    assert_eq!(codeup["concurrencyConfig"], json!({ "maxRunningJobInstances": 1 }));
}

#[test]
fn what_init_writes_gives_a_pull_request_no_secret_no_environment_and_no_right_to_write() {
    let workflow = yaml(&text("assets/init/github.yaml"));
    assert_eq!(workflow["permissions"], json!({ "contents": "read" }));
    let plan = &workflow["jobs"]["plan"];
    assert_eq!(plan["if"], "github.event_name == 'pull_request'");
    let whole = plan.to_string();
    for word in ["secrets", "vars.", "github.token", "environment", "permissions"] {
        assert!(!whole.contains(word), "the job `plan` has {word}");
    }
    for (name, workflow) in workflows() {
        assert!(!workflow.contains("pull_request_target"), "{name}");
        let workflow = yaml(&workflow);
        let checkouts = jobs(&workflow).into_iter().flat_map(|(_, job)| steps(job));
        let checkouts =
            checkouts.filter(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("checkout")));
        for checkout in checkouts {
            assert_eq!(checkout["with"]["persist-credentials"], false, "{name}");
        }
    }
    let gitlab = yaml(&text("assets/init/gitlab.yaml"));
    assert_eq!(gitlab["plan"]["rules"][0]["if"], "$CI_PIPELINE_SOURCE == \"merge_request_event\"");
    assert_eq!(gitlab["plan"]["environment"], Value::Null);
    // Flow hands a pipeline's variables to all its jobs.
    let codeup = yaml(&text("assets/init/codeup.yaml"));
    let script = codeup["stages"]["plan"]["jobs"]["plan"]["steps"]["plan"]["with"]["run"].as_str().unwrap();
    let first = script.find("campaignctl").unwrap();
    assert!(script[..first].contains("unset MPAAS_AK_ENV MPAAS_SK_ENV"));
}

/// A shell's way around an exit code would also pass what it stands for beside.
#[test]
fn the_pipelines_judge_a_pull_request_strictly_and_go_around_no_exit_code() {
    for (_, _, asset) in FORGES {
        let text = text(asset);
        assert!(text.contains("plan --without-ledger --strict"), "{asset}");
        assert!(!text.contains("||") && !text.contains("$?") && !text.contains("allow_failure"), "{asset}");
    }
    for (name, workflow) in workflows() {
        assert!(!workflow.contains("||") && !workflow.contains("continue-on-error"), "{name}");
    }
}
