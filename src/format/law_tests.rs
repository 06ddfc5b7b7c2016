//! Files as nobody should write them: the laws of `fmt` hold for those, too.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// Writes documents from a list of choices, so that a failing one shrinks with the list.
struct Writer<'choices> {
    choices: std::slice::Iter<'choices, u8>,
    out: String,
    keys: usize,
    comments: usize,
    anchors: usize,
    /// Deepest column in which a comment on a line of its own would not be content.
    comment_column_max: usize,
    /// Whether keys are those of campaign files, which have an order.
    is_campaign: bool,
}

/// The keys of campaign files by depth; what has none there is a name.
const CAMPAIGN_KEYS: [&[&str]; 3] = [
    &["strategies", "campaigns", "templates", "audiences"],
    &[],
    &["values", "strategy", "template", "title", "body", "name", "send", "at", "audience", "revision"],
];

const DEPTH_MAX: usize = 4;

impl Writer<'_> {
    fn pick(&mut self, count: usize) -> usize {
        self.choices.next().map_or(0, |choice| usize::from(*choice) % count)
    }

    fn chance(&mut self, of: usize) -> bool {
        self.pick(of) == of - 1
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn push_one(&mut self, texts: &[&str]) {
        let place = self.pick(texts.len());
        self.push(texts[place]);
    }

    fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    fn comment(&mut self) {
        self.comments += 1;
        let comment = format!("#c{} it's: \"{{why", self.comments);
        self.push(&comment);
    }

    /// Returns a key that is not among `used`.
    fn new_key(&mut self, depth: usize, used: &mut Vec<&'static str>) -> String {
        if self.is_campaign
            && let Some(keys) = CAMPAIGN_KEYS.get(depth).filter(|keys| !keys.is_empty())
        {
            let key = keys[self.pick(keys.len())];
            if !used.contains(&key) {
                used.push(key);
                return key.to_owned();
            }
        }
        self.keys += 1;
        format!("k{}", self.keys)
    }

    /// Ends a line, with a comment at times.
    fn end_line(&mut self) {
        if self.chance(4) {
            let spaces = 1 + self.pick(12);
            self.spaces(spaces);
            self.comment();
        } else if self.chance(6) {
            self.push("  ");
        }
        self.push("\n");
    }

    /// Blank lines and comments between entries.
    fn between(&mut self) {
        for _ in 0..self.pick(3) {
            if self.chance(2) {
                let column = self.pick(self.comment_column_max + 1);
                self.spaces(column);
                self.comment();
                self.push("\n");
            } else {
                self.push("\n");
            }
        }
    }

    fn mapping(&mut self, column: usize, depth: usize, mut is_begun: bool) {
        let mut used = Vec::new();
        for _ in 0..=self.pick(4) {
            if !is_begun {
                self.between();
                self.spaces(column);
            }
            is_begun = false;
            let key = self.new_key(depth, &mut used);
            match self.pick(9) {
                0..5 => self.push(&format!("{key}:")),
                5 => self.push(&format!("'{key}' :")),
                6 => self.push(&format!("\"{key}\":")),
                7 => {
                    self.anchors += 1;
                    let anchor = self.anchors;
                    self.push(&format!("&a{anchor}  {key}:"));
                }
                _ => {
                    self.push(&format!("?  {key}"));
                    self.end_line();
                    self.comment_column_max = column + 3;
                    self.spaces(column);
                    self.push(":");
                }
            }
            self.value(column, depth, None);
        }
    }

    fn sequence(&mut self, column: usize, depth: usize, mut is_begun: bool) {
        for _ in 0..=self.pick(3) {
            if !is_begun {
                self.between();
                self.spaces(column);
            }
            is_begun = false;
            self.push("-");
            let inner = column + 2 + self.pick(3);
            self.value(column, depth, Some(inner));
        }
    }

    /// Writes a value behind a colon, or a dash where `inline` is the column that it may begin in.
    fn value(&mut self, parent: usize, depth: usize, inline: Option<usize>) {
        self.comment_column_max = parent + 4;
        let kind = self.pick(if depth < DEPTH_MAX { 11 } else { 8 });
        if kind == 0 {
            return self.end_line();
        }
        let is_alias = kind == 1 && self.anchors > 0;
        let has_anchor = !is_alias && self.chance(6);
        if has_anchor {
            self.anchors += 1;
            let anchor = self.anchors;
            self.push(&format!(" &a{anchor}"));
        }
        if kind >= 8 {
            let is_mapping = kind > 8;
            if let Some(column) = inline.filter(|_| !has_anchor && self.chance(2)) {
                self.spaces(column - parent - 1);
                let below = if is_mapping { Self::mapping } else { Self::sequence };
                return below(self, column, depth + 1, true);
            }
            self.end_line();
            let least = usize::from(is_mapping || inline.is_some());
            let column = parent + least + self.pick(4);
            return if is_mapping {
                self.mapping(column, depth + 1, false);
            } else {
                self.sequence(column, depth + 1, false);
            };
        }
        if (4..=5).contains(&kind) {
            return self.block_scalar(parent);
        }
        if self.chance(5) {
            self.end_line();
            if self.chance(2) {
                self.spaces(parent + 1);
                self.comment();
                self.push("\n");
            }
            self.spaces(parent + 1);
        } else {
            let spaces = 1 + self.pick(2);
            self.spaces(spaces);
        }
        match kind {
            1 if is_alias => {
                let anchor = 1 + self.pick(self.anchors);
                // Those of collections may be inside of themselves.
                if self.out.contains(&format!("&a{anchor}  k")) {
                    self.push(&format!("*a{anchor}"));
                } else {
                    self.push("alias");
                }
            }
            2 => self.quoted(parent),
            3 => {
                self.push("plain");
                for _ in 0..self.pick(3) {
                    let blank = self.pick(2);
                    self.push(if blank == 1 { "\n \n" } else { "  \n" });
                    let spaces = parent + 1 + self.pick(4);
                    self.spaces(spaces);
                    self.push_one(&["goes on", "- on", "k#x", "\"so\""]);
                }
            }
            6 | 7 => self.flow(parent, 0),
            _ => self.push_one(&["text", "1", "true", "2026-12-15T09:00:00+08:00", "~", "为什么"]),
        }
        self.end_line();
    }

    fn quoted(&mut self, parent: usize) {
        let is_double = self.chance(2);
        let quote = if is_double { "\"" } else { "'" };
        self.push(quote);
        for _ in 0..self.pick(6) {
            match self.pick(7) {
                0 => self.push("text"),
                1 => self.push(if is_double { "\\\"" } else { "''" }),
                2 => self.push(if is_double { "it's" } else { "say \"x\"" }),
                3 => self.push(if is_double { "\\ " } else { "\\" }),
                4 => self.push(" # no comment"),
                5 => {
                    self.push(if is_double { " \\\n" } else { "x  \n" });
                    self.spaces(parent + 2);
                    self.push("y");
                }
                _ => {
                    self.push("\n\n");
                    self.spaces(parent + 1);
                    self.push("z");
                }
            }
        }
        self.push(quote);
    }

    fn block_scalar(&mut self, parent: usize) {
        let depth = 1 + self.pick(5);
        self.push_one(&[" |", " >", "  |"]);
        let is_said = self.chance(3);
        let indicator = if is_said { depth.to_string() } else { String::new() };
        let chomping = ["", "-", "+"][self.pick(3)];
        if self.chance(2) {
            self.push(&format!("{indicator}{chomping}"));
        } else {
            self.push(&format!("{chomping}{indicator}"));
        }
        self.end_line();
        let mut has_content = is_said;
        for _ in 0..self.pick(6) {
            let line = match self.pick(8) {
                0 | 1 => "text",
                2 => "",
                3 if has_content => "  more",
                4 => "# no comment",
                5 if has_content => "   ",
                6 if has_content => "\ttab",
                _ => "a: 'b",
            };
            if line.is_empty() {
                let is_spaced = has_content && self.chance(2);
                self.spaces(if is_spaced { (parent + depth).min(1) } else { 0 });
            } else {
                has_content = true;
                self.spaces(parent + depth);
            }
            self.push(line);
            self.push("\n");
        }
        self.comment_column_max = parent;
    }

    /// Goes on within brackets: on the same line, or on the next one behind a comment.
    fn flow_space(&mut self, parent: usize) {
        match self.pick(8) {
            0..4 => {}
            4 | 5 => self.push("  "),
            6 => {
                self.push("\n");
                self.spaces(parent + 2);
            }
            _ => {
                self.push(" ");
                self.comment();
                self.push("\n");
                self.spaces(parent + 1);
            }
        }
    }

    fn flow(&mut self, parent: usize, depth: usize) {
        let is_sequence = self.chance(2);
        self.push(if is_sequence { "[" } else { "{" });
        let count = self.pick(4);
        for place in 0..count {
            self.flow_space(parent);
            let has_key = !is_sequence || self.chance(4);
            if has_key {
                let key = self.new_key(DEPTH_MAX, &mut Vec::new());
                match self.pick(4) {
                    0 | 1 => self.push(&format!("{key}: ")),
                    2 => self.push(&format!("\"{key}\":")),
                    _ => self.push(&format!("'{key}' : ")),
                }
                if self.chance(5) {
                    self.flow_space(parent);
                }
            }
            match self.pick(if depth < 2 { 6 } else { 4 }) {
                0 if !has_key => self.push("text"),
                0 => {}
                1 => self.push("'it'"),
                2 => self.push("\"a, b\""),
                3 => {
                    self.push("\"x\n");
                    self.spaces(parent + 3);
                    self.push("y\"");
                }
                _ => self.flow(parent, depth + 1),
            }
            self.flow_space(parent);
            if place + 1 < count || self.chance(3) {
                self.push(",");
            }
        }
        self.flow_space(parent);
        self.push(if is_sequence { "]" } else { "}" });
    }
}

