//! `comment` against forges: one comment and one label, whatever the forge does.
//!
//! `forge_server` plays them. In one test Prism stands in front of it and refuses whatever is not as GitHub's own description of
//! its API has it, or the other forges' documents.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::forge_server::{Comment, Effect, ForgeServer, ME, SOMEBODY, TOKEN};
use crate::site::{Ran, Site, campaign};

const MARKER: &str = "<!-- campaignctl:p/sandbox/ -->";
const PROJECT: &str = "\
version: 1
project: p
default_environment: sandbox
environments:
  sandbox: { app_id: A, workspace_id: w, endpoint: sandbox }
";

/// A forge, a repository of it, and how its comments are edited.
const FORGES: [(&str, &str, Method); 4] = [
    ("github", "acme/push", Method::PATCH),
    ("gitlab", "acme/marketing/push", Method::PUT),
    ("gitee", "acme/push", Method::PATCH),
    ("codeup", "60de7a6852743a5162b5f957/2813489", Method::PUT),
];

/// A workspace with a plan, and a forge.
struct Team {
    site: Site,
    forge: ForgeServer,
}

impl Team {
    fn new() -> Self {
        let site = Site::with(PROJECT, &campaign("hello", 25));
        site.run(&["plan", "--out", "plan.json"]).exits(0);
        Self { site, forge: ForgeServer::start() }
    }

    fn command(&self, forge: &(&str, &str, Method), more: &[&str]) -> Command {
        self.command_at(&self.forge.api(forge.0), forge, more)
    }

    /// `comment` with nothing but options.
    fn command_at(&self, api: &str, (forge, repository, _): &(&str, &str, Method), more: &[&str]) -> Command {
        let options = ["--forge", forge, "--repository", repository, "--number", "12", "--api-url", api];
        let mut command = self
            .site
            .command(&[&["comment", "plan.json"], &options[..], &["--token-env", "A_TOKEN"], more].concat());
        command.env("A_TOKEN", TOKEN);
        command
    }

    fn comment(&self, forge: &(&str, &str, Method), more: &[&str]) -> Ran {
        let ran = Ran::of(&self.command(forge, more).output().unwrap());
        for printed in [&ran.stdout, &ran.stderr] {
            assert!(
                !printed.contains(TOKEN) && !printed.contains("ghs_a-token"),
                "the token is printed: {printed}"
            );
        }
        ran
    }

    /// `comment` on GitHub.
    fn on_github(&self) -> Ran {
        self.comment(&FORGES[0], &[])
    }

    /// Plans anew, with one campaign more.
    fn edit(&self, name: &str) {
        self.site.write(
            &format!("campaigns/{name}.yaml"),
            &format!("campaigns:\n  {name}: {{ template: t, audience: a, strategy: s, call: template, expires_after: 1h }}\n"),
        );
        self.site.run(&["plan", "--out", "plan.json"]).exits(0);
    }

    /// The one comment of the token's user.
    #[track_caller]
    fn own(&self) -> Comment {
        let mine = self.forge.mine();
        assert_eq!(mine.len(), 1, "{mine:?}");
        mine.into_iter().next().unwrap()
    }
}

