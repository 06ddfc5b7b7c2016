//! Proves that a store creates an object once only, before anything rests on it.
//!
//! Stores that call themselves compatible ignore the condition, or check it and then write: of several writers at a time each is
//! told that it was the one. So eight of them race for one key, each time that a ledger is opened for writing.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::domain::ObjectService;
use crate::state::error::StateErrorKind;
use crate::state::objects::client::{Client, Created};
use crate::state::objects::trouble::{OVERWRITES, Trouble};

/// How many race.
const RACERS: usize = 8;
/// How often they do, where some of them get no answer.
const RACES_MAX: u32 = 4;
/// Longest part of what a store calls its versioning that is repeated.
const STATUS_CHARS_MAX: usize = 32;
/// How often each asks.
const TRIES_MAX: u32 = 6;

/// Refuses a store that would let two writers go on.
pub(super) async fn prove(client: Arc<Client>) -> Result<(), StateErrorKind> {
    if client.service() == ObjectService::Oss
        && let Some(status) = client.versioning().await?
    {
        let status: String = status.chars().take(STATUS_CHARS_MAX).collect();
        let why = format!(
            "versioning of the bucket is `{status}`, and OSS ignores `x-oss-forbid-overwrite` on a bucket that has or had it"
        );
        let help = "nothing was sent. Use a bucket that never had versioning: to suspend it does not help";
        return Err(StateErrorKind::NotConditional { why, help });
    }
    let mut races = 0;
    loop {
        races += 1;
        match race(&client).await? {
            Race::Sound => return Ok(()),
            Race::Unsound(why) => return Err(StateErrorKind::NotConditional { why, help: OVERWRITES }),
            Race::Unclear(why) if races == RACES_MAX => {
                return Err(StateErrorKind::Unreachable { source: why.into() });
            }
            Race::Unclear(_) => client.pause(races).await,
        }
    }
}

enum Race {
    Sound,
    Unsound(String),
    /// Some got no answer, and so it says nothing.
    Unclear(String),
}

async fn race(client: &Arc<Client>) -> Result<Race, StateErrorKind> {
    let key = format!("probe/{}", Uuid::new_v4().simple());
    let mut racers = JoinSet::new();
    for number in 0..RACERS {
        let (client, key) = (Arc::clone(client), key.clone());
        racers.spawn(async move { (number, run(&client, &key, number).await) });
    }
    let (mut winners, mut unclear) = (Vec::new(), None);
    while let Some(raced) = racers.join_next().await {
        match raced.expect("a racer does not panic") {
            (number, Ok(true)) => winners.push(number),
            (_, Ok(false)) => {}
            (_, Err(Trouble::Refused(kind))) => return Err(kind),
            (_, Err(Trouble::NotSent(why) | Trouble::KeysLater(why) | Trouble::Unclear(why))) => {
                unclear = Some(why);
            }
        }
    }
    let said = |trouble: Trouble| match trouble {
        Trouble::NotSent(why) | Trouble::KeysLater(why) | Trouble::Unclear(why) => Ok(Race::Unclear(why)),
        Trouble::Refused(kind) => Err(kind),
    };
    let race = match (winners.as_slice(), unclear) {
        ([_, _, ..], _) => Race::Unsound(format!(
            "of {RACERS} writers that created one object at the same time, it told {} that they had",
            winners.len()
        )),
        (_, Some(why)) => Race::Unclear(why),
        ([], None) => Race::Unsound("it let nobody create an object that was not there".to_owned()),
        ([winner], None) => match run(client, &key, RACERS).await {
            Ok(true) => Race::Unsound("it let an object be created that was there already".to_owned()),
            Ok(false) => match client.get(&key).await {
                Ok(Some(found)) if found == racer(*winner) => Race::Sound,
                Ok(Some(_)) => Race::Unsound("it wrote over an object after it had refused to".to_owned()),
                Ok(None) => Race::Unsound("it lost an object that it had just created".to_owned()),
                Err(trouble) => said(trouble)?,
            },
            Err(trouble) => said(trouble)?,
        },
    };
    // One that stays is of no use to anybody, and of no harm.
    drop(client.delete(&key).await);
    Ok(race)
}

/// Creates the object unless it is there, and returns whether it was this racer. A store that is busy, or that tells the losers
/// of a race to try again, is asked again, as it is for a step of the log.
async fn run(client: &Client, key: &str, number: usize) -> Result<bool, Trouble> {
    let (mut tries, mut may_be_there) = (0, false);
    loop {
        let trouble = match client.create(key, racer(number)).await {
            Ok(Created::Now) => return Ok(true),
            Ok(Created::Before) if !may_be_there => return Ok(false),
            Ok(Created::Before) => {
                return Ok(client.get(key).await?.is_some_and(|found| found == racer(number)));
            }
            Err(trouble @ Trouble::Refused(_)) => return Err(trouble),
            Err(trouble) => trouble,
        };
        may_be_there |= matches!(trouble, Trouble::Unclear(_));
        tries += 1;
        if tries == TRIES_MAX {
            return Err(trouble);
        }
        client.pause(tries).await;
    }
}

fn racer(number: usize) -> Bytes {
    Bytes::from(format!("writer {number}\n"))
}
