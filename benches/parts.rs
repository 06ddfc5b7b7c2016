//! The inner parts, one at a time: `cargo bench`. Whole processes beside their peers are `scripts/bench`'s; `cargo test`
//! runs each of these once, so that they go on working.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on shall panic")]

use std::fs;
use std::path::PathBuf;

use campaignctl::check;
use campaignctl::domain::EnvironmentName;
use campaignctl::load;
use campaignctl::resolve::{self, Desired};
use campaignctl::schema;
use chrono::{DateTime, Utc};
use tempfile::TempDir;

/// The allocator of the tool.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

fn now() -> DateTime<Utc> {
    "2026-11-24T02:00:00Z".parse().unwrap()
}

/// A workspace of one campaign to so many users of a text file.
struct Site {
    directory: TempDir,
}

impl Site {
    fn new(ids: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let site = Self { directory };
        site.write(
            "campaignctl.yaml",
            "version: 1\nproject: bench\ndefault_environment: sandbox\nenvironments:\n  sandbox: { app_id: A, \
             workspace_id: w, endpoint: sandbox }\n",
        );
        site.write(
            "campaign.yaml",
            "# Owned by growth.\ntemplates:\n  hello:\n    name: Hello\n    title: \"您好 #name#\"\n    body: >-\n      \
             Half off your cart until midnight, #name#.\n      恭喜您获得优惠券，今日有效。\n\naudiences:\n  everyone:\n    \
             users: { file: ids.txt }\n\nclassifications:\n  marketing:\n    huawei: { category: marketing, level: \
             normal }\n    oppo: { level: 2 }\n\nstrategies:\n  at_once: { send: now }\n\ncampaigns:\n  hello:\n    \
             template: hello\n    audience: everyone\n    classification: marketing\n    strategy: at_once\n    values: \
             { name: 张三 }\n    expires_after: 5m\n    extended_params: { deep_link: \"app://shop/1?from=push\" }\n",
        );
        let lines: Vec<String> = (0..ids).map(|number| format!("2088{number:012}\n")).collect();
        site.write("ids.txt", &lines.concat());
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Reads and checks the workspace, as every command does.
    fn checked(&self) -> check::Checked {
        let (workspace, mut diagnostics) =
            load::workspace(self.directory.path(), "campaigns", schema::shapes());
        let (checked, more) = check::workspace(&workspace);
        diagnostics.extend(more);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        checked
    }

    fn desired(&self) -> Desired {
        let environment: EnvironmentName = "sandbox".parse().unwrap();
        resolve::desired(&self.checked(), &environment).unwrap()
    }
}

/// From files to values.
mod reading {
    use std::sync::Arc;

    use campaignctl::load::Boundary;
    use campaignctl::load::model::TargetFileFormat;
    use campaignctl::load::targets::{Limits, TargetFile};
    use campaignctl::schema;
    use divan::Bencher;
    use divan::counter::ItemsCount;

    use crate::Site;

    const IDS: usize = 10_000;

    fn every_id(bencher: Bencher<'_, '_>, site: &Site, name: &str, format: TargetFileFormat) {
        let column_or_field = (format != TargetFileFormat::Text).then(|| "id".to_owned());
        let (path, shown_as) = (site.path(name), name.to_owned());
        let boundary = Arc::new(Boundary::new(path.parent().unwrap().to_owned(), Vec::new()));
        let value_columns = Vec::new();
        let file = TargetFile {
            path,
            boundary,
            shown_as,
            format,
            column_or_field,
            value_columns,
            limits: Limits::default(),
        };
        bencher.counter(ItemsCount::new(IDS)).bench(|| {
            let (mut rows, mut bytes, mut ids) = (file.open().unwrap(), 0, 0);
            while let Some(row) = rows.next_row() {
                bytes += row.unwrap().id.as_str().len();
                ids += 1;
            }
            assert_eq!(ids, IDS);
            bytes
        });
    }

    #[divan::bench]
    fn ids_of_text(bencher: Bencher<'_, '_>) {
        every_id(bencher, &Site::new(IDS), "ids.txt", TargetFileFormat::Text);
    }

    #[divan::bench]
    fn ids_of_csv(bencher: Bencher<'_, '_>) {
        let site = Site::new(0);
        let rows: Vec<String> = (0..IDS).map(|number| format!("2088{number:012},somebody\n")).collect();
        site.write("ids.csv", &format!("id,name\n{}", rows.concat()));
        every_id(bencher, &site, "ids.csv", TargetFileFormat::Csv);
    }