/// One pull request from its first plan to its last, on one forge.
fn story(team: &Team, forge: &(&str, &str, Method), run: impl Fn(&[&str]) -> Ran) {
    let (name, repository, _) = forge;
    let (at, has_labels) = (format!("{repository}#12"), *name != "codeup");
    let labelled =
        |label: &str| if has_labels { format!(", label `campaignctl-{label}`") } else { String::new() };
    let labels = |label: &str| {
        if has_labels {
            vec![format!("campaignctl-{label}"), "theirs".to_owned()]
        } else {
            vec!["theirs".to_owned()]
        }
    };
    team.forge.clear();
    team.forge.label("theirs");
    let other = team.forge.add(SOMEBODY, &format!("{MARKER}\nI write what I like."));
    team.forge.add(ME, "Another comment of mine.");

    let ran = run(&[]).exits(0);
    assert_eq!(ran.stdout, format!("Commented on {at}{}.\n", labelled("push")), "{name}");
    let ours = |team: &Team| {
        let mut ours = team.forge.mine();
        ours.retain(|comment| comment.text.starts_with(MARKER));
        assert_eq!(ours.len(), 1, "{name}: {ours:?}");
        ours.remove(0)
    };
    let first = ours(team);
    assert!(
        first.text.contains("| + create | `hello` | 25 targets in 3 requests |"),
        "{name}: {}",
        first.text
    );
    assert_eq!(team.forge.labels(), labels("push"), "{name}");

    let ran = run(&[]).exits(0);
    assert_eq!(
        ran.stdout,
        format!("Nothing to change in the comment on {at}{}.\n", labelled("push")),
        "{name}"
    );
    assert_eq!(ours(team).text, first.text, "{name}");

    team.edit(&format!("again-{name}"));
    let ran = run(&[]).exits(0);
    assert_eq!(ran.stdout, format!("Edited the comment on {at}{}.\n", labelled("push")), "{name}");
    let second = ours(team);
    assert_eq!(second.id, first.id, "{name}");
    assert!(second.text.contains(&format!("`again-{name}`")), "{name}: {}", second.text);

    let report = json!({
        "accepted": 49, "rejected": 1, "in_doubt": 0, "not_attempted": 0, "stopped": null, "campaigns": [{
            "campaign": "hello", "revision": 1, "accepted": 49, "rejected": 1, "in_doubt": 0, "not_attempted": 0,
            "rejections": [{ "code": "X", "message": "no @everyone", "request_id": "r`1", "targets": 1 }],
            "doubts": [], "obstacle": null,
        }],
    });
    team.site.write("report.json", &report.to_string());
    let ran = run(&["--report", "report.json"]).exits(0);
    assert_eq!(ran.stdout, format!("Edited the comment on {at}{}.\n", labelled("blocked")), "{name}");
    let third = ours(team);
    assert_eq!(third.id, first.id, "{name}");
    assert!(
        third.text.contains("**Applied: 49 accepted, 1 rejected, 0 in doubt, 0 not sent.**"),
        "{}",
        third.text
    );
    assert!(
        third.text.contains("- `hello@1`: 1 target rejected: `X: no @everyone`, request ``r`1``"),
        "{}",
        third.text
    );
    assert!(third.text.contains("The plan was:\n\n**Plan: 2 to push"), "{}", third.text);
    assert_eq!(team.forge.labels(), labels("blocked"), "{name}");
    let others: Vec<Comment> =
        team.forge.comments().into_iter().filter(|comment| comment.id == other).collect();
    assert_eq!(others[0].text, format!("{MARKER}\nI write what I like."), "{name}");
    fs::remove_file(team.site.path(&format!("campaigns/again-{name}.yaml"))).unwrap();
    team.site.run(&["plan", "--out", "plan.json"]).exits(0);
}

#[test]
fn one_comment_is_made_then_edited_and_nobody_elses_is_touched() {
    let team = Team::new();
    for forge in &FORGES {
        story(&team, forge, |more| team.comment(forge, more));
    }
}

#[test]
fn a_comment_that_was_deleted_in_between_is_made_anew() {
    let team = Team::new();
    for forge in &FORGES {
        team.forge.clear();
        team.comment(forge, &[]).exits(0);
        let before = team.own();
        team.edit(&format!("more-{}", forge.0));
        team.forge.inject(forge.2.clone(), "", 1, Effect::DeletedBefore);
        team.comment(forge, &[]).exits(0).says("Commented on");
        let after = team.own();
        assert!(after.id != before.id && after.text != before.text, "{}", forge.0);
    }
}

#[test]
fn of_many_pages_the_own_comment_is_found() {
    let team = Team::new();
    for forge in &FORGES {
        team.forge.clear();
        for number in 0..230 {
            team.forge.add(SOMEBODY, &format!("{MARKER} {number}"));
        }
        team.forge.add(ME, &format!("{MARKER}\r\nold"));
        team.comment(forge, &[]).exits(0).says("Edited");
        assert!(team.own().text.contains("`hello`"), "{}", forge.0);
    }
}

