//! Foreign text as it may be printed: one function for each medium.
//!
//! What moves a cursor, reverses its neighbours or draws nothing is written out, `\u{202e}`, and no line is left that a CI
//! runner takes for a command. Does not know whose text it is.

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_properties::CodePointSetData;
use icu_properties::props::ExtendedPictographic;

use crate::domain::is_invisible;

/// Makes an emoji of a character that may also be text, and joins several (UTS #51).
const EMOJI_SELECTOR: char = '\u{fe0f}';
const JOINER: char = '\u{200d}';

/// Returns one line of foreign text for a terminal or a log. A `\u{` of the text's own is told apart by its backslash,
/// written `\u{5c}`.
#[must_use]
pub fn plain(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'[' | b']'..=b'~')) {
        return text.to_owned();
    }
    plain_but(text, |_| false)
}

/// Does the same, and writes out the characters that begin at the byte places that `is_marked` names as well.
pub(super) fn plain_but(text: &str, is_marked: impl Fn(usize) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    each_character(text, |at, character, is_hidden| match character {
        '\\' if text[at..].starts_with("\\u{") => written_out(&mut out, character),
        _ if is_marked(at) => out.extend(character.escape_unicode()),
        _ if is_hidden => written_out(&mut out, character),
        _ => out.push(character),
    });
    out
}

/// Does the same, and returns where byte places of the text are then.
#[must_use]
pub fn plain_with_places(text: &str, places: &mut [usize]) -> String {
    let (mut out, mut moved) = (String::with_capacity(text.len()), vec![None; places.len()]);
    let settle = |at: usize, new: usize, moved: &mut Vec<Option<usize>>| {
        for (place, moved) in places.iter().zip(moved.iter_mut()) {
            if moved.is_none() && *place <= at {
                *moved = Some(new);
            }
        }
    };
    each_character(text, |at, character, is_hidden| {
        settle(at, out.len(), &mut moved);
        match character {
            // A screen shows a tab as spaces.
            '\n' | '\t' => out.push(character),
            '\r' if text[at + 1..].starts_with('\n') => out.push('\r'),
            '\\' if text[at..].starts_with("\\u{") => written_out(&mut out, character),
            _ if is_hidden => written_out(&mut out, character),
            _ => out.push(character),
        }
    });
    settle(text.len(), out.len(), &mut moved);
    for (place, moved) in places.iter_mut().zip(moved) {
        *place = moved.unwrap_or(out.len());
    }
    out
}

/// Returns a whole answer as a terminal or a log may show it: whatever was not written out before is now, line breaks and our
/// own colours aside, and so is what begins a runner's command.
///
/// GitHub's runner takes `##[command]` anywhere in a line and `::command::` at its beginning, white space aside
/// (`ActionCommand` of actions/runner); Azure's and `TeamCity`'s take `##vso[` and `##teamcity[`.
#[must_use]
pub fn printed(text: &str) -> Cow<'_, str> {
    if text.split('\n').all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<String> = text.split('\n').map(|line| harmless(line, Commands::None)).collect();
    Cow::Owned(lines.join("\n"))
}

/// Whether [`printed`] may find a command in a text.
pub(super) fn has_command(text: &str) -> bool {
    text.contains("##") || text.lines().any(begins_like_a_command)
}

/// Returns workflow commands of our own for GitHub's runner, one a line, each as it is and with nothing hidden in it.
#[must_use]
pub fn commands(text: &str) -> String {
    text.split('\n').map(|line| harmless(line, Commands::First)).collect::<Vec<_>>().join("\n")
}

/// Returns JSON of the same meaning in which nothing is hidden, and no runner finds a command.
#[must_use]
pub fn json(json: &str) -> Cow<'_, str> {
    let is_plain = json.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'"' | b'$'..=b'~'));
    if is_plain {
        return Cow::Borrowed(json);
    }
    let starts = command_starts(json);
    let mut out = String::with_capacity(json.len() + 16);
    each_character(json, |at, character, is_hidden| {
        // Outside of its texts, JSON has no other control character than line breaks.
        if (is_hidden && character != '\n') || starts.contains(&at) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    });
    Cow::Owned(out)
}

