//! What a network does to the statements of a ledger: answers that are lost, requests that are swallowed, connections that are
//! cut. Whatever a step is told, the log has it once or not at all, without a hole.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use chrono::DateTime;

use crate::ledger::{self, Record, RunId, Serial};
use crate::state::candidate::Candidate;
use crate::state::conformance::{Hand, appended, lines, writer_on};
use crate::state::error::StateErrorKind;
use crate::state::lease::{Moment, Terms};
use crate::state::postgres::testing::{Bench, Servers, store_at};
use crate::state::store::{Reader as _, Store, Writer};

/// How a network fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Everything passes.
    None = 0,
    /// Requests pass, answers are swallowed.
    Deaf = 1,
    /// Everything is swallowed.
    Hole = 2,
    /// A request passes, and the connection is cut before its answer.
    Cut = 3,
}

/// Stands between a store and its server.
struct Proxy {
    port: u16,
    fault: Arc<AtomicU8>,
}

impl Proxy {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), fault: Arc::default() };
        let fault = Arc::clone(&proxy.fault);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                for (from, to, is_answer) in [(&client, &server, false), (&server, &client, true)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let fault = Arc::clone(&fault);
                    std::thread::spawn(move || pump(from, to, is_answer, &fault));
                }
            }
        });
        proxy
    }

    fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, is_answer: bool, fault: &AtomicU8) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let now = fault.load(Ordering::SeqCst);
        let swallows = now == Fault::Hole as u8 || now == Fault::Deaf as u8 && is_answer;
        if now == Fault::Cut as u8 && is_answer {
            break;
        }
        if !swallows && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
}

/// A lease so short that what is never decided ends within seconds.
const TERMS: Terms = Terms::of(Duration::from_secs(6));

/// By a clock that goes.
fn candidate(host: &str) -> Candidate {
    let began = Instant::now();
    let clock = Arc::new(move || {
        let now = Duration::from_secs(1_000) + began.elapsed();
        Moment { boot: now, wall: now }
    });
    writer_on(host, clock, TERMS)
}

/// What a step leaves behind in a network that fails for a while, or until the step is given up.
struct Trial {
    bench: Bench,
    proxy: Proxy,
    through: Box<dyn Store>,
}

impl Trial {
    fn new(servers: &Servers) -> Self {
        let bench = Bench::direct();
        let proxy = Proxy::before(servers.port);
        let through = store_at(&bench.address.replace(&servers.port.to_string(), &proxy.port.to_string()));
        Self { bench, proxy, through: Box::new(through) }
    }

    /// Does something while the network fails, which it stops doing after a second unless `for_good`.
    fn amid<T: Send>(&self, fault: Fault, for_good: bool, act: impl FnOnce() -> T + Send) -> T {
        self.proxy.set(fault);
        std::thread::scope(|scope| {
            let acting = scope.spawn(act);
            if !for_good {
                std::thread::sleep(Duration::from_secs(1));
                self.proxy.set(Fault::None);
            }
            let done = acting.join().unwrap();
            self.proxy.set(Fault::None);
            done
        })
    }

    /// Takes the ledger without the proxy, after the lease, and proves that it is whole.
    fn take_over(&self) -> (Box<dyn Writer>, ledger::Writer) {
        let hand = Hand::default();
        let next = writer_on("there", hand.clock(), TERMS);
        let since = Instant::now();
        let writer = loop {
            match self.bench.store().take(&next) {
                Ok(writer) => break writer,
                Err(error)
                    if matches!(
                        error.kind,
                        StateErrorKind::Locked { .. } | StateErrorKind::Silent { .. }
                    ) =>
                {
                    assert!(since.elapsed() < Duration::from_mins(1), "{error}");
                    hand.pass(9);
                }
                Err(error) => panic!("{error}"),
            }
        };
        self.bench.assert_whole();
        let mut read = ledger::Writer::default();
        for line in writer.lines() {
            read.decode(&line.unwrap()).unwrap();
        }
        (writer, read)
    }
}

fn each_fault(act: impl Fn(&Servers, Fault, bool) + Sync) {
    let Some(servers) = Servers::running() else { return };
    std::thread::scope(|scope| {
        for fault in [Fault::Deaf, Fault::Hole, Fault::Cut] {
            for for_good in [false, true] {
                let (act, servers) = (&act, &servers);
                scope.spawn(move || act(servers, fault, for_good));
            }
        }
    });
}

