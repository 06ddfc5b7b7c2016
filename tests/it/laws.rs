//! The laws that are arithmetic, over random campaigns, random vendors and random crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campaignctl::apply::{
    self, Deliver, Execution, Journal, Options, Progress, Report, TargetSource, TargetStream,
};
use campaignctl::check::AudienceSource;
use campaignctl::diagnostic::Place;
use campaignctl::diff::{self, Kind};
use campaignctl::domain::{
    Call, CallChoice, Campaign, Classification, Endpoint, Environment, ExpiresAfter, LedgerPlace, LedgerSalt,
    Life, OpenFor, Recipients, Revision, Schedule, TargetId, TargetKind, TargetRow, Template,
};
use campaignctl::guard::{self, Policy};
use campaignctl::ledger::{
    Blocks, Chain, FORMAT_VERSION, Header, History, Judge, Ledger, Lineage, Record, RunId, Serial, Verdict,
    Writer,
};
use campaignctl::mpaas::{Action, Delivered, Gate, NoConnection, Outcome, Prepared, RejectClass};
use campaignctl::plan::{self, ChangeKind, Plan, PlannedPush, Setting};
use campaignctl::resolve::{
    Audience, AudienceContents, CampaignRows, Desired, DesiredCampaign, Scope, Selection,
};
use campaignctl::state::{
    self, Candidate, Draft, Expected, Holder, Lease, Lines, MemoryStore, Moment, OpenLedger, OpenRefused,
    Reader, SeenLedger, StateError, StateErrorKind, Store, Terms,
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::subsequence;
use tokio::sync::watch;

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-24T02:00:00Z".parse().unwrap()
}

fn environment() -> Environment {
    Environment {
        name: "sandbox".parse().unwrap(),
        app_id: "APP".into(),
        workspace_id: "test".into(),
        tenant_id: None,
        endpoint: Endpoint::Sandbox,
        region: None,
        api_version: campaignctl::domain::ApiVersion::default(),
        requests_per_second: 10_000.try_into().unwrap(),
        concurrency: 4.try_into().unwrap(),
        unexecuted_tasks_max: 100,
        timeout: Duration::from_secs(1),
        ledger: LedgerPlace::Directory("ledger".into()),
        review: campaignctl::domain::ReviewPolicy::default(),
    }
}

/// A campaign as a test states it: name, revision, text, targets by number.
pub(crate) type Sketch = (String, u32, String, Vec<u16>);

/// Which call the campaigns ask for: no part of what they are, so it may change from one apply to the next.
fn calls() -> impl Strategy<Value = CallChoice> {
    prop_oneof![2 => Just(CallChoice::Auto), 1 => Just(CallChoice::Template), 1 => Just(CallChoice::Multiple)]
}

pub(crate) fn desired_by(call: CallChoice, sketches: &[Sketch]) -> Desired {
    let mut desired = desired(sketches);
    desired.campaigns.iter_mut().for_each(|each| each.campaign.call = call);
    desired
}

pub(crate) fn desired(sketches: &[Sketch]) -> Desired {
    let campaigns: Vec<DesiredCampaign> = sketches.iter().map(campaign).collect();
    let audiences =
        campaigns.iter().map(|each| (each.audience.name.clone(), Arc::clone(&each.audience))).collect();
    Desired {
        scope: Scope {
            project: "laws".parse().unwrap(),
            time_zone: chrono_tz::Asia::Shanghai,
            review_valid: chrono::TimeDelta::hours(48),
            environment: environment(),
        },
        sources: Vec::new(),
        campaigns,
        selection: Selection::default(),
        audiences,
    }
}

fn campaign((name, revision, body, targets): &Sketch) -> DesiredCampaign {
    let ids: Vec<TargetId> = targets.iter().map(|number| format!("u{number}").parse().unwrap()).collect();
    let audience = Arc::new(Audience {
        name: format!("{name}-audience"),
        declared_at: Place::file("laws.yaml"),
        source: AudienceSource::Inline(TargetKind::User, ids),
        takers: Vec::new(),
    });
    let template = Template { name: "t".parse().unwrap(), title: "title".into(), body: body.clone() };
    DesiredCampaign {
        campaign: Campaign {
            id: name.parse().unwrap(),
            revision: Revision::new(*revision).unwrap(),
            template,
            values: BTreeMap::new(),
            values_from: BTreeMap::new(),
            recipients: Recipients::Targets(TargetKind::User),
            call: CallChoice::Auto,
            classification: Classification::default(),
            schedule: Schedule::Now,
            expires_after: ExpiresAfter::from_seconds(60).unwrap(),
            task_name: None,
            extended_params: BTreeMap::new(),
            channel: None,
            transparent: None,
            sms: None,
            live_activity: None,
        },
        audience,
        declared_at: Place::file("laws.yaml"),
        reviewed_up_to: None,
        withdrawn: None,
        life: Life::default(),
    }
}