/// Takes back what [`json`] wrote out in a line that was none of that before.
#[must_use]
pub fn json_as_written(line: &str) -> Cow<'_, str> {
    if !line.contains("\\u") {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let alone = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
        let (taken, character) = unit(rest).map_or((alone, None), |first| match first {
            0xd800..0xdc00 => {
                let second = rest.get(6..).and_then(unit).filter(|second| (0xdc00..0xe000).contains(second));
                let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
                (if pair.is_some() { 12 } else { 6 }, pair)
            }
            first => (6, char::from_u32(u32::from(first))),
        });
        // Those that JSON itself cannot have as they are stay.
        match character.filter(|character| *character >= ' ' && !['"', '\\'].contains(character)) {
            Some(character) => out.push(character),
            None => out.push_str(&rest[..taken]),
        }
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns the number in `\u1234`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

/// Returns a text in which every emoji is written out, for who takes none.
#[must_use]
pub(super) fn without_emoji(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| !is_of_any_emoji(character)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_of_any_emoji(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Whether a character is an emoji, or a part of one: what joins and selects, and all of the blocks that Unicode keeps for
/// pictograms, flags and shades, whichever of them its version has.
fn is_of_any_emoji(character: char) -> bool {
    match character {
        JOINER | EMOJI_SELECTOR | '\u{20e3}' | '\u{1f000}'..='\u{1ffff}' => true,
        _ => !character.is_ascii() && CodePointSetData::new::<ExtendedPictographic>().contains(character),
    }
}

/// Whether a character is better written out wherever it stands: it moves the cursor, breaks the line, turns the direction, or
/// draws nothing.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    // The separators of lines and paragraphs count as white space, which is seen otherwise.
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}')
        || (is_invisible(character) && !character.is_whitespace())
}

/// Calls `take` with each character, its place, and whether it is hidden there: what belongs to an emoji is not.
fn each_character(text: &str, mut take: impl FnMut(usize, char, bool)) {
    let mut before = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let after = characters.peek().map(|(_, after)| *after);
        take(at, character, is_hidden(character) && !is_of_emoji(before, character, after));
        before = Some(character);
    }
}

fn is_of_emoji(before: Option<char>, character: char, after: Option<char>) -> bool {
    let is_pictogram = |c: char| !c.is_ascii() && CodePointSetData::new::<ExtendedPictographic>().contains(c);
    let is_shade = |c: char| matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    let is_keycap = |c: char| c.is_ascii_digit() || c == '#' || c == '*';
    match character {
        JOINER => {
            before.is_some_and(|c| is_pictogram(c) || is_shade(c) || c == EMOJI_SELECTOR)
                && after.is_some_and(is_pictogram)
        }
        EMOJI_SELECTOR => {
            before.is_some_and(|c| is_pictogram(c) || (is_keycap(c) && after == Some('\u{20e3}')))
        }
        _ => false,
    }
}

fn written_out(out: &mut String, character: char) {
    match character {
        '\n' | '\r' | '\t' => out.extend(character.escape_default()),
        _ => out.extend(character.escape_unicode()),
    }
}

/// Which commands of ours a line may begin with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commands {
    None,
    First,
}

/// Whether a line of an answer has nothing that must be written out; most have not.
fn is_harmless(line: &str) -> bool {
    let is_plain = line.bytes().all(|byte| matches!(byte, b' '..=b'"' | b'$'..=b'~'));
    is_plain && !begins_like_a_command(line)
}

/// Whether a line may begin a command. A report's `::: file:1:2` begins none: a command has a second `::`.
fn begins_like_a_command(line: &str) -> bool {
    let line = line.trim_start();
    let is_of_report = line.strip_prefix("::: ").is_some_and(|place| !place.contains("::"));
    line.starts_with("::") && !is_of_report
}

fn harmless(line: &str, commands: Commands) -> String {
    let colours = colours(line);
    let is_colour = |at: usize| colours.iter().any(|range| range.contains(&at));
    // What a log has that leaves the colours out.
    let bare: Vec<(usize, char)> = line.char_indices().filter(|(at, _)| !is_colour(*at)).collect();
    let text: String = bare.iter().map(|(_, character)| *character).collect();
    let mut starts = command_starts(&text);
    if commands == Commands::None && begins_like_a_command(&text) {
        starts.push(text.len() - text.trim_start().len());
    }
    let mut out = String::with_capacity(line.len() + 16);
    let (mut place, mut next_colour) = (0, colours.iter().peekable());
    each_character(&text, |at, character, is_hidden| {
        let (in_line, _) = bare[place];
        place += 1;
        while let Some(colour) = next_colour.next_if(|colour| colour.start < in_line) {
            out.push_str(&line[colour.clone()]);
        }
        if is_hidden || starts.contains(&at) {
            written_out(&mut out, character);
        } else {
            out.push(character);
        }
    });
    for colour in next_colour {
        out.push_str(&line[colour.clone()]);
    }
    out
}