/// A document in the worst of styles.
fn document(choices: &[u8], is_campaign: bool) -> String {
    let mut writer = Writer {
        choices: choices.iter(),
        out: String::new(),
        keys: 0,
        comments: 0,
        anchors: 0,
        comment_column_max: 6,
        is_campaign,
    };
    let column = writer.pick(3);
    if writer.chance(4) {
        writer.push("---");
        writer.end_line();
    }
    writer.mapping(column, 0, false);
    writer.between();
    let line_break = ["\n", "\n", "\r\n", "\r"][writer.pick(4)];
    if writer.chance(4) {
        let end = writer.out.trim_end_matches('\n').len();
        writer.out.truncate(end);
    }
    writer.out.replace('\n', line_break)
}

/// Keys and comments in the order of writing.
fn keys_and_comments(text: &str) -> Vec<&str> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '#';
    let words = text.split(|letter| !is_word(letter));
    let is_numbered = |word: &str, mark: &str| {
        word.strip_prefix(mark).is_some_and(|number| number.parse::<usize>().is_ok())
    };
    words.filter(|word| is_numbered(word, "k") || is_numbered(word, "#c")).collect()
}

fn try_format(text: &str, kind: FileKind) -> Result<String, LeftAlone> {
    format(&Source::new("c.yaml".to_owned(), text.to_owned()), kind)
}