/// What the vendor does with a request, whatever it says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Accept,
    Refuse(RejectClass),
    LoseAfterTaking,
    LoseBeforeTaking,
}

pub(crate) fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        4 => Just(Fate::Accept),
        1 => Just(Fate::Refuse(RejectClass::Throttled)),
        1 => Just(Fate::Refuse(RejectClass::Content)),
        1 => Just(Fate::Refuse(RejectClass::Credentials)),
        1 => Just(Fate::Refuse(RejectClass::Unreachable(NoConnection::Refused))),
        1 => Just(Fate::LoseAfterTaking),
        1 => Just(Fate::LoseBeforeTaking),
    ];
    prop::collection::vec(fate, 0..20)
}

/// A vendor that follows a script, then accepts everything, and remembers what reached phones.
#[derive(Clone, Default)]
pub(crate) struct Vendor {
    /// Requests in flight now, and the most there ever were.
    flights: Arc<Mutex<(usize, usize)>>,
    pub(crate) script: Arc<Mutex<Vec<Fate>>>,
    /// The values that targets of `PushMultiple` came with.
    pub(crate) values: Arc<Mutex<BTreeMap<String, String>>>,
    pub(crate) taken: Arc<Mutex<BTreeMap<(String, String), u32>>>,
    task_names: Arc<Mutex<Vec<String>>>,
    /// What requests that it took were signed with, by their task names.
    pub(crate) signed_at: Arc<Mutex<BTreeMap<String, DateTime<Utc>>>>,
}

impl Deliver for Vendor {
    async fn deliver(&self, request: &Prepared, _: &str, gate: &impl Gate) -> Option<Delivered> {
        let signed_at = gate.pass().await?;
        {
            let mut flights = self.flights.lock().unwrap();
            flights.0 += 1;
            flights.1 = flights.1.max(flights.0);
        }
        // Lets every other request that may leave now leave too.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.flights.lock().unwrap().0 -= 1;
        let fate = self.script.lock().unwrap().pop().unwrap_or(Fate::Accept);
        if matches!(fate, Fate::Accept | Fate::LoseAfterTaking) {
            let sent: BTreeMap<String, String> = form_urlencoded::parse(&request.form).into_owned().collect();
            let targets = targets_of(request.action, &sent);
            self.values.lock().unwrap().extend(values_of(&sent));
            let mut taken = self.taken.lock().unwrap();
            for (target, key) in targets {
                *taken.entry((key, target)).or_default() += 1;
            }
            self.signed_at.lock().unwrap().insert(sent["TaskName"].clone(), signed_at);
            self.task_names.lock().unwrap().push(sent["TaskName"].clone());
        }
        let outcome = match fate {
            Fate::Accept => Outcome::Accepted { request_id: None, task_id: None },
            Fate::Refuse(class) => Outcome::Rejected {
                class,
                code: "X".into(),
                message: "no".into(),
                request_id: None,
                retry_after: None,
            },
            Fate::LoseAfterTaking | Fate::LoseBeforeTaking => {
                Outcome::Unknown { why: "lost".into(), code: None, request_id: None }
            }
        };
        Some(outcome.into())
    }
}

/// A ledger whose disk fails for good after some appends: what a crash leaves behind.
struct Mortal {
    inner: Box<dyn state::Writer>,
    appends_left: u32,
}

impl Reader for Mortal {
    fn place(&self) -> &LedgerPlace {
        self.inner.place()
    }

    fn lines(&self) -> Lines<'_> {
        self.inner.lines()
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        self.inner.blocks()
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        self.inner.high_water()
    }
}

impl state::Writer for Mortal {
    fn append(
        &mut self,
        after: Serial,
        lines: Vec<(Serial, Vec<u8>)>,
        chain: Chain,
    ) -> Result<(), StateError> {
        if self.appends_left == 0 {
            let source = std::io::Error::other("dead");
            let kind = StateErrorKind::Io { doing: "write", path: "ledger".into(), source };
            return Err(kind.at(self.place()));
        }
        self.appends_left -= 1;
        self.inner.append(after, lines, chain)
    }

    fn lease(&self) -> Arc<Lease> {
        self.inner.lease()
    }

    fn took_over(&self) -> Option<&Holder> {
        self.inner.took_over()
    }

    fn draft(self: Box<Self>) -> Result<Box<dyn Draft>, StateError> {
        self.inner.draft()
    }
}

