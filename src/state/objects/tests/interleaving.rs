//! Writers on three hosts, in any order, with requests that arrive late and a log that is packed and tidied meanwhile.

use axum::http::Method;
use fastrand::Rng;

use super::*;
use crate::state::conformance::lines;
use crate::state::objects::bucket::Effect;

/// A host: its clock, its way to the bucket, and the ledger while it holds it.
struct Host {
    name: &'static str,
    hand: Hand,
    candidate: Candidate,
    store: ObjectsStore,
    holds: Option<(Box<dyn Writer>, ledger::Writer)>,
}

impl Host {
    fn new(name: &'static str, bucket: &Bucket, scheme: &str) -> Self {
        let hand = Hand::default();
        let candidate = writer_on(name, hand.clock(), TERMS);
        let mut store = store(bucket, scheme);
        let quick = Duration::from_millis(40);
        store.timing = Timing { step: quick, sign: quick, ..TIMING };
        Self { name, hand, candidate, store, holds: None }
    }
}

/// The records that a writer was told are durable, in order.
struct Model {
    durable: Vec<Vec<u8>>,
    /// How often a writer was told that it lost the ledger.
    fenced: u32,
}

impl Model {
    fn holds(&self, found: &[Vec<u8>], what: &str) {
        proven(found);
        let mut rest = found.iter();
        for line in &self.durable {
            assert!(rest.any(|found| found == line), "{what}: a durable record is gone");
        }
    }
}

/// Appends, and notes what became of it.
fn append(host: &mut Host, model: &mut Model, count: u128) {
    let Some((taken, writer)) = &mut host.holds else { return };
    let (after, mut ahead) = (writer.serial(), writer.clone());
    let written = lines(&mut ahead, count);
    let raw = written.iter().map(|(_, line)| line.clone());
    match taken.append(after, written.clone(), ahead.chain()) {
        Ok(()) => {
            model.durable.extend(raw);
            *writer = ahead;
        }
        Err(StateError { kind: StateErrorKind::Undecided { .. }, .. }) => {
            // It writes nothing more; what it wrote counts or does not.
            host.holds.take().into_iter().for_each(|(taken, _)| killed(taken));
        }
        Err(StateError { kind: StateErrorKind::Fenced { .. }, .. }) => {
            model.fenced += 1;
            host.holds = None;
        }
        Err(_) => host.holds = None,
    }
}

fn pack(host: &mut Host) {
    let Some((taken, writer)) = host.holds.take() else { return };
    let found = read(taken.as_ref());
    let Ok(mut draft) = taken.draft() else { return };
    let numbered = (1..).map(Serial).zip(found).collect();
    let block = |number: u64| number.to_be_bytes().repeat(4);
    let put = draft.put_blocks(Serial(1), (0..writer.serial().0).map(block).collect());
    if put.is_err() || draft.append(numbered, writer.chain()).is_err() {
        return;
    }
    host.holds = draft.replace().ok().map(|taken| (taken, writer));
}

/// Begins to pack, and is killed before the switch: what it wrote stays, and counts for nothing.
fn pack_and_be_killed(host: &mut Host) {
    let Some((taken, writer)) = host.holds.take() else { return };
    let found = read(taken.as_ref());
    let Ok(mut draft) = taken.draft() else { return };
    drop(draft.put_blocks(Serial(1), vec![vec![1; 16]]));
    drop(draft.append((1..).map(Serial).zip(found).collect(), writer.chain()));
    drop(draft.lines().next());
    std::mem::forget(draft);
}

fn take(host: &mut Host) {
    if host.holds.is_none()
        && let Ok(taken) = host.store.take(&host.candidate)
    {
        let writer = proven(&read(taken.as_ref()));
        host.holds = Some((taken, writer));
    }
}

/// Lets everything arrive, and counts what was in time.
fn land(bucket: &Bucket) -> u32 {
    bucket.land().into_iter().map(u32::from).sum()
}