/// Returns the places of `##` before letters and a bracket.
fn command_starts(text: &str) -> Vec<usize> {
    let is_start = |at: &usize| {
        let word = text[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
        word.starts_with('[')
    };
    let mut starts: Vec<usize> = text.match_indices('#').map(|(at, _)| at).collect();
    starts.retain(|at| text[*at..].starts_with("##"));
    starts.retain(is_start);
    starts
}

/// Returns the ranges of colours and styles of our own: nothing that hides a text.
fn colours(line: &str) -> Vec<std::ops::Range<usize>> {
    const ESCAPE: &str = "\u{1b}[";
    let is_ours = |number: &str| {
        matches!(number.parse::<u8>(), Ok(0..=4 | 22..=24 | 30..=37 | 39 | 90..=97)) || number.is_empty()
    };
    line.match_indices(ESCAPE)
        .filter_map(|(start, _)| {
            let rest = &line[start + ESCAPE.len()..];
            let length = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            let is_style = rest[length..].starts_with('m');
            (is_style && rest[..length].split(';').all(is_ours))
                .then(|| start..start + ESCAPE.len() + length + 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a runner obeys, read as its documentation has it and sharing nothing with the above.
    fn is_obeyed(line: &str) -> bool {
        let bare = anstream::adapter::strip_str(line).to_string();
        let is_old = bare.split("##").skip(1).any(|rest| {
            rest.trim_start_matches('#')
                .split('[')
                .next()
                .is_some_and(|word| rest.contains('[') && word.chars().all(|c| c.is_ascii_alphabetic()))
        });
        is_old || bare.trim_start().strip_prefix("::").is_some_and(|rest| rest.contains("::"))
    }

    fn is_raw(line: &str) -> bool {
        let bare = anstream::adapter::strip_str(line).to_string();
        bare.chars().any(|c| {
            c.is_control()
                || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{3164}' | '\u{e0000}'..='\u{e007f}')
        })
    }

    fn hostile() -> impl Strategy<Value = String> {
        let parts = prop_oneof![
            Just("##[add-mask]x".to_owned()),
            Just("#".to_owned()),
            Just("[".to_owned()),
            Just("##vso[task.complete]".to_owned()),
            Just("::add-mask::x".to_owned()),
            Just("\n::stop-commands::x\n".to_owned()),
            Just("\u{3000}::x".to_owned()),
            Just("\u{1b}[31m".to_owned()),
            Just("\u{1b}[8m".to_owned()),
            Just("\u{1b}[0K".to_owned()),
            Just("section_start:1:x\r\u{1b}[0K".to_owned()),
            Just("\\u{202e}".to_owned()),
            Just("👩\u{200d}💻".to_owned()),
            "[\u{0}-\u{ff}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{61c}\u{feff}\u{3164}a您]{0,3}",
            any::<String>(),
        ];
        proptest::collection::vec(parts, 0..6).prop_map(|parts| parts.concat())
    }

    #[test]
    fn what_nobody_would_see_is_written_out_and_an_emoji_is_not() {
        assert_eq!(plain("a\u{1b}[2J\nb\u{202e}c 您好"), "a\\u{1b}[2J\\nb\\u{202e}c 您好");
        for (hidden, shown) in [
            ("\u{61c}", "\\u{61c}"),
            ("a\u{200b}b", "a\\u{200b}b"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{e0041}", "\\u{e0041}"),
            ("a\u{fe0f}", "a\\u{fe0f}"),
            ("a\u{200d}b", "a\\u{200d}b"),
            ("\\u{202e}", "\\u{5c}u{202e}"),
        ] {
            assert_eq!(plain(hidden), shown, "{hidden:?}");
        }
        for whole in ["👩\u{200d}💻", "❤\u{fe0f}", "1\u{fe0f}\u{20e3}", "👩🏽\u{200d}🚀", "a\u{a0}b", "C:\\new"]
        {
            assert_eq!(plain(whole), whole);
        }
    }

    #[test]
    fn no_line_is_a_command_and_our_own_colours_stay() {
        for (text, expected) in [
            ("a ##[add-mask]b", "a \\u{23}#[add-mask]b"),
            ("###[group]x", "#\\u{23}#[group]x"),
            ("##vso[task.setvariable]x", "\\u{23}#vso[task.setvariable]x"),
            ("  ::add-mask::x\na ::b", "  \\u{3a}:add-mask::x\na ::b"),
            (" ::: a.yaml:2:3\n ::: a::b", " ::: a.yaml:2:3\n \\u{3a}:: a::b"),
            ("\u{1b}[32m#\u{1b}[0m#[x]", "\u{1b}[32m\\u{23}\u{1b}[0m#[x]"),
            ("\u{1b}[1m::x\u{1b}[0m", "\u{1b}[1m\\u{3a}:x\u{1b}[0m"),
            ("\u{1b}[1;31mx\u{1b}[8my", "\u{1b}[1;31mx\\u{1b}[8my"),
            ("# heading [x] ## y", "# heading [x] ## y"),
        ] {
            assert_eq!(printed(text), expected, "{text:?}");
        }
        assert_eq!(commands("::error file=a::b ##[x]\n"), "::error file=a::b \\u{23}#[x]\n");
    }

    #[test]
    fn emoji_are_written_out_for_who_takes_none() {
        assert_eq!(without_emoji("您好 𠮷 é 1#* “x”"), "您好 𠮷 é 1#* “x”");
        assert_eq!(without_emoji("👩🏽\u{200d}🚀!"), "\\u{1f469}\\u{1f3fd}\\u{200d}\\u{1f680}!");
        assert_eq!(without_emoji("🇨🇳 1\u{fe0f}\u{20e3}"), "\\u{1f1e8}\\u{1f1f3} 1\\u{fe0f}\\u{20e3}");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "{\"a\":\"\u{202e}##[x]\u{e0041}👩\u{200d}💻\"}";
        assert_eq!(json(text), "{\"a\":\"\\u202e\\u0023#[x]\\udb40\\udc41👩\u{200d}💻\"}");
        assert_eq!(json_as_written(&json(text)), text);
        // What is no JSON at all is left as it is.
        for text in ["\\", "\\é", "\\u12", "\\ud800\\u00é"] {
            assert_eq!(json_as_written(text), text);
        }
    }

    #[test]
    fn places_move_with_the_text() {
        let text = "a\u{202e}b\nc\u{200b}";
        let mut places = [0, 1, 4, 5, 6, 7, 10];
        let plain = plain_with_places(text, &mut places);
        assert_eq!(plain, "a\\u{202e}b\nc\\u{200b}");
        assert_eq!(
            places.map(|place| &plain[place..]),
            [
                "a\\u{202e}b\nc\\u{200b}",
                "\\u{202e}b\nc\\u{200b}",
                "b\nc\\u{200b}",
                "\nc\\u{200b}",
                "c\\u{200b}",
                "\\u{200b}",
                ""
            ]
        );
    }

    proptest! {
        #[test]
        fn whatever_is_printed_no_line_is_raw_or_obeyed(text in hostile()) {
            let printed = printed(&text);
            for line in printed.split('\n') {
                prop_assert!(!is_raw(line), "{line:?}");
                prop_assert!(!is_obeyed(line), "{line:?}");
            }
            prop_assert_eq!(super::printed(&printed), printed.as_ref());
            let line = plain(&text);
            prop_assert!(!line.contains('\n') && !is_raw(&line));
        }

        #[test]
        fn what_was_written_out_can_be_read_back(text in hostile()) {
            let bare: String = text.chars().filter(|c| !['\n', '\r', '\t'].contains(c)).collect();
            let shown = plain(&bare);
            let (mut back, mut rest) = (String::new(), shown.as_str());
            while let Some((before, after)) = rest.split_once("\\u{") {
                let (number, after) = after.split_once('}').unwrap();
                back.push_str(before);
                back.push(char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap());
                rest = after;
            }
            prop_assert_eq!(back + rest, bare);
        }

        #[test]
        fn json_of_any_text_means_the_same_and_hides_nothing(text in hostile()) {
            let written = serde_json::to_string(&text).unwrap();
            let shown = json(&written);
            prop_assert_eq!(&serde_json::from_str::<String>(&shown).unwrap(), &text);
            prop_assert!(!is_raw(&shown) && !is_obeyed(&shown), "{}", shown);
            prop_assert!(json_as_written(&shown) == written);
        }
    }
}