/// Returns the message keys of a request by its targets, which are as many as its call takes.
fn targets_of(action: Action, sent: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let text = |name: &str| sent.get(name).cloned();
    let (targets, targets_max) = match action {
        Action::Push(Call::Multiple) => {
            let entry = |number| {
                let field = |name: &str| text(&format!("TargetMsg.{number}.{name}"));
                Some((field("Target")?, field("MsgKey")?))
            };
            let entries: Vec<_> = (1..).map_while(entry).collect();
            let targets: BTreeMap<_, _> = entries.iter().cloned().collect();
            assert_eq!(targets.len(), entries.len(), "a target stands twice in a request");
            (targets, 100)
        }
        _ => (serde_json::from_str(&text("TargetMsgkey").unwrap()).unwrap(), 10),
    };
    assert!((1..=targets_max).contains(&targets.len()));
    targets
}

/// Returns what each target of a `PushMultiple` reads, where it has a value.
fn values_of(sent: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let field = |number: usize, name: &str| sent.get(&format!("TargetMsg.{number}.{name}"));
    let targets = (1..).map_while(|number| Some((number, field(number, "Target")?)));
    let values = targets.filter_map(|(number, target)| {
        let values: BTreeMap<String, String> =
            serde_json::from_str(field(number, "TemplateKeyValue")?).unwrap();
        Some((target.clone(), values["name"].clone()))
    });
    values.collect()
}

struct Source(Desired);

impl TargetSource for Source {
    fn open(
        &self,
        push: &PlannedPush,
    ) -> Result<Box<dyn TargetStream + '_>, Box<dyn std::error::Error + Send + Sync>> {
        let campaign = self.0.campaigns.iter().find(|each| each.campaign.id == push.campaign.id).unwrap();
        let rows = campaign.rows(push.seal.as_ref()).map_err(|diagnostic| diagnostic.message.clone())?;
        Ok(Box::new(Rows(rows)))
    }
}

struct Rows<'campaign>(CampaignRows<'campaign>);

impl TargetStream for Rows<'_> {
    fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<dyn std::error::Error + Send + Sync>>> {
        Some(self.0.next_row()?.map_err(|diagnostic| diagnostic.message.clone().into()))
    }
}

/// Somebody who reads or writes, by a clock that stands still.
fn candidate(writes: bool) -> Candidate {
    let holder = Holder {
        command: "apply".into(),
        actor: "a@b".into(),
        host: "b".into(),
        process: std::process::id(),
        origin: None,
        since: now(),
        ci_run: None,
        writes,
    };
    Candidate::new(holder, Terms::default(), Arc::new(Moment::default))
}

pub(crate) fn new_ledger() -> MemoryStore {
    let store = MemoryStore::default();
    let header = Header {
        format: FORMAT_VERSION,
        lineage: Lineage::new(uuid::Uuid::from_u128(1)),
        salt: LedgerSalt::new([3; 16]),
        project: "laws".parse().unwrap(),
        environment: "sandbox".parse().unwrap(),
        app_id: "APP".into(),
        workspace_id: "test".into(),
        destination: None,
        key: None,
    };
    drop(state::create(store.create(&candidate(true)).unwrap(), header, now()).unwrap());
    store
}

/// Opens a ledger to look at it.
pub(crate) fn open(store: &MemoryStore) -> SeenLedger {
    reopened(store).unwrap()
}

fn reopened(store: &MemoryStore) -> Result<SeenLedger, OpenRefused> {
    with_expected(|expected| state::open(store.snapshot(&candidate(false))?.reader, expected))
}

/// Opens a ledger to write to it; nobody else may have it open for that.
fn taken(store: &MemoryStore) -> OpenLedger {
    with_expected(|expected| state::open(store.take(&candidate(true)).unwrap(), expected)).unwrap()
}