    #[divan::bench]
    fn ids_of_json_lines(bencher: Bencher<'_, '_>) {
        let site = Site::new(0);
        let row = |number| format!("{{\"id\":\"2088{number:012}\",\"name\":\"somebody\"}}\n");
        let rows: String = (0..IDS).map(row).collect();
        site.write("ids.jsonl", &rows);
        every_id(bencher, &site, "ids.jsonl", TargetFileFormat::Jsonl);
    }

    #[cfg(feature = "parquet")]
    #[divan::bench]
    fn ids_of_parquet(bencher: Bencher<'_, '_>) {
        use std::fs::File;
        use std::sync::Arc;

        use parquet::data_type::{ByteArray, ByteArrayType};
        use parquet::file::properties::WriterProperties;
        use parquet::file::writer::SerializedFileWriter;
        use parquet::schema::parser::parse_message_type;

        let site = Site::new(0);
        let schema = parse_message_type("message rows { required binary id (utf8); }").unwrap();
        let file = File::create(site.path("ids.parquet")).unwrap();
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer = SerializedFileWriter::new(file, Arc::new(schema), properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let id = |number| ByteArray::from(format!("2088{number:012}").as_str());
        let ids: Vec<ByteArray> = (0..IDS).map(id).collect();
        column.typed::<ByteArrayType>().write_batch(&ids, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        every_id(bencher, &site, "ids.parquet", TargetFileFormat::Parquet);
    }

    /// A project file and a campaign file, read and checked.
    #[divan::bench]
    fn one_campaign_file(bencher: Bencher<'_, '_>) {
        let site = Site::new(1);
        let _compiled = schema::shapes();
        bencher.bench(|| site.checked());
    }
}

/// Sets of target hashes.
mod targets {
    use std::convert::Infallible;

    use campaignctl::domain::{
        LedgerSalt, TargetHash, TargetHasher, TargetId, TargetKind, TargetSet, TargetSetBuilder,
    };
    use divan::Bencher;
    use divan::counter::ItemsCount;

    const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];

    fn salt() -> LedgerSalt {
        LedgerSalt::new([7; 16])
    }

    fn ids(count: usize) -> Vec<TargetId> {
        (0..count).map(|number| format!("2088{number:012}").parse().unwrap()).collect()
    }

    pub(crate) fn hashes(count: usize) -> Vec<TargetHash> {
        ids(count).iter().map(|id| TargetHash::of(&salt(), TargetKind::User, id)).collect()
    }

    #[divan::bench]
    fn hash(bencher: Bencher<'_, '_>) {
        let (salt, ids) = (salt(), ids(1_000));
        bencher.counter(ItemsCount::new(ids.len())).bench(|| {
            ids.iter().fold(0_u8, |sum, id| sum ^ TargetHash::of(&salt, TargetKind::User, id).0[0])
        });
    }

    /// As audiences are hashed: several ids at a time.
    #[divan::bench]
    fn hash_in_batches(bencher: Bencher<'_, '_>) {
        let (salt, ids) = (salt(), ids(1_000));
        bencher.counter(ItemsCount::new(ids.len())).bench(|| {
            let mut batch = TargetHasher::new(&salt, TargetKind::User).batch();
            let mut hashed = ids.iter().map(|id| batch.push(id.borrowed()).len()).sum::<usize>();
            hashed += batch.rest().len();
            assert_eq!(hashed, ids.len());
            hashed
        });
    }

    #[divan::bench(args = SIZES)]
    fn set_of(bencher: Bencher<'_, '_>, size: usize) {
        let hashes = hashes(size);
        bencher.counter(ItemsCount::new(size)).bench(|| {
            let mut builder = TargetSetBuilder::default();
            for hash in &hashes {
                builder.push(*hash);
            }
            builder.finish()
        });
    }

    /// An audience without those that were sent to: every second one.
    #[divan::bench(args = SIZES)]
    fn set_without(bencher: Bencher<'_, '_>, size: usize) {
        let all = TargetSet::new(hashes(size));
        let sent: Vec<[u8; 16]> = all.iter().map(|hash| hash.0).step_by(2).collect();
        bencher
            .counter(ItemsCount::new(size))
            .with_inputs(|| TargetSet::new(all.iter().copied().collect()))
            .bench_values(|set| set.without(sent.chunks(400).map(Ok::<_, Infallible>)).unwrap());
    }

    #[divan::bench(args = SIZES)]
    fn position(bencher: Bencher<'_, '_>, size: usize) {
        let listed = hashes(size);
        let set = TargetSet::new(listed.clone());
        bencher
            .counter(ItemsCount::new(size))
            .bench(|| listed.iter().filter_map(|hash| set.position(hash)).sum::<usize>());
    }

    /// As `apply` looks its targets up, in the order of a file.
    #[divan::bench(args = SIZES)]
    fn positions(bencher: Bencher<'_, '_>, size: usize) {
        let listed = hashes(size);
        let set = TargetSet::new(listed.clone());
        bencher.counter(ItemsCount::new(size)).bench(|| {
            let mut sum = 0;
            set.positions(&listed, |_, place| sum += place);
            sum
        });
    }
}

/// Records to lines and back, and what they add up to.
mod ledger {
    use campaignctl::domain::{LedgerSalt, Revision};
    use campaignctl::ledger::{
        Content, Entry, FORMAT_VERSION, FoldError, Header, IntentRecord, Ledger, Lineage, Mark, Outcome,
        Record, RunId, Serial, Writer,
    };
    use divan::Bencher;
    use divan::counter::ItemsCount;