#[test]
fn an_answer_that_was_lost_makes_no_second_comment() {
    let team = Team::new();
    for forge in &FORGES {
        let of = if forge.0 == "gitlab" { "/notes$" } else { "/comments$" };
        team.forge.clear();
        team.forge.inject(Method::POST, of, 1, Effect::ReplyLost);
        team.comment(forge, &[]).exits(0).says("Commented on");
        let text = team.own().text;
        team.forge.clear();
        team.forge.heal();
        // This one was not even begun.
        let refused = Effect::Answers(502, Vec::new(), Value::Null);
        team.forge.inject(Method::POST, of, 1, refused);
        team.comment(forge, &[]).exits(0).says("Commented on");
        assert_eq!(team.own().text, text, "{}", forge.0);
        team.forge.heal();
    }
    team.forge.clear();
    team.forge.inject(Method::POST, "/comments", u32::MAX, Effect::Answers(500, Vec::new(), Value::Null));
    let ran = team.on_github().exits(5);
    assert_eq!(
        ran.stderr,
        "error: GitHub could not be reached when it was asked to add a comment: it answered 500\nhelp: run it again later: that \
         makes no second comment\n"
    );
    assert!(team.forge.mine().is_empty());
}

#[test]
fn a_limit_is_waited_for_if_it_is_short_and_said() {
    let team = Team::new();
    let limit = |status, headers: &[(&'static str, &str)]| {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Effect::Answers(status, headers, json!({ "message": "API rate limit exceeded" }))
    };
    team.forge.inject(Method::POST, "/comments", 1, limit(403, &[("retry-after", "1")]));
    team.forge.inject(Method::GET, "/comments", 1, limit(429, &[("retry-after", "0")]));
    let ran = team.on_github().exits(0).says("Commented on");
    let told = "GitHub has had too many requests: waiting 1 s, as it asks\nGitHub has had too many requests: waiting 1 s, as it asks\n";
    assert_eq!(ran.stderr, told);
    team.own();

    let long = limit(
        403,
        &[
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1796083800"),
            ("date", "Tue, 01 Dec 2026 00:00:00 GMT"),
        ],
    );
    team.forge.inject(Method::GET, "/github/user", 1, long);
    let ran = team.on_github().exits(5);
    assert_eq!(
        ran.stderr,
        "error: GitHub has had too many requests, and asks to wait 11 min\nhelp: run it again later: that makes no second comment\n"
    );
}

#[test]
fn a_refusal_says_what_it_was_about_and_what_to_do() {
    let team = Team::new();
    let cases = [
        (401, "Bad credentials", 4, "set a token that is valid"),
        (403, "Resource not accessible", 4, "give the token the right to write comments"),
        (404, "Not Found", 3, "see that `--repository` and `--number` name a pull request"),
        (422, "Validation Failed", 1, "docs/comment.md has what is asked for"),
    ];
    for (status, message, code, help) in cases {
        // It repeats what it was given.
        let body = json!({ "message": format!("{message} {TOKEN}") });
        team.forge.inject(Method::POST, "/comments", 1, Effect::Answers(status, Vec::new(), body));
        let ran = team.on_github().exits(code);
        let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        let error = format!(
            "error: GitHub answered {status} when it was asked to add a comment: {message} [redacted]"
        );
        assert!(said.starts_with(&error) && said.contains(help), "{}", ran.stderr);
        assert!(team.forge.mine().is_empty(), "{status}");
    }
    team.forge.inject(Method::GET, "", u32::MAX, Effect::Answers(503, Vec::new(), Value::Null));
    team.on_github()
        .exits(5)
        .warns("GitHub could not be reached when it was asked whose the token is: it answered 503");
    team.forge.heal();
    team.forge.inject(Method::GET, "", 1, Effect::Answers(200, Vec::new(), json!("<html>")));
    team.on_github().exits(1).warns("in another form than its documents have");
}

#[test]
fn a_token_is_shown_to_no_other_host() {
    let (team, elsewhere) = (Team::new(), ForgeServer::start());
    for (of, method) in [("/user", Method::GET), ("/comments", Method::GET), ("/comments", Method::POST)] {
        let to = vec![("location", elsewhere.api("github"))];
        team.forge.inject(method, of, 1, Effect::Answers(307, to, Value::Null));
        let ran = team.on_github().exits(3);
        let moved = format!("GitHub answered that it moved to `http://{}`", elsewhere.address);
        assert!(
            ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(&moved),
            "{}",
            ran.stderr
        );
    }
    assert!(elsewhere.seen().is_empty());
    for api in ["http://api.github.com", "https://x@api.github.com"] {
        let ran = Ran::of(
            &team
                .site
                .command(&[
                    "comment",
                    "plan.json",
                    "--forge",
                    "github",
                    "--repository",
                    "a/b",
                    "--number",
                    "1",
                ])
                .args(["--api-url", api])
                .env("GITHUB_TOKEN", TOKEN)
                .output()
                .unwrap(),
        );
        ran.exits(3).warns("is no address that a token can be sent to");
    }
}

#[test]
fn a_label_says_what_a_merge_would_do() {
    let team = Team::new();
    let github = &FORGES[0];
    team.comment(github, &["--label-prefix", "production: "]).exits(0).says("label `production: push`");
    assert_eq!(team.forge.labels(), ["production: push"]);
    team.site.apply().exits(0);
    team.site.run(&["plan", "--out", "plan.json"]).exits(0);
    team.comment(github, &["--label-prefix", "production: "]).exits(0).says("label `production: none`");
    assert_eq!(team.forge.labels(), ["production: none"]);
    team.comment(github, &["--no-label"]).exits(0);
    assert_eq!(team.forge.labels(), ["production: none"]);
    team.site.edit("campaigns/c.yaml", "body: B", "body: C");
    team.site.run(&["plan", "--out", "plan.json"]).exits(0);
    team.comment(github, &["--label-prefix", "production: "]).exits(0).says("label `production: blocked`");
    assert_eq!(team.forge.labels(), ["production: blocked"]);

    // The comment is there, whatever becomes of the label.
    team.edit("again");
    team.forge.inject(
        Method::POST,
        "/labels",
        1,
        Effect::Answers(403, Vec::new(), json!({ "message": "no" })),
    );
    let ran = team.comment(github, &[]).exits(4).says("Edited the comment on acme/push#12.");
    assert!(ran.stderr.contains("when it was asked to set a label: no"), "{}", ran.stderr);
    team.comment(github, &["--label-prefix", "a,b"]).exits(3);
}

#[test]
fn a_job_needs_no_options_where_its_runner_says_everything() {
    let team = Team::new();
    let github = |event: &Value| {
        team.site.write("event.json", &event.to_string());
        let mut command = team.site.command(&["comment", "plan.json", "--forge", "github"]);
        command
            .env("GITHUB_REPOSITORY", "acme/push")
            .env("GITHUB_API_URL", team.forge.api("github"))
            .env("GITHUB_EVENT_PATH", team.site.path("event.json"))
            .env("GITHUB_SHA", "0123abcd")
            .env("GITHUB_TOKEN", TOKEN);
        Ran::of(&command.output().unwrap())
    };
    github(&json!({ "pull_request": { "number": 5 } })).exits(0).says("Commented on acme/push#5,");
    // After a merge only the commit is known.
    let request = |number: u64, merge: &str| json!({ "number": number, "merge_commit_sha": merge });
    team.forge.has_for_a_commit(vec![request(3, "ffff"), request(4, "0123abcd")]);
    github(&json!({ "ref": "refs/heads/main" })).exits(0).says("acme/push#4,");
    team.forge.has_for_a_commit(vec![request(3, "ffff"), request(4, "eeee")]);
    github(&json!({})).exits(3).warns("commit `0123abcd` is of 2 pull requests");
    team.forge.has_for_a_commit(Vec::new());
    github(&json!({})).exits(3).warns("commit `0123abcd` is of no pull request");
    team.forge.seen();
    github(&json!({ "workflow_run": { "pull_requests": [], "head_sha": "beef" } })).exits(3).warns("`beef`");
    let paths: Vec<String> = team.forge.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/github/repos/acme/push/commits/beef/pulls?per_page=100&page=1"]);

    team.forge.clear();
    let mut gitlab = team.site.command(&["comment", "plan.json", "--forge", "gitlab"]);
    gitlab
        .env("CI_PROJECT_ID", "41")
        .env("CI_MERGE_REQUEST_PROJECT_ID", "42")
        .env("CI_MERGE_REQUEST_IID", "7");
    gitlab.env("CI_API_V4_URL", team.forge.api("gitlab")).env("GITLAB_TOKEN", TOKEN);
    Ran::of(&gitlab.output().unwrap()).exits(0).says("Commented on 42#7,");
    team.own();
    for (missing, said) in [
        ("CI_PROJECT_ID", "nothing says which repository to comment on"),
        ("CI_MERGE_REQUEST_IID", "nothing says which pull request to comment on"),
        ("GITLAB_TOKEN", "there is no token in `GITLAB_TOKEN`"),
    ] {
        let mut command = team.site.command(&["comment", "plan.json", "--forge", "gitlab"]);
        let set = [("CI_PROJECT_ID", "42"), ("CI_MERGE_REQUEST_IID", "7"), ("GITLAB_TOKEN", TOKEN)];
        command.envs(set.into_iter().filter(|(name, _)| *name != missing));
        let code = if missing == "GITLAB_TOKEN" { 4 } else { 3 };
        Ran::of(&command.output().unwrap()).exits(code).warns(said);
    }
}

/// `GET /user` knows persons only; a workflow's own token is an app's.
#[test]
fn an_apps_token_finds_its_own_comment() {
    let team = Team::new();
    team.forge.is_of_an_app();
    team.on_github().exits(0).says("Commented on");
    team.on_github().exits(0).says("Nothing to change");
    team.own();
}

#[test]
fn only_a_plan_that_is_whole_and_short_is_commented_on() {
    let team = Team::new();
    let plan = team.site.read("plan.json");
    team.site.write("plan.json", &plan.replace("\"to_push\": 25", "\"to_push\": 24"));
    team.on_github().exits(3).warns("this plan was changed after it was made");
    team.site.write("plan.json", &format!("{plan}{}", " ".repeat(4 << 20)));
    team.on_github().exits(3).warns("has more than 4 MiB");
    team.site.write("plan.json", &plan);
    team.site.write("report.json", "");
    team.comment(&FORGES[0], &["--report", "report.json"]).exits(3).warns("is no report of an apply");
    assert!(team.forge.seen().is_empty(), "the forge was asked");
    // What `apply` prints is one.
    let applied = team.site.run(&["apply", "plan.json", "--auto-approve", "--json"]).exits(0);
    team.site.write("report.json", &applied.stdout);
    team.comment(&FORGES[0], &["--report", "report.json"]).exits(0).says("label `campaignctl-none`");
    assert!(team.own().text.contains("| `hello@1` | 25 | 0 | 0 | 0 |"), "{}", team.own().text);
    // A secret of the job is nobody's to read, wherever it stands.
    let mut command = team.command(&FORGES[0], &[]);
    Ran::of(&command.env("DEPLOY_TOKEN", "PushTemplate").output().unwrap()).exits(0).says("Edited");
    assert!(team.own().text.contains("| `[redacted]` |"), "{}", team.own().text);
    // What stands in another workspace is another comment.
    team.comment(&FORGES[0], &["-C", "other"]).exits(0).says("Commented on");
    assert!(team.forge.mine()[1].text.starts_with("<!-- campaignctl:p/sandbox/other -->"));
}

/// Where Prism and the descriptions are installed as they are asked for; nothing where they are not, which CI does not accept.
#[expect(clippy::disallowed_methods, reason = "CI says by a variable that it is CI")]
pub(crate) fn mock() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = root.join("target/forge-mock");
    let is_there =
        ["installed", "forges.json", "sarif.json"].iter().all(|name| directory.join(name).exists());
    assert!(is_there || std::env::var_os("CI").is_none(), "Prism is not installed: run `scripts/forge-mock`");
    if !is_there {
        use std::io::Write as _;
        // Past what the harness captures: whoever runs the suite has to see it.
        let skipped = "SKIPPED: Prism is not installed, so nothing was held to the forges' descriptions and SARIF's schema: run `scripts/forge-mock`\n";
        drop(std::io::stderr().write_all(skipped.as_bytes()));
    }
    is_there.then_some(directory)
}