fn play(seed: u64, scheme: &str) -> (u32, u32) {
    let (mut rng, bucket) = (Rng::with_seed(seed), Bucket::new());
    let (taken, _) = begun(&bucket, scheme);
    let mut model = Model { durable: read(taken.as_ref()), fenced: 0 };
    drop(taken);
    bucket.lists_at_a_time(rng.usize(2..20));
    let mut hosts = ["a", "b", "c"].map(|name| Host::new(name, &bucket, scheme));
    let (mut landed, reader) = (0, store(&bucket, scheme));
    for turn in 0..70 {
        let host = &mut hosts[rng.usize(..3)];
        let what = format!("seed {seed}, {scheme}, turn {turn} of {}", host.name);
        let effects = [
            Effect::ReplyLost,
            Effect::LandsLate,
            Effect::Answers(500, String::new()),
            Effect::DoneAnd(500, String::new()),
        ];
        match rng.u8(..23) {
            0..=5 => append(host, &mut model, rng.u128(1..4)),
            6..=7 => take(host),
            8..=10 => {
                // Whoever has it gives no sign meanwhile.
                take(host);
                host.hand.pass(OVER);
                take(host);
            }
            11 => host.holds = None,
            12 => host.holds.take().into_iter().for_each(|(taken, _)| killed(taken)),
            13 => pack(host),
            14 => {
                if let Some((taken, _)) = &host.holds
                    && taken.lease().renew().is_err()
                {
                    model.fenced += 1;
                }
            }
            15..=16 => landed += land(&bucket),
            17 => bucket.inject(Method::PUT, "log/", effects[rng.usize(..effects.len())].clone()),
            18 => {
                // Whatever is sent for a while is under way.
                take(host);
                host.hand.pass(OVER);
                take(host);
                bucket.always(Method::PUT, "log/", Effect::LandsLate);
                append(host, &mut model, 2);
                bucket.heal();
                if rng.bool() {
                    landed += land(&bucket);
                }
            }
            19 => pack_and_be_killed(host),
            20..=21 => {
                // The note, or a part of what is packed, arrives late: after more of the log, or after the next pack.
                bucket.inject(Method::PUT, ["newest/", "pack/"][rng.usize(..2)], Effect::LandsLate);
                take(host);
                pack(host);
            }
            _ => {
                // A record that follows nothing that is there.
                if let Some((taken, writer)) = &mut host.holds {
                    let mut stray = writer.clone();
                    lines(&mut stray, 1);
                    assert!(appended(taken.as_mut(), &mut stray, 1).is_err(), "{what}");
                }
            }
        }
        let snapshot = reader.snapshot(&on("reader")).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        model.holds(&read(snapshot.reader.as_ref()), &what);
    }
    bucket.heal();
    landed += land(&bucket);
    for host in hosts {
        host.holds.into_iter().for_each(|(taken, _)| killed(taken));
    }
    let mut last = taken_over(&bucket, scheme, "last");
    let found = read(last.as_ref());
    model.holds(&found, "in the end");
    let mut writer = proven(&found);
    appended(last.as_mut(), &mut writer, 1).unwrap();
    drop(last);
    // No epoch was ever removed, and none is there that two hosts had.
    let mut epochs: Vec<u64> = Vec::new();
    for (key, bytes) in bucket.objects() {
        let Some(slot) = key.strip_prefix("push/prod/log/") else { continue };
        let header: serde_json::Value =
            serde_json::from_slice(bytes.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
        let epoch = header["epoch"].as_u64().unwrap();
        if header["kind"] == "open" {
            assert_eq!(epoch, slot.parse::<u64>().unwrap());
            epochs.push(epoch);
        }
        assert_eq!(epochs.last(), Some(&epoch), "seed {seed}, {scheme}: object {slot} is of an epoch before");
    }
    (landed, model.fenced)
}

#[test]
fn whatever_the_order_nothing_durable_is_lost_and_no_two_epochs_mix() {
    let (mut landed, mut fenced) = (0, 0);
    std::thread::scope(|scope| {
        let plays = SCHEMES
            .map(|scheme| scope.spawn(move || (0..8).map(|seed| play(seed, scheme)).collect::<Vec<_>>()));
        for (late, lost) in plays.into_iter().flat_map(|play| play.join().unwrap()) {
            landed += late;
            fenced += lost;
        }
    });
    assert!(landed > 2 && fenced > 2, "{landed} landed late, {fenced} were fenced: too few to say anything");
}