fn with_expected<T>(act: impl FnOnce(Expected<'_>) -> T) -> T {
    let (project, environment) = ("laws".parse().unwrap(), environment());
    act(Expected {
        project: &project,
        environment: &environment,
        pinned: None,
        witness: None,
        moves_to: None,
        key: &|_| None,
    })
}

/// Packs the ledger, which changes nothing of what it adds up to: `state::pack` proves that of each target before it drops
/// what was there. Afterwards only the counts of that are left to compare with.
fn pack(backend: &MemoryStore) {
    let counts = |ledger: &Ledger| {
        let of = |history: &History| (history.accepted.len(), history.unknown.len(), history.rejected.len());
        let histories = ledger.histories();
        histories.map(|(id, revision, history)| (id.clone(), revision, of(history))).collect::<Vec<_>>()
    };
    let before = counts(&open(backend).ledger);
    let after = with_expected(|expected| state::pack(taken(backend), expected, now())).unwrap();
    assert_eq!(counts(&after.ledger), before);
    assert!(after.ledger.adds_up_to(&open(backend).ledger).unwrap());
}

fn contents_of(desired: &Desired, ledger: &Ledger) -> BTreeMap<String, AudienceContents> {
    let salt = ledger.header().salt;
    desired.audiences.iter().map(|(name, audience)| (name.clone(), audience.read(&salt).0)).collect()
}

/// What is to happen to the one campaign that is desired.
fn kind_of(desired: &Desired, ledger: &Ledger) -> Kind {
    diff::changes(desired, contents_of(desired, ledger), ledger, now()).unwrap().remove(0).kind
}

pub(crate) fn make_plan(desired: &Desired, ledger: &Ledger) -> Plan {
    make_plan_at(desired, ledger, now())
}

fn make_plan_at(desired: &Desired, ledger: &Ledger, now: DateTime<Utc>) -> Plan {
    let contents = contents_of(desired, ledger);
    let changes = diff::changes(desired, contents.clone(), ledger, now).unwrap();
    for change in &changes {
        let counts = change.counts;
        let known = counts.accepted + counts.in_doubt + counts.rejected + counts.unsent;
        let history = ledger.history(&change.desired.campaign.id, change.desired.campaign.revision);
        let listed: BTreeSet<_> = contents[&change.desired.audience.name].targets.iter().copied().collect();
        let remembered = history
            .into_iter()
            .flat_map(|history| history.sent().map(Result::unwrap).chain(history.rejected.iter().copied()));
        let everybody: BTreeSet<_> = listed.into_iter().chain(remembered).collect();
        assert_eq!(known, everybody.len() as u64, "the four add up: {counts:?}");
    }
    let setting = Setting {
        project: &desired.project,
        time_zone: desired.time_zone,
        environment: &desired.environment,
        directory: "",
        only: &desired.selection.only,
        except: &desired.selection.except,
        left_out: &desired.selection.left_out,
        inputs: &[],
    };
    let changes = guard::hold(changes, ledger, &Policy::of(&desired.environment, None), now);
    plan::build(changes, ledger, setting, now)
}

pub(crate) fn run(
    desired: &Desired,
    backend: &MemoryStore,
    vendor: &Vendor,
    appends_left: u32,
) -> (Plan, Report) {
    let plan = make_plan(desired, &open(backend).ledger);
    execute(plan, desired, backend, vendor, appends_left)
}

pub(crate) fn execute(
    plan: Plan,
    desired: &Desired,
    backend: &MemoryStore,
    vendor: &Vendor,
    appends_left: u32,
) -> (Plan, Report) {
    execute_by(Arc::new(now), plan, desired, backend, vendor, appends_left)
}

/// The same by another clock.
pub(crate) fn execute_by(
    clock: apply::Clock,
    plan: Plan,
    desired: &Desired,
    backend: &MemoryStore,
    vendor: &Vendor,
    appends_left: u32,
) -> (Plan, Report) {
    let open = taken(backend);
    let mortal = Mortal { inner: open.store, appends_left };
    let (journal, thread) = Journal::start(Box::new(mortal), open.writer, clock);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (_keep, interrupt) = watch::channel(apply::Interrupt::None);
    let report = runtime.block_on(apply::execute(Execution {
        plan: plan.clone(),
        project: desired.project.clone(),
        environment: desired.environment.clone(),
        salt: open.ledger.header().salt,
        targets: Arc::new(Source(desired.clone())),
        journal,
        deliver: vendor.clone(),
        options: Options {
            run: RunId::new(uuid::Uuid::new_v4()),
            actor: "a@b".into(),
            ci_run: None,
            retry_delay: Duration::from_millis(1),
            retries_max: 2,
            break_after: None,
        },
        progress: Arc::new(Progress::default()),
        interrupt,
    }));
    let (serial, _) = thread.finish();
    assert_eq!(self::open(backend).ledger.serial(), serial, "what was durable is there");
    (plan, report)
}

/// Finds out the truth about every doubt, and puts it on record.
pub(crate) fn settle(backend: &MemoryStore, vendor: &Vendor) {
    let mut open = taken(backend);
    let taken = vendor.task_names.lock().unwrap().clone();
    let mut records = Vec::new();
    for doubt in open.ledger.doubts() {
        let is_taken = taken.contains(&doubt.intent.task_name);
        records.push(Record::Verdict {
            intent: doubt.serial,
            verdict: if is_taken { Verdict::Accepted } else { Verdict::Rejected },
            reason: "looked".into(),
            actor: "a@b".into(),
            by: Judge::Person,
            task_id: None,
        });
    }
    open.append(now(), records).unwrap();
}

fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    // Of either call one batch or several.
    let audience = || {
        prop_oneof![
            3 => subsequence((0..40).collect::<Vec<u16>>(), 1..36),
            1 => subsequence((0..240).collect::<Vec<u16>>(), 90..240),
        ]
    };
    (1..4_usize)
        .prop_flat_map(move |count| prop::collection::vec((1..3_u32, "[ab]", audience()), count))
        .prop_map(|drafts| {
            let named = drafts.into_iter().enumerate();
            named
                .map(|(place, (revision, body, targets))| (format!("c{place}"), revision, body, targets))
                .collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However the vendor behaves, whatever is edited in between, wherever the disk dies, whenever somebody finds
    /// out about doubts and whenever the ledger is packed: no push twice, no task name twice, every planned target accounted for; and once the
    /// vendor behaves and every doubt is settled, everybody who should get a push has got exactly one.
    #[test]
    fn no_push_reaches_a_phone_twice_and_none_is_lost(
        rounds in prop::collection::vec(
            (
                sketches(),
                calls(),
                fates(),
                prop_oneof![3 => Just(u32::MAX), 1 => 0..12_u32],
                any::<[bool; 2]>(),
            ),
            1..5
        ),
    ) {
        let (backend, vendor) = (new_ledger(), Vendor::default());
        let last = desired(&rounds.last().expect("there is a round").0);
        for (sketches, call, script, appends_left, [is_settled, is_packed]) in rounds {
            *vendor.script.lock().unwrap() = script;
            let desired = desired_by(call, &sketches);
            let (plan, report) = run(&desired, &backend, &vendor, appends_left);
            let planned: u64 = plan.pushes.iter().map(|push| push.targets.len() as u64).sum();
            prop_assert_eq!(report.tally().total(), planned);
            if is_settled {
                settle(&backend, &vendor);
            }
            if is_packed {
                pack(&backend);
            }
            for ((key, target), times) in vendor.taken.lock().unwrap().iter() {
                prop_assert_eq!(*times, 1, "{} got {} {} times", target, key, times);
            }
        }
        let mut names = vendor.task_names.lock().unwrap().clone();
        let all = names.len();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), all, "a task name was used twice");
        // What the ledger says was accepted, a phone got; what a phone got, the ledger says or doubts.
        let ledger = open(&backend).ledger;
        let taken = vendor.taken.lock().unwrap().len();
        let accepted: u64 = ledger.histories().map(|(_, _, history)| history.accepted.len()).sum();
        let sent: usize = ledger.histories().map(|(_, _, history)| history.sent().count()).sum();
        prop_assert!(accepted <= taken as u64 && taken <= sent, "{accepted} accepted, {taken} taken, {sent} sent");

        vendor.script.lock().unwrap().clear();
        settle(&backend, &vendor);
        let (plan, report) = run(&last, &backend, &vendor, u32::MAX);
        prop_assert_eq!(report.tally().accepted, plan.document.summary.targets);
        let ledger = open(&backend).ledger;
        prop_assert!(ledger.doubts().is_empty());
        let taken = vendor.taken.lock().unwrap();
        prop_assert!(taken.values().all(|times| *times == 1));
        let contents = contents_of(&last, &ledger);
        for change in diff::changes(&last, contents, &ledger, now()).unwrap() {
            // Blocked is what was changed after it was sent: that waits for a person, and is sent to nobody.
            if matches!(change.kind, Kind::Blocked(_)) {
                continue;
            }
            prop_assert!(matches!(change.kind, Kind::UpToDate), "{:?}", change.kind);
            // Who was rejected and left the audience since stays on record, and is nobody's business any more.
            prop_assert_eq!(change.counts.unsent + change.counts.in_doubt, 0);
        }
    }

    /// One apply is enough: if the vendor accepts everything, planning again finds nothing to do.
    #[test]
    fn an_accepted_plan_leaves_nothing_to_do(sketches in sketches(), (call, later) in (calls(), calls())) {
        let (backend, vendor, desired) = (new_ledger(), Vendor::default(), desired_by(call, &sketches));
        let (plan, report) = run(&desired, &backend, &vendor, u32::MAX);
        let everybody: usize = sketches.iter().map(|(_, _, _, targets)| targets.len()).sum();
        prop_assert_eq!(plan.document.summary.targets, everybody as u64);
        prop_assert_eq!(report.tally().accepted, everybody as u64);
        let again = make_plan(&desired_by(later, &sketches), &open(&backend).ledger);
        prop_assert!(again.pushes.is_empty());
        prop_assert_eq!(again.document.summary.up_to_date, sketches.len() as u64);
    }

    /// The same files, the same ledger and the same moment give the same bytes, in whatever order campaigns stand. The
    /// order of an audience changes nobody who gets a push, and is told by its digest.
    #[test]
    fn a_plan_does_not_depend_on_order(sketches in sketches(), seed in any::<prop::sample::Index>()) {
        let backend = new_ledger();
        let ledger = open(&backend).ledger;
        let mut shuffled = sketches.clone();
        let place = seed.index(shuffled.len());
        shuffled.rotate_left(place);
        let first = make_plan(&desired(&sketches), &ledger).document;
        let second = make_plan(&desired(&shuffled), &ledger).document;
        prop_assert_eq!(plan::to_json(&first), plan::to_json(&second));
        for (_, _, _, targets) in &mut shuffled {
            targets.reverse();
        }
        let reversed = make_plan(&desired(&shuffled), &ledger).document;
        for (change, reversed) in first.changes.iter().zip(&reversed.changes) {
            prop_assert_eq!(&change.push_digest, &reversed.push_digest);
            let is_same_order = change.targets.audience < 2;
            prop_assert_eq!(change.audience_digest == reversed.audience_digest, is_same_order);
        }
    }

    /// A plan survives its file, and a changed file is noticed.
    #[test]
    fn a_saved_plan_is_read_back_or_refused(sketches in sketches()) {
        let plan = make_plan(&desired(&sketches), &open(&new_ledger()).ledger).document;
        let text = plan::to_json(&plan);
        prop_assert_eq!(&plan::from_json(&text).unwrap(), &plan);
        let changed = text.replacen("\"to_push\": ", "\"to_push\": 1", 1);
        prop_assert!(plan::from_json(&changed).is_err());
    }
}

