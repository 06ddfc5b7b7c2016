//! `new campaign`: a skeleton that is sound, pushes nothing, and becomes a campaign by removing its marks.

use crate::site::Site;

#[test]
fn a_skeleton_is_sound_and_pushes_nothing_until_it_is_uncommented() {
    let site = Site::with_samples();
    site.run(&["new", "campaign", "spring-sale"]).exits(0).says("wrote campaigns/spring-sale.yaml");
    let validated = site.run(&["validate"]).exits(0);
    assert_eq!(validated.stdout, "1 warning in 1 file\n", "one that says what to do: {}", validated.stderr);
    validated.warns("where it is commented out, remove the `# `");
    let plan = site.run(&["plan"]).exits(0);
    assert!(!plan.stdout.contains("spring-sale"), "{}", plan.stdout);

    // Its first line leads editors to the schema. What it says to do makes a campaign of it.
    let text = site.read("campaigns/spring-sale.yaml");
    assert!(text.starts_with("# yaml-language-server: $schema=../schema/campaign.schema.json\n"), "{text}");
    assert!(text.contains("remove the `# ` before `campaigns:` and before each line below it.\n"), "{text}");
    follow(&site, "spring-sale");
    site.run(&["validate"])
        .exits(3)
        .warns("error[unedited-skeleton]: the body of template `spring-sale` is still the skeleton's")
        .warns("error[unedited-skeleton]: `replace-me` stands for an id that was to be filled in");
    site.apply().exits(3);
    assert!(site.received().is_empty(), "nothing of a workspace with a mistake is pushed");
    fill_in(&site, "spring-sale");
    let validated = site.run(&["validate"]).exits(0);
    assert!(!validated.stdout.contains("spring-sale"), "{}", validated.stdout);
    site.run(&["explain", "spring-sale"])
        .exits(0)
        .says("Hello friend")
        .says("1 target of `spring-sale`")
        .says("Thu 2026-12-24 10:00 Asia/Shanghai");
}

/// Does what a skeleton says.
fn follow(site: &Site, name: &str) {
    let path = format!("campaigns/{name}.yaml");
    let text = site.read(&path);
    let (declarations, campaign) = text.split_once("\n# campaigns:\n").unwrap();
    let campaign: Vec<&str> = campaign.lines().map(|line| line.strip_prefix("# ").unwrap()).collect();
    site.write(&path, &format!("{declarations}\ncampaigns:\n{}\n", campaign.join("\n")));
}

/// Replaces what a skeleton has for a person to replace.
fn fill_in(site: &Site, name: &str) {
    let path = format!("campaigns/{name}.yaml");
    site.edit(&path, "[replace-me]", "[cust-1001]");
    site.edit(&path, "What you want to say, within a hundred characters.", "Everything is half the price.");
}

#[test]
fn a_name_that_yaml_takes_for_something_else_makes_a_campaign_too() {
    let site = Site::with_samples();
    for name in ["2026", "1.5", "No", "0x1", "2026-12-01", "1e3", "null", "y"] {
        site.run(&["new", "campaign", name]).exits(0);
        follow(&site, name);
        fill_in(&site, name);
        site.run(&["validate"]).exits(0);
        site.run(&["explain", name]).exits(0).says(&format!("1 target of `{name}`"));
    }
}

#[test]
fn what_is_there_stays_as_it_is() {
    let site = Site::with_samples();
    site.run(&["new", "campaign", "payday-2026-12"])
        .exits(3)
        .warns("a campaign named `payday-2026-12` already exists: campaigns/payday.yaml:");
    site.write("campaigns/mine.yaml", "{}\n");
    site.run(&["new", "campaign", "mine"]).exits(3).warns("`campaigns/mine.yaml` is there already");
    assert_eq!(site.read("campaigns/mine.yaml"), "{}\n");
    site.run(&["new", "campaign", "no spaces"]).exits(3);
    site.run(&["new", "campaign", "../outside"]).exits(3);
}

/// What is wrong in one file hides nothing that is wrong in another.
#[test]
fn every_mistake_of_files_that_play_together_is_said_in_one_run() {
    let project =
        "version: 1\nproject: p\nenvironments:\n  e: { app_id: A, workspace_id: w, endpoint: sandbox }\n";
    let campaigns = "\
templates:
  t: { name: T, title: \"#name#\", body: Body }
  u: { name: U, titel: Title, body: Body }
audiences:
  a: { users: { file: people.csv, column: user } }
strategies:
  s: { send: now }
campaigns:
  c: { template: t, audience: a, strategy: s, expires_after: 24 }
  d: { template: uu, audience: a, strategy: s, expires_after: 1h, closed: yes }
";
    let site = Site::with(project, campaigns);
    site.write("campaigns/people.csv", "user_id,nickname\nu1,Li\n");
    let ran = site.run(&["validate"]).exits(3);
    for said in [
        "campaign `c` gives no value for `#name#`",
        "`u` has no key `titel`",
        "`campaigns/people.csv` has no column `user`",
        "did you mean its column 1? Its name is longer",
        "`expires_after` takes a number with its unit",
        "no template named `uu`",
        "there are `t`, `u`",
        "write `true`; or, where a text is meant, quote it: \"yes\"",
    ] {
        assert!(ran.stderr.contains(said), "{said} in {}", ran.stderr);
    }
}
