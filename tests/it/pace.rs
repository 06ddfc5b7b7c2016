//! How fast an apply goes, as the vendor sees it: by the sandbox's own times of arrival.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use campaignctl::sandbox::{Fault, FaultKind, Options, Sandbox};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::Runtime;

use crate::site::{NOW, Site};

/// A sandbox whose clock goes.
fn start() -> (Sandbox, Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (begun, now) = (Instant::now(), NOW.parse::<DateTime<Utc>>().unwrap());
    let options = Options::new(Arc::new(move || now + begun.elapsed()));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let sandbox = runtime.block_on(Sandbox::start(address, options)).unwrap();
    (sandbox, runtime)
}

fn site(sandbox: &Sandbox, targets: usize, requests_per_second: u32, concurrency: u32) -> Site {
    let site = Site::remote(sandbox.url().as_str().trim_end_matches('/'), targets, "");
    let project = "campaigns/campaignctl.yaml";
    site.edit(project, "requests_per_second: 1000", &format!("requests_per_second: {requests_per_second}"));
    site.edit(project, "concurrency: 4", &format!("concurrency: {concurrency}"));
    site
}

fn arrivals(sandbox: &Sandbox) -> Vec<DateTime<Utc>> {
    let mut arrivals: Vec<_> = sandbox.requests().iter().map(|request| request.at).collect();
    arrivals.sort();
    arrivals
}

/// How often a machine may stall for longer than a request is reckoned to be on its way: then it arrives late, and those after
/// it do not. A pace that is wrong is wrong each time.
const STALLS_MAX: usize = 4;

/// Applies so many requests, and returns the shortest span in which one more than the figure arrived.
fn shortest_crowd(requests_per_second: u32, requests: usize) -> TimeDelta {
    let (sandbox, _runtime) = start();
    let site = site(&sandbox, requests * 10, requests_per_second, 16);
    // Some replies take longer than others.
    for after in [3, 9, 20] {
        sandbox.inject(Fault { kind: FaultKind::Delay { ms: 30 }, times: 2, after });
    }
    site.apply().exits(0);
    let arrivals = arrivals(&sandbox);
    assert_eq!(arrivals.len(), requests);
    let beyond = arrivals.iter().skip(requests_per_second as usize);
    arrivals.iter().zip(beyond).map(|(first, beyond)| *beyond - *first).min().unwrap()
}

#[test]
fn no_second_at_the_vendor_sees_more_requests_than_the_figure() {
    for (requests_per_second, requests) in [(7, 16), (60, 150)] {
        let spans =
            std::iter::repeat_with(|| shortest_crowd(requests_per_second, requests)).take(STALLS_MAX + 1);
        let is_kept = |span: TimeDelta| span >= TimeDelta::seconds(1);
        assert!({ spans }.any(is_kept), "{} requests within a second, each time", requests_per_second + 1);
    }
}

#[test]
fn one_throttled_request_makes_all_of_them_wait() {
    const PAUSE: Duration = Duration::from_millis(1500);
    let (sandbox, _runtime) = start();
    let site = site(&sandbox, 1000, 200, 8);
    let retry_after_ms = Some(u64::try_from(PAUSE.as_millis()).unwrap());
    sandbox.inject(Fault { kind: FaultKind::Throttle { retry_after_ms }, times: 1, after: 20 });
    site.apply().exits(0).says("1 000 accepted");
    let arrivals = arrivals(&sandbox);
    assert_eq!(arrivals.len(), 101);
    // What was on its way still arrives; then there is silence.
    let (place, pause) =
        arrivals.windows(2).map(|pair| pair[1] - pair[0]).enumerate().max_by_key(|(_, gap)| *gap).unwrap();
    assert!(pause.to_std().unwrap() + Duration::from_millis(200) >= PAUSE, "{pause}");
    assert!((20..=28).contains(&place), "{place} requests before the pause");
}