/// A running Prism, ended with the value.
struct Prism {
    child: Child,
    port: u16,
}

impl Drop for Prism {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Prism {
    /// Starts it in front of a server: what breaks the description is refused and not handed on, and so are answers.
    fn start(directory: &Path, upstream: &str) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new("node")
            .arg(directory.join("node_modules/@stoplight/prism-cli/dist/index.js"))
            .args(["proxy", "--errors", "-h", "127.0.0.1", "-p", &port.to_string()])
            .arg(directory.join("forges.json"))
            .arg(upstream)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is installed: `scripts/forge-mock` does that");
        let mut prism = Self { child, port };
        let since = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert_eq!(prism.child.try_wait().unwrap(), None, "Prism ended");
            assert!(since.elapsed() < Duration::from_mins(2), "Prism did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        prism
    }
}

#[test]
fn every_request_is_as_the_forges_describe_it() {
    let Some(directory) = mock() else { return };
    let team = Team::new();
    let description: Value =
        serde_json::from_str(&fs::read_to_string(directory.join("forges.json")).unwrap()).unwrap();
    team.forge.completes_answers_by(description.pointer("/components/examples").unwrap().clone());
    let prism = Prism::start(&directory, &format!("http://{}", team.forge.address));
    let api = |forge: &str| format!("http://127.0.0.1:{}/{forge}", prism.port);
    for forge in &FORGES {
        story(&team, forge, |more| Ran::of(&team.command_at(&api(forge.0), forge, more).output().unwrap()));
    }
    // It does refuse what is none.
    let wrong = team.command_at(&api("gitlab"), &FORGES[0], &[]).output().unwrap();
    assert_ne!(wrong.status.code(), Some(0));
    let described = description["paths"].as_object().unwrap();
    let seen = team.forge.seen();
    for forge in ["github", "gitlab", "gitee", "codeup"] {
        let of_forge = described.keys().filter(|path| path.starts_with(&format!("/{forge}/"))).count();
        assert!(
            of_forge >= 5 && seen.iter().any(|seen| seen.path.starts_with(&format!("/{forge}/"))),
            "{forge}"
        );
    }
    team.forge.has_for_a_commit(vec![json!({ "number": 12, "merge_commit_sha": "0123abcd" })]);
    let mut merged =
        team.site.command(&["comment", "plan.json", "--forge", "github", "--repository", "acme/push"]);
    merged.args(["--api-url", &api("github")]).env("GITHUB_TOKEN", TOKEN).env("GITHUB_SHA", "0123abcd");
    Ran::of(&merged.output().unwrap()).exits(0).says("acme/push#12");
    team.forge.has_for_a_commit(vec![
        json!({ "iid": 12, "sha": "a", "merge_commit_sha": "0123abcd", "squash_commit_sha": null }),
    ]);
    let mut merged = team.site.command(&["comment", "plan.json", "--forge", "gitlab", "--repository", "a/b"]);
    merged.args(["--api-url", &api("gitlab")]).env("GITLAB_TOKEN", TOKEN).env("CI_COMMIT_SHA", "0123abcd");
    Ran::of(&merged.output().unwrap()).exits(0).says("a/b#12");
}
