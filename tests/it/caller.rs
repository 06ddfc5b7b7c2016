//! A command that is printed can be run as it stands: it is about the workspace and the environment of the one before.

use campaignctl::sandbox::{Fault, FaultKind};

use crate::misfortune::Vendor;
use crate::site::{Ran, Site, campaign};

/// A workspace whose environment `test` is at the vendor, beside the sandbox, which is the default.
fn site(vendor: &Vendor) -> Site {
    let project = format!(
        "version: 1\nproject: p\ndefault_environment: sandbox\nenvironments:\n  sandbox: {{ app_id: A, workspace_id: w, endpoint: \
         sandbox }}\n  test: {{ app_id: A, workspace_id: t, endpoint: \"{}\" }}\n  new: {{ app_id: A, workspace_id: new, \
         endpoint: \"https://mpaas.example\" }}\n",
        vendor.url()
    );
    let site = Site::with(&project, &campaign("hello", 5));
    site.run(&["-e", "test", "ledger", "init"]).exits(0);
    site
}

/// Runs the first command that a text has in backticks, as it stands.
fn follow(site: &Site, text: &str) -> Ran {
    let (_, rest) = text.split_once("`campaignctl ").unwrap_or_else(|| panic!("no command in {text}"));
    let (command, _) = rest.split_once('`').unwrap();
    site.run(&command.split(' ').collect::<Vec<_>>())
}

#[test]
fn a_printed_command_is_about_the_same_environment() {
    let vendor = Vendor::start();
    let site = site(&vendor);
    vendor.sandbox.inject(Fault::once(FaultKind::DropAfter));
    let applied = site.run(&["-e", "test", "apply", "--auto-approve"]).exits(10);
    let resolved = follow(&site, &applied.stdout).exits(10).says("Still in doubt: 1");
    follow(&site, &resolved.stdout).exits(0);
    let plan = site.run(&["-e", "test", "plan", "--out", "p.json"]).exits(0);
    let listed = follow(&site, &plan.stdout).exits(0).says("1 batch with 5 targets in doubt");
    follow(&site, &listed.stdout).exits(10);
    // A saved plan names its environment itself.
    let shown = site.run(&["show", "p.json"]).exits(0);
    follow(&site, &shown.stdout).exits(0).says("1 batch with 5 targets in doubt");
    site.write("campaigns/d.yaml", "# later\n");
    let stale = site
        .run(&["apply", "p.json", "--auto-approve", "--exact"])
        .exits(7)
        .warns("`campaignctl -e test plan`");
    follow(&site, &stale.stderr).exits(0).says("workspace t,");
    // The document says nothing of who made it.
    assert!(
        site.run(&["-e", "test", "plan", "--json"]).stdout.contains("see `campaignctl doubt list hello`")
    );

    let missing = site.run(&["-e", "new", "plan"]).exits(12);
    follow(&site, &missing.stderr).exits(0).says("Made ledger").says("for `new`");
    let unknown = site.run(&["-e", "test", "status", "nosuch"]).exits(3);
    follow(&site, &unknown.stderr).exits(0).says("hello");
    let variable = site.command(&["plan", "--out", "q.json"]).env("CAMPAIGNCTL_ENVIRONMENT", "test").output();
    Ran::of(&variable.unwrap()).exits(0).warns("Saved as q.json. It has nothing to push.");
}

#[test]
fn a_printed_command_is_about_the_same_workspace() {
    let vendor = Vendor::start();
    let site = site(&vendor);
    std::fs::rename(site.path("campaigns"), site.path("its own")).unwrap();
    let saved = site.run(&["-C", "its own", "plan", "--out", "a plan.json"]).exits(0);
    saved.warns("Push exactly this: campaignctl -C 'its own' apply 'a plan.json'");
    site.run(&["-C", "its own", "-e", "new", "plan"])
        .exits(12)
        .warns("`campaignctl -C 'its own' -e new ledger init`");
    site.run(&["-C", "started", "init"])
        .exits(0)
        .warns("edit `started/campaigns/campaignctl.yaml`, then run `campaignctl -C started/campaigns plan`");
    site.run(&["-C", "started/campaigns", "plan"]).exits(0);
}

#[test]
fn with_the_defaults_nothing_is_added() {
    let vendor = Vendor::start();
    let site = site(&vendor);
    let plan = site.run(&["plan", "--out", "p.json"]).exits(0);
    plan.warns("Push exactly this: campaignctl apply p.json\n");
    site.write("campaigns/d.yaml", "# later\n");
    site.run(&["apply", "p.json", "--auto-approve", "--exact"])
        .exits(7)
        .warns("Run `campaignctl plan` again");
    site.run(&["init"]).exits(0).warns("edit `campaigns/campaignctl.yaml`, then run `campaignctl plan`.");
}