fn value(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap()
}

fn comments(text: &str) -> Vec<String> {
    layout::comments(&text.replace("\r\n", "\n").replace('\r', "\n")).unwrap()
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

/// The comments right above a key, each with that key.
fn comments_of_keys(laid_out: &str) -> Vec<String> {
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let lines: Vec<&str> = laid_out.lines().collect();
    let key_below = |place: usize| {
        let is_above = |line: &&str| {
            line.trim_start().starts_with('#') && indentation(line) == indentation(lines[place])
        };
        let below = lines[place..].iter().find(|line| !is_above(line))?;
        // An item begins with whichever of its keys comes first.
        let is_item = below.trim() == "-" || below.trim_start().starts_with("- ");
        let is_key = !below.is_empty() && !is_item && indentation(below) == indentation(lines[place]);
        is_key.then(|| below.split(':').next().unwrap_or_default().trim())
    };
    let is_comment = |line: &str| line.trim_start().starts_with("#c");
    let owned = (0..lines.len()).filter(|place| is_comment(lines[*place]));
    sorted(owned.filter_map(|place| Some(format!("{} {}", lines[place].trim(), key_below(place)?))).collect())
}

/// The laws for one file; nothing where it is no YAML to every reader, which is no matter of `fmt`.
fn hold_laws(text: &str, kind: FileKind) -> Option<String> {
    let once = match try_format(text, kind) {
        Err(LeftAlone::Mistakes(_)) => return None,
        Err(LeftAlone::WouldChange) => panic!("refused:\n{text}"),
        Ok(once) => once,
    };
    assert_eq!(value(text), value(&once), "{text}\n---\n{once}");
    assert_eq!(sorted(comments(text)), sorted(comments(&once)), "{text}\n---\n{once}");
    assert!(once.is_empty() || once.ends_with('\n'), "{once:?}");
    assert_eq!(try_format(&once, kind).unwrap(), once, "{text}");
    Some(once)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    /// No key of these has a place in the schema: all stay in order, each with its comments.
    #[test]
    fn no_style_is_refused(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = document(&choices, false);
        let once = hold_laws(&text, FileKind::Campaign).expect("what is written here is YAML");
        prop_assert_eq!(keys_and_comments(&text), keys_and_comments(&once), "{}\n---\n{}", &text, &once);
    }

    /// Where keys move, the comments above them do, too.
    #[test]
    fn comments_stay_with_keys_that_move(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = document(&choices, true);
        let once = hold_laws(&text, FileKind::Campaign).expect("what is written here is YAML");
        let unsorted = layout::lay_out(&text.replace("\r\n", "\n").replace('\r', "\n")).unwrap().text;
        let once = once.replace("\r\n", "\n");
        let after = comments_of_keys(&once);
        // What stands at the top is about the file.
        let top = unsorted.lines().take_while(|line| line.starts_with(['#', '-'])).collect::<Vec<_>>().join("\n");
        for comment in comments_of_keys(&unsorted[top.len()..]) {
            prop_assert!(after.contains(&comment), "{}\n{}\n---\n{}", comment, &text, &once);
        }
    }
}

/// What YAML is made of.
const TOKENS: [&str; 46] = [
    "a", "b", "k: ", "k:", "w: x", "\n", "\n", "\n  ", "\n ", "\n\n", " ", "  ", "- ", "- ", "-\n", "? ",
    ": ", ":", "|", "|+", ">-", "|2", "#", " # c\n", "# d\n", "'", "\"", "'s'", "[", "]", "{", "}", ", ",
    "&a ", "*a", "\t", "---\n", "--- ", "...\n", "\\", "1", "~", "é", "\u{a0}", "\u{feff}", "<<: ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn no_heap_of_tokens_is_refused_if_it_is_yaml(
        tokens in prop::collection::vec(prop::sample::select(TOKENS.as_slice()), 1..16),
    ) {
        hold_laws(&tokens.concat(), FileKind::Campaign);
    }
}