/// A life in minutes from [`now`].
fn lives() -> impl Strategy<Value = Life> {
    let minute =
        |range: std::ops::Range<i64>| prop::option::of(range.prop_map(|minute| now() + minutes(minute)));
    let open_for = prop_oneof![
        1 => Just(OpenFor::Always),
        1 => Just(OpenFor::DEFAULT),
        2 => (1..600_i64).prop_map(|minute| OpenFor::Span(minutes(minute))),
    ];
    (
        minute(0..600),
        minute(600..1500),
        open_for,
        prop::option::weighted(0.2, 0..3000_i64),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(not_before, not_after, open_for, open_until, is_closed)| Life {
            not_before,
            not_after,
            open_for,
            open_until: open_until.map(|minute| now() + minutes(minute)),
            is_closed,
        })
}

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

/// What a campaign with a life has come to: a model that shares nothing with what it judges.
#[derive(Default)]
struct Model {
    got: BTreeSet<String>,
    first: Option<DateTime<Utc>>,
    /// Who was to get it by the last run, and did not.
    left: BTreeSet<String>,
}

impl Model {
    fn ends(&self, life: &Life) -> Option<DateTime<Utc>> {
        let span = match life.open_for {
            OpenFor::Always => None,
            OpenFor::Span(span) => Some(span),
        };
        life.open_until.or(life.not_after).or_else(|| Some(self.first? + span?))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever its life, and whoever joins or leaves meanwhile: nobody gets it before, after, or once it is closed; everybody
    /// who is listed in its time does; and who was missed is told, with an exit code for a day.
    #[test]
    fn a_campaign_lives_as_it_is_written(
        life in lives(),
        rounds in prop::collection::vec(
            (0..3000_i64, subsequence((0..40).collect::<Vec<u16>>(), 1..36), any::<bool>(), any::<bool>()),
            1..6,
        ),
    ) {
        let (backend, vendor, mut model) = (new_ledger(), Vendor::default(), Model::default());
        let mut rounds = rounds;
        rounds.sort_by_key(|(minute, ..)| *minute);
        for (minute, targets, is_refused, is_packed) in rounds {
            let at = now() + minutes(minute);
            let listed: BTreeSet<String> = targets.iter().map(|number| format!("u{number}")).collect();
            let mut desired = desired_by(CallChoice::Template, &[("c".to_owned(), 1, "b".to_owned(), targets)]);
            desired.campaigns[0].life = life;
            *vendor.script.lock().unwrap() =
                if is_refused { vec![Fate::Refuse(RejectClass::Content), Fate::Accept] } else { Vec::new() };
            let plan = make_plan_at(&desired, &open(&backend).ledger, at);
            let unsent: BTreeSet<String> = listed.difference(&model.got).cloned().collect();
            let is_over = model.ends(&life).is_some_and(|end| end <= at);
            let is_early = life.not_before.is_some_and(|opens| at < opens);
            let is_due = !life.is_closed && !is_over && !is_early;
            let pushed: usize = plan.pushes.iter().map(|push| push.targets.len()).sum();
            prop_assert_eq!(pushed, if is_due { unsent.len() } else { 0 });
            // Who was in its time: everybody, as long as nobody got it; else who is left from the last run.
            let in_time = if model.first.is_none() { unsent.clone() } else { &unsent & &model.left };
            let kind = plan.document.changes[0].kind;
            if !life.is_closed && is_over && !in_time.is_empty() {
                prop_assert_eq!(kind, ChangeKind::Missed);
                let end = model.ends(&life).unwrap();
                let is_news = at - end < TimeDelta::hours(24);
                prop_assert_eq!(plan.document.has_missed_lately(at), is_news);
            } else if !life.is_closed && !is_over && is_early && !unsent.is_empty() {
                prop_assert_eq!(kind, ChangeKind::Later);
            }
            let summary = plan.document.summary;
            let states = [summary.to_push, summary.up_to_date, summary.later, summary.waiting, summary.blocked,
                summary.held, summary.missed];
            prop_assert_eq!(states.iter().sum::<u64>(), 1);
            let (_, report) = execute_by(Arc::new(move || at), plan, &desired, &backend, &vendor, u32::MAX);
            prop_assert_eq!(report.tally().total(), pushed as u64);
            let got: BTreeSet<String> = vendor.taken.lock().unwrap().keys().map(|(_, target)| target.clone()).collect();
            if pushed > 0 {
                model.left = unsent.difference(&got).cloned().collect();
            }
            if model.first.is_none() && !got.is_empty() {
                model.first = Some(at);
            }
            model.got = got;
            if is_packed {
                pack(&backend);
            }
        }
        prop_assert!(vendor.taken.lock().unwrap().values().all(|times| *times == 1));
    }

    /// Of what waits at the vendor for its time: who left its audience is counted until it was withdrawn or is over, who joins
    /// gets it, nobody gets it twice; and once it was withdrawn, nobody gets it any more.
    #[test]
    fn who_leaves_and_who_joins_what_waits_is_told_or_pushed(
        rounds in prop::collection::vec(
            (0..900_i64, subsequence((0..40).collect::<Vec<u16>>(), 1..36), any::<bool>(), prop::bool::weighted(0.15)),
            1..6,
        ),
        fires in 300..800_i64,
    ) {
        let (backend, vendor) = (new_ledger(), Vendor::default());
        let (mut got, mut is_withdrawn): (BTreeSet<String>, bool) = (BTreeSet::new(), false);
        let fires = now() + minutes(fires);
        let mut rounds = rounds;
        rounds.sort_by_key(|(minute, ..)| *minute);
        for (minute, targets, is_packed, withdraws) in rounds {
            let at = now() + minutes(minute);
            let listed: BTreeSet<String> = targets.iter().map(|number| format!("u{number}")).collect();
            let mut desired = desired_by(CallChoice::Template, &[("c".to_owned(), 1, "b".to_owned(), targets)]);
            desired.campaigns[0].campaign.schedule = Schedule::Once { at: fires };
            is_withdrawn |= withdraws && !got.is_empty();
            desired.campaigns[0].withdrawn = is_withdrawn.then_some(Revision::FIRST);
            let plan = make_plan_at(&desired, &open(&backend).ledger, at);
            let is_over = fires <= at;
            let change = &plan.document.changes[0];
            let gone = if is_over || is_withdrawn { 0 } else { got.difference(&listed).count() as u64 };
            prop_assert_eq!(change.targets.left, gone, "{:?}", change);
            prop_assert_eq!(plan.document.waits_otherwise(), gone > 0);
            let joined: BTreeSet<String> = listed.difference(&got).cloned().collect();
            let is_due = !is_over && !is_withdrawn;
            let pushed: usize = plan.pushes.iter().map(|push| push.targets.len()).sum();
            prop_assert_eq!(pushed, if is_due { joined.len() } else { 0 });
            let wanted = match () {
                () if is_withdrawn => ChangeKind::Closed,
                () if joined.is_empty() && is_over => ChangeKind::UpToDate,
                () if joined.is_empty() => ChangeKind::Waiting,
                () if is_over && got.is_empty() => ChangeKind::Missed,
                () if is_over => ChangeKind::Closed,
                () if got.is_empty() => ChangeKind::Create,
                () => ChangeKind::Add,
            };
            prop_assert_eq!(change.kind, wanted);
            let (_, report) = execute_by(Arc::new(move || at), plan, &desired, &backend, &vendor, u32::MAX);
            prop_assert_eq!(report.tally().accepted, pushed as u64);
            got = vendor.taken.lock().unwrap().keys().map(|(_, target)| target.clone()).collect();
            if is_packed {
                pack(&backend);
            }
        }
        prop_assert!(vendor.taken.lock().unwrap().values().all(|times| *times == 1));
    }

    /// Whatever is edited of a closed campaign, its revision too, it sends nothing.
    #[test]
    fn a_closed_campaign_sends_nothing_whatever_is_edited(before in sketches(), after in sketches(), minute in 0..3000_i64) {
        let (backend, vendor) = (new_ledger(), Vendor::default());
        drop(run(&desired(&before), &backend, &vendor, u32::MAX));
        let mut closed = desired(&after);
        closed.campaigns.iter_mut().for_each(|each| each.life.is_closed = true);
        let plan = make_plan_at(&closed, &open(&backend).ledger, now() + minutes(minute));
        prop_assert!(plan.pushes.is_empty());
        prop_assert_eq!(plan.document.summary.up_to_date, closed.campaigns.len() as u64);
        // Nor is anything blocked by it that says the same under another name.
        prop_assert_eq!(plan.document.summary.blocked, 0);
    }
}

#[test]
fn content_that_was_sent_is_blocked_until_the_revision_is_raised() {
    let (backend, vendor) = (new_ledger(), Vendor::default());
    let sketch = |revision, body: &str| vec![("c".to_owned(), revision, body.to_owned(), vec![1, 2])];
    let (_, report) = run(&desired(&sketch(1, "a")), &backend, &vendor, u32::MAX);
    assert_eq!(report.tally().accepted, 2);
    let ledger = open(&backend).ledger;
    let kind = |revision, body: &str| kind_of(&desired(&sketch(revision, body)), &ledger);
    assert!(matches!(kind(1, "a"), Kind::UpToDate));
    assert!(matches!(kind(1, "b"), Kind::Blocked(diff::Blocked::ChangedAfterSend { .. })));
    assert!(matches!(kind(2, "b"), Kind::Create));
    let (_, report) = run(&desired(&sketch(3, "c")), &backend, &vendor, u32::MAX);
    assert_eq!(report.tally().accepted, 2);
    let ledger = open(&backend).ledger;
    let behind = kind_of(&desired(&sketch(2, "b")), &ledger);
    assert!(matches!(behind, Kind::Blocked(diff::Blocked::RevisionBehind { .. })));
}

#[test]
fn content_that_was_only_rejected_can_be_mended_and_sent() {
    let (backend, vendor) = (new_ledger(), Vendor::default());
    let sketch = |body: &str| desired(&[("c".to_owned(), 1, body.to_owned(), vec![1, 2])]);
    *vendor.script.lock().unwrap() = vec![Fate::Refuse(RejectClass::Content)];
    let (_, report) = run(&sketch("wrong"), &backend, &vendor, u32::MAX);
    assert_eq!((report.tally().rejected, report.tally().accepted), (2, 0));
    let (_, report) = run(&sketch("right"), &backend, &vendor, u32::MAX);
    assert_eq!(report.tally().accepted, 2);
    let ledger = open(&backend).ledger;
    let (_, _, history) = ledger.histories().next().unwrap();
    assert_eq!(history.content.as_map()["template"]["body"], "right");
    assert!(make_plan(&sketch("right"), &ledger).pushes.is_empty());
}

#[test]
fn a_ledger_of_records_that_cannot_follow_each_other_is_refused() {
    let mut writer = Writer::default();
    let run = RunId::new(uuid::Uuid::from_u128(1));
    let record = Record::RunStarted {
        run,
        plan: "p".into(),
        actor: "a".into(),
        process: None,
        ci_run: None,
        destination: None,
    };
    let backend = MemoryStore::default();
    let line = writer.encode(now(), &record);
    backend.create(&candidate(true)).unwrap().append(Serial(0), vec![line], writer.chain()).unwrap();
    assert!(reopened(&backend).is_err());
}

#[test]
fn no_more_requests_are_in_flight_than_the_environment_allows() {
    for concurrency in [1, 3, 16] {
        let (backend, vendor) = (new_ledger(), Vendor::default());
        let sketch = ("c".to_owned(), 1, "a".to_owned(), (0..400).collect());
        let mut desired = desired_by(CallChoice::Template, &[sketch]);
        desired.scope.environment.concurrency = concurrency.try_into().unwrap();
        let (_, report) = run(&desired, &backend, &vendor, u32::MAX);
        assert_eq!(report.tally().accepted, 400);
        let most = vendor.flights.lock().unwrap().1;
        assert!(most <= concurrency, "{most} in flight, {concurrency} allowed");
        assert!(concurrency == 1 || most > 1, "they all went one by one");
    }
}

/// A bound from below: a slow machine cannot fail it.
#[test]
fn requests_keep_the_distance_that_the_environment_asks_for() {
    let (backend, vendor) = (new_ledger(), Vendor::default());
    let sketch = ("c".to_owned(), 1, "a".to_owned(), (0..60).collect());
    let mut desired = desired_by(CallChoice::Template, &[sketch]);
    desired.scope.environment.requests_per_second = 20.try_into().unwrap();
    let started = std::time::Instant::now();
    let (_, report) = run(&desired, &backend, &vendor, u32::MAX);
    assert_eq!(report.tally().accepted, 60);
    // Six requests have five gaps of a twentieth of a second.
    assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());
}