#[test]
fn an_append_is_there_once_if_it_is_said_to_be_and_at_most_once_if_not() {
    each_fault(|servers, fault, for_good| {
        let trial = Trial::new(servers);
        let mut store = trial.through.create(&candidate("here")).unwrap();
        let mut writer = ledger::Writer::default();
        appended(store.as_mut(), &mut writer, 3).unwrap();
        let mut goes_on = writer.clone();
        let done = trial.amid(fault, for_good, || appended(store.as_mut(), &mut goes_on, 2));
        match (&done, for_good) {
            (Ok(()), false) => appended(store.as_mut(), &mut goes_on, 4).unwrap(),
            (Err(error), true) => {
                assert!(
                    matches!(
                        error.kind,
                        StateErrorKind::Undecided { .. } | StateErrorKind::Unreachable { .. }
                    ),
                    "{fault:?}: {error:?}"
                );
            }
            other => panic!("{fault:?}, for good: {for_good}: {other:?}"),
        }
        drop(store);
        let (mut next, mut found) = trial.take_over();
        let count = found.serial().0;
        assert!(if for_good { count == 3 || count == 5 } else { count == 9 }, "{fault:?}: {count}");
        appended(next.as_mut(), &mut found, 1).unwrap();
        trial.bench.assert_whole();
    });
}

#[test]
fn a_ledger_that_may_have_been_taken_is_nobody_elses_and_is_whole() {
    each_fault(|servers, fault, for_good| {
        let trial = Trial::new(servers);
        let mut store = trial.bench.store().create(&candidate("here")).unwrap();
        let mut writer = ledger::Writer::default();
        appended(store.as_mut(), &mut writer, 3).unwrap();
        drop(store);
        // Connected before the network fails.
        trial.through.known_serial().unwrap();
        match trial.amid(fault, for_good, || trial.through.take(&candidate("here"))) {
            Ok(mut store) => {
                assert!(!for_good);
                appended(store.as_mut(), &mut writer, 2).unwrap();
                let other = trial.bench.store().take(&candidate("there")).err().expect("it is taken").kind;
                assert!(
                    matches!(other, StateErrorKind::Locked { .. } | StateErrorKind::Silent { .. }),
                    "{other:?}"
                );
            }
            Err(error) => {
                assert!(matches!(error.kind, StateErrorKind::Unreachable { .. }), "{fault:?}: {error:?}");
            }
        }
        let (mut next, mut found) = trial.take_over();
        assert_eq!(found.serial(), writer.serial());
        appended(next.as_mut(), &mut found, 1).unwrap();
    });
}

#[test]
fn a_packing_counts_once_or_not_at_all_and_what_is_cut_off_writes_nothing_more() {
    each_fault(|servers, fault, for_good| {
        let trial = Trial::new(servers);
        let mut store = trial.through.create(&candidate("here")).unwrap();
        let mut writer = ledger::Writer::default();
        appended(store.as_mut(), &mut writer, 40).unwrap();
        let mut draft = store.draft().unwrap();
        let (mut redrawn, run) = (ledger::Writer::default(), RunId::new(uuid::Uuid::from_u128(9)));
        let record = || Record::RunStarted {
            run: run.clone(),
            plan: "p".into(),
            actor: "a".into(),
            process: None,
            ci_run: None,
            destination: None,
        };
        let new: Vec<(Serial, Vec<u8>)> =
            (0..45).map(|_| redrawn.encode(DateTime::UNIX_EPOCH, &record())).collect();
        draft.append(new, redrawn.chain()).unwrap();
        let replaced = trial.amid(fault, for_good, || draft.replace());
        assert_eq!(replaced.is_ok(), !for_good, "{fault:?}: {:?}", replaced.as_ref().err());
        let goes_on = replaced.ok().map(|mut store| {
            appended(store.as_mut(), &mut redrawn, 2).unwrap();
            store
        });
        let (mut next, mut found) = trial.take_over();
        let count = found.serial().0;
        assert!(if for_good { count == 40 || count == 45 } else { count == 47 }, "{fault:?}: {count}");
        appended(next.as_mut(), &mut found, 1).unwrap();
        if let Some(mut old) = goes_on {
            // Taken over while it stood still, by its own clock or by the row.
            let late = lines(&mut redrawn, 1);
            let after = Serial(redrawn.serial().0 - 1);
            assert!(old.append(after, late, redrawn.chain()).is_err());
        }
        trial.bench.assert_whole();
    });
}

#[test]
fn a_writer_cut_off_for_longer_than_its_lease_says_so_and_never_comes_back() {
    let Some(servers) = Servers::running() else { return };
    let trial = Trial::new(&servers);
    let mut store = trial.through.create(&candidate("here")).unwrap();
    let mut writer = ledger::Writer::default();
    appended(store.as_mut(), &mut writer, 3).unwrap();
    trial.proxy.set(Fault::Hole);
    let (mut next, mut found) = trial.take_over();
    appended(next.as_mut(), &mut found, 1).unwrap();
    // It cannot know, and so does nothing: its last proof is too old, or nobody answers.
    std::thread::sleep(TERMS.acts_within());
    assert!(store.lease().prove().is_err());
    trial.proxy.set(Fault::None);
    let error = store.lease().prove().unwrap_err();
    assert!(matches!(error.kind, StateErrorKind::Fenced { by_whom: Some(_) }), "{error:?}");
    assert!(appended(store.as_mut(), &mut writer, 1).is_err());
    drop(store);
    appended(next.as_mut(), &mut found, 1).unwrap();
    trial.bench.assert_whole();
}