/// Ways in which an editor, a merge or a hurry disturbs a file that was in order.
const DISTURBANCES: [fn(&str) -> String; 8] = [
    |text| text.replace('\n', "\r\n"),
    |text| text.replace('\n', "\r"),
    |text| text.trim_end().to_owned(),
    |text| format!("---\n\n{text}...\n"),
    // All of it further to the right.
    |text| text.split_inclusive('\n').flat_map(|line| ["   ", line]).collect(),
    // Everything twice as deep, what stands behind dashes included.
    |text| {
        let deep = |line: &str| {
            let content = line.trim_start_matches(' ');
            let indentation = " ".repeat(2 * (line.len() - content.len()));
            let dashes = content.len() - content.trim_start_matches("- ").len();
            let (dashes, content) = content.split_at(dashes);
            format!("{indentation}{}{content}\n", dashes.replace("- ", "-   "))
        };
        text.lines().map(deep).collect()
    },
    |text| text.replace('\n', "\n\n \n"),
    |text| {
        let commented =
            |(place, line): (usize, &str)| format!("{}# c{place}\n{line}\n", " ".repeat(place % 7));
        text.lines().enumerate().map(commented).collect()
    },
];

#[test]
fn no_disturbance_of_a_sound_file_is_refused() {
    let mut disturbed_count = 0;
    for path in yaml_files(&["campaigns", "assets", "tests/corpus"]) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let kind = FileKind::of_path(&path.to_string_lossy());
        let Some(once) = hold_laws(&text, kind) else { continue };
        for disturb in DISTURBANCES {
            for text in [&text, &once] {
                disturbed_count += usize::from(hold_laws(&disturb(text), kind).is_some());
            }
        }
    }
    assert!(disturbed_count > 1000, "{disturbed_count}");
}

fn yaml_files(directories: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> =
        directories.iter().map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).collect();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