    use crate::targets::hashes;
    use crate::{Site, now};

    const BATCHES: usize = 500;

    fn run() -> RunId {
        RunId::new(uuid::Uuid::from_u128(2))
    }

    /// The first record of a new ledger.
    pub(crate) fn header() -> Header {
        Header {
            key: None,
            format: FORMAT_VERSION,
            lineage: Lineage::new(uuid::Uuid::from_u128(1)),
            salt: LedgerSalt::new([7; 16]),
            project: "bench".parse().unwrap(),
            environment: "sandbox".parse().unwrap(),
            app_id: "A".to_owned(),
            workspace_id: "w".to_owned(),
            destination: None,
        }
    }

    /// A run of so many batches of ten, all accepted.
    fn records() -> Vec<Record> {
        let desired = Site::new(1).desired();
        let campaign = &desired.campaigns[0].campaign;
        let content = Content::of(campaign);
        let submitted = Record::Submitted {
            run: run(),
            campaign: campaign.id.clone(),
            revision: Revision::new(1).unwrap(),
            digest: content.digest(),
            content,
            planned: None,
        };
        let mut records = vec![Record::Opened(header()), submitted];
        for (targets, batch) in hashes(BATCHES * 10).chunks(10).zip(1_u32..) {
            let intent = Serial(records.len() as u64 + 1);
            records.push(Record::Intent(IntentRecord {
                run: run(),
                campaign: campaign.id.clone(),
                revision: Revision::new(1).unwrap(),
                batch,
                call: campaignctl::domain::Call::Template,
                task_name: format!("sandbox/hello@1#{batch}"),
                nonce: uuid::Uuid::from_u128(u128::from(batch)).to_string(),
                request: Some(format!("{batch:032x}")),
                over_at: None,
                targets: targets.to_vec(),
            }));
            let outcome = Outcome::Accepted { request_id: Some(format!("{batch:032X}")), task_id: None };
            records.push(Record::Outcome { intent, outcome });
        }
        records
    }

    fn lines() -> Vec<Vec<u8>> {
        let mut writer = Writer::default();
        records().into_iter().map(|record| writer.encode(now(), &record).1).collect()
    }

    fn entries(lines: &[Vec<u8>]) -> Vec<Entry> {
        let mut writer = Writer::default();
        lines.iter().map(|line| writer.decode(line).unwrap()).collect()
    }

    fn folded(entries: Vec<Entry>) -> Ledger {
        Ledger::fold(entries.into_iter().map(Ok::<_, FoldError>)).unwrap()
    }

    #[divan::bench]
    fn encode(bencher: Bencher<'_, '_>) {
        let records = records();
        bencher.counter(ItemsCount::new(records.len())).bench(|| {
            let mut writer = Writer::default();
            records.iter().map(|record| writer.encode(now(), record).1.len()).sum::<usize>()
        });
    }

    #[divan::bench]
    fn decode(bencher: Bencher<'_, '_>) {
        let lines = lines();
        bencher.counter(ItemsCount::new(lines.len())).bench(|| entries(&lines));
    }

    #[divan::bench]
    fn fold(bencher: Bencher<'_, '_>) {
        let entries = entries(&lines());
        bencher.counter(ItemsCount::new(entries.len())).with_inputs(|| entries.clone()).bench_values(folded);
    }

    #[divan::bench]
    fn pack(bencher: Bencher<'_, '_>) {
        let entries = entries(&lines());
        let after = Mark { serial: Serial(entries.len() as u64), chain: "0".repeat(32) };
        let ledger = folded(entries);
        bencher.counter(ItemsCount::new(BATCHES * 10)).bench(|| {
            let packed = ledger.pack(after.clone(), Vec::new());
            packed.map(|packed| packed.unwrap().blocks.concat().len()).sum::<usize>()
        });
    }
}

/// What leaves, and what is reviewed before it does.
mod sending {
    use campaignctl::diff;
    use campaignctl::domain::{ApiVersion, Credentials, MessageKey, Revision, Secret, TargetId, TargetKind};
    use campaignctl::ledger::{FoldError, Ledger, Record, Writer};
    use campaignctl::mpaas::{MultipleTarget, Request, Stamp, sign};
    use campaignctl::plan::{self, Setting};
    use divan::Bencher;
    use divan::counter::ItemsCount;

    use crate::ledger::header;
    use crate::{Site, now};

    fn addressees(site: &Site, count: usize) -> Vec<(TargetId, MessageKey)> {
        let desired = site.desired();
        let campaign = &desired.campaigns[0].campaign;
        let key = |id: &TargetId| {
            let target = (TargetKind::User, id);
            let (project, environment) = (&desired.project, &desired.environment.name);
            MessageKey::of_target(project, environment, &campaign.id, Revision::new(1).unwrap(), target)
        };
        let ids = (0..count).map(|number| format!("2088{number:012}").parse::<TargetId>().unwrap());
        ids.map(|id| (id.clone(), key(&id))).collect()
    }

    fn borrowed(targets: &[(TargetId, MessageKey)]) -> Vec<(&TargetId, MessageKey)> {
        targets.iter().map(|(id, key)| (id, *key)).collect()
    }

    #[divan::bench]
    fn build_request(bencher: Bencher<'_, '_>) {
        let site = Site::new(1);
        let (desired, targets) = (site.desired(), addressees(&site, 10));
        let campaign = &desired.campaigns[0].campaign;
        let targets = borrowed(&targets);
        bencher
            .bench(|| Request::push_template(&desired.environment, campaign, "sandbox/hello@1#1", &targets));
    }

    /// A batch call: a hundred targets, each with its own value.
    #[divan::bench]
    fn build_request_of_a_hundred(bencher: Bencher<'_, '_>) {
        let site = Site::new(1);
        let (desired, targets) = (site.desired(), addressees(&site, 100));
        let mut campaign = desired.campaigns[0].campaign.clone();
        campaign.values_from = [("name".to_owned(), "nickname".to_owned())].into();
        let values = ["张三".to_owned()];
        let targets: Vec<MultipleTarget<'_>> =
            targets.iter().map(|(id, key)| MultipleTarget { id, key: *key, values: &values }).collect();
        bencher
            .counter(ItemsCount::new(targets.len()))
            .bench(|| Request::push_multiple(&desired.environment, &campaign, "sandbox/hello@1#1", &targets));
    }

    #[divan::bench]
    fn sign_request(bencher: Bencher<'_, '_>) {
        let site = Site::new(1);
        let (desired, targets) = (site.desired(), addressees(&site, 10));
        let campaign = &desired.campaigns[0].campaign;
        let request =
            Request::push_template(&desired.environment, campaign, "sandbox/hello@1#1", &borrowed(&targets));
        let credentials = Credentials {
            access_key_id: Secret::new("id".to_owned()),
            access_key_secret: Secret::new("secret".to_owned()),
            security_token: None,
        };
        let stamp = Stamp { timestamp: now(), nonce: "0b6a1f3c-5f0e-4c4b-9a56-7c0f1d2e3a4b".to_owned() };
        bencher.bench(|| sign(&request, ApiVersion::V20201028, None, &credentials, &stamp).body.len());
    }

    fn empty_ledger() -> Ledger {
        let line = Writer::default().encode(now(), &Record::Opened(header())).1;
        let entry = Writer::default().decode(&line).unwrap();
        Ledger::fold([Ok::<_, FoldError>(entry)]).unwrap()
    }

    /// A saved plan, read and proven to be as it was made.
    #[divan::bench]
    fn prove_plan(bencher: Bencher<'_, '_>) {
        let (desired, ledger) = (Site::new(100).desired(), empty_ledger());
        let salt = ledger.header().salt;
        let read = desired.audiences.iter().map(|(name, audience)| (name.clone(), audience.read(&salt).0));
        let changes = diff::changes(&desired, read.collect(), &ledger, now()).unwrap();
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
        let saved = plan::to_json(&plan::build(changes, &ledger, setting, now()).document);
        bencher.bench(|| plan::from_json(&saved).unwrap().digest);
    }
}
