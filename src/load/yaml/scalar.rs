//! What a plain scalar means, to every reader there is.
//!
//! Sources: YAML 1.2.2 §10.3.2 (core schema), the YAML 1.1 type repository (yaml.org/type: bool, int,
//! float, null, value), and what `serde_yaml` 0.9 does. A text is a number, a boolean or null only where all
//! of them say so; where one says so and another does not, it must be quoted. Timestamps are text to YAML
//! 1.2 and to us: `at: 2026-12-15T09:00:00+08:00` is how a person writes a time.

/// A plain scalar's meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// An integer, from `i64::MIN` to `u64::MAX`.
    Integer(i128),
    /// A finite number.
    Float(f64),
    /// The text itself.
    Text,
}

/// What some readers take a text for while others do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ambiguity {
    /// `yes`, `off`: YAML 1.1 has more booleans than YAML 1.2.
    Boolean,
    /// `012`, `0o14`: octal to one, decimal or text to the other.
    Octal,
    /// `0b11`, `1_000`, `1e3`, `-0x1f`: a number to one, text to the other.
    Number,
    /// `13:45:11`: YAML 1.1 counts in sixties.
    Sexagesimal,
    /// More than 64 bits or a float's range: cut to one, text or an error to the other.
    TooLarge,
    /// `.inf`, `.nan`: JSON, which the vendor is sent, has none.
    NotFinite,
    /// `=` and `<<`: YAML 1.1's default value and merge mark, which have types of their own.
    ReservedMark,
}

impl Ambiguity {
    /// Returns what the readers disagree on, to follow the text in a message.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Boolean => "is a boolean to some YAML readers and text to others",
            Self::Octal => "is an octal number to some YAML readers and something else to others",
            Self::Number => "is a number to some YAML readers and text to others",
            Self::Sexagesimal => "is a number in base 60 to some YAML readers and text to others",
            Self::TooLarge => "is a number too large for some YAML readers",
            Self::NotFinite => "is a number that JSON cannot carry",
            Self::ReservedMark => "has a meaning of its own to some YAML readers",
        }
    }

    /// Says how to write what was meant by a value.
    pub(super) fn way_out(self, text: &str) -> String {
        let quoted = format!("quote it: \"{text}\"");
        if self != Self::Boolean {
            return quoted;
        }
        let is_true = ["y", "yes", "on"].contains(&text.to_lowercase().as_str());
        format!("write `{is_true}`; or, where a text is meant, {quoted}")
    }
}

/// Reads a plain scalar's text.
pub(super) fn read(text: &str) -> Result<Scalar, Ambiguity> {
    // No word below is longer than `false`, and no number begins like this: most texts are told by that.
    if text.len() > 5 && text.starts_with(|first: char| !matches!(first, '0'..='9' | '+' | '-' | '.')) {
        return Ok(Scalar::Text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Scalar::Null),
        "true" | "True" | "TRUE" => return Ok(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Scalar::Bool(false)),
        "y" | "Y" | "n" | "N" | "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "on" | "On" | "ON" | "off"
        | "Off" | "OFF" => return Err(Ambiguity::Boolean),
        "=" | "<<" => return Err(Ambiguity::ReservedMark),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err(Ambiguity::NotFinite);
    }
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Ok(Scalar::Text);
    }
    read_number(text, unsigned)
}

/// Reads a text that begins like a number.
fn read_number(text: &str, unsigned: &str) -> Result<Scalar, Ambiguity> {
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return read_hexadecimal(digits, text.len() == unsigned.len());
    }
    if unsigned
        .strip_prefix("0o")
        .is_some_and(|digits| consists_of(digits, |byte| (b'0'..=b'7').contains(&byte)))
    {
        return Err(Ambiguity::Octal);
    }
    if unsigned
        .strip_prefix("0b")
        .is_some_and(|digits| consists_of(digits, |byte| matches!(byte, b'0' | b'1' | b'_')))
    {
        return Err(Ambiguity::Number);
    }
    if consists_of(unsigned, |byte| byte.is_ascii_digit()) {
        return read_decimal(text, unsigned);
    }
    if is_sexagesimal(unsigned) {
        return Err(Ambiguity::Sexagesimal);
    }
    read_float(text, unsigned)
}

fn read_hexadecimal(digits: &str, is_unsigned: bool) -> Result<Scalar, Ambiguity> {
    if !consists_of(digits, |byte| byte.is_ascii_hexdigit() || byte == b'_') {
        return Ok(Scalar::Text);
    }
    if !is_unsigned || digits.contains('_') {
        return Err(Ambiguity::Number);
    }
    match u64::from_str_radix(digits, 16) {
        Ok(number) => Ok(Scalar::Integer(number.into())),
        Err(_) => Err(Ambiguity::TooLarge),
    }
}

fn read_decimal(text: &str, unsigned: &str) -> Result<Scalar, Ambiguity> {
    if unsigned.len() > 1 && unsigned.starts_with('0') {
        return Err(Ambiguity::Octal);
    }
    match text.parse::<i128>() {
        Ok(number) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number) => {
            Ok(Scalar::Integer(number))
        }
        _ => Err(Ambiguity::TooLarge),
    }
}

/// `[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: YAML 1.1's base 60, and its look-alike with a leading zero,
/// so that `09:00:00` and `13:45:11` are written alike.
fn is_sexagesimal(unsigned: &str) -> bool {
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let is_sixtieth = |part: &&str| {
        let bytes = part.as_bytes();
        match bytes {
            [ones] => ones.is_ascii_digit(),
            [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
            _ => false,
        }
    };
    !rest.is_empty()
        && first.starts_with(|digit: char| digit.is_ascii_digit())
        && consists_of(first, |byte| byte.is_ascii_digit() || byte == b'_')
        && rest.iter().all(is_sixtieth)
        && fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

/// Reads what may be a float: all readers agree on `1.5`, `1.`, `.5` and `1.5e+3`, and on nothing else.
fn read_float(text: &str, unsigned: &str) -> Result<Scalar, Ambiguity> {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let has_digit = mantissa.bytes().any(|byte| byte.is_ascii_digit());
    let exponent_digits = exponent.map(|exponent| exponent.strip_prefix(['-', '+']).unwrap_or(exponent));
    let is_number = has_digit
        && is_digits(whole)
        && fraction.is_none_or(is_digits)
        && exponent_digits.is_none_or(|digits| consists_of(digits, |byte| byte.is_ascii_digit()));
    if !is_number {
        return Ok(Scalar::Text);
    }
    let exponent_is_signed = exponent.is_none_or(|exponent| exponent.starts_with(['-', '+']));
    if fraction.is_none() || !exponent_is_signed || mantissa.contains('_') {
        return Err(Ambiguity::Number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Scalar::Float(number)),
        _ => Err(Ambiguity::TooLarge),
    }
}

/// Whether `text` has at least one byte and nothing but bytes of one kind.
fn consists_of(text: &str, is_kind: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is_kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_readers_agree_on_has_its_meaning() {
        for (text, meaning) in [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("null", Scalar::Null),
            ("true", Scalar::Bool(true)),
            ("False", Scalar::Bool(false)),
            ("0", Scalar::Integer(0)),
            ("-0", Scalar::Integer(0)),
            ("+12", Scalar::Integer(12)),
            ("-12", Scalar::Integer(-12)),
            ("0x1F", Scalar::Integer(31)),
            ("18446744073709551615", Scalar::Integer(u64::MAX.into())),
            ("-9223372036854775808", Scalar::Integer(i64::MIN.into())),
            ("1.5", Scalar::Float(1.5)),
            ("-1.", Scalar::Float(-1.0)),
            (".5", Scalar::Float(0.5)),
            ("1.5e+3", Scalar::Float(1500.0)),
        ] {
            assert_eq!(read(text), Ok(meaning), "{text}");
        }
    }

    #[test]
    fn text_is_text() {
        for text in [
            "vips",
            "2026-12-01",
            "2026-12-15T09:00:00+08:00",
            "1.2.3",
            "7d",
            "5m",
            "1_000_users",
            "0xyz",
            "0b12",
            "0o8",
            "-",
            ".",
            "+",
            "12:75",
            "::1",
            "1:2:x",
            "nope",
            "inf",
            "nan",
            "e3",
            "https://x.example",
            "user1024",
            "dev-1",
            "你好",
        ] {
            assert_eq!(read(text), Ok(Scalar::Text), "{text}");
        }
    }

    #[test]
    fn what_readers_take_differently_is_ambiguous() {
        for (text, ambiguity) in [
            ("yes", Ambiguity::Boolean),
            ("NO", Ambiguity::Boolean),
            ("on", Ambiguity::Boolean),
            ("y", Ambiguity::Boolean),
            ("012", Ambiguity::Octal),
            ("00", Ambiguity::Octal),
            ("08", Ambiguity::Octal),
            ("-012", Ambiguity::Octal),
            ("0o14", Ambiguity::Octal),
            ("0b11", Ambiguity::Number),
            ("-0x1F", Ambiguity::Number),
            ("+0x1F", Ambiguity::Number),
            ("0x1_F", Ambiguity::Number),
            ("1_000", Ambiguity::Number),
            ("1_000.5", Ambiguity::Number),
            ("1e3", Ambiguity::Number),
            ("123e4567", Ambiguity::Number),
            ("1.5e3", Ambiguity::Number),
            ("13:45:11", Ambiguity::Sexagesimal),
            ("09:00:00", Ambiguity::Sexagesimal),
            ("1:30.5", Ambiguity::Sexagesimal),
            ("18446744073709551616", Ambiguity::TooLarge),
            ("-9223372036854775809", Ambiguity::TooLarge),
            ("0x10000000000000000", Ambiguity::TooLarge),
            ("1.0e+999", Ambiguity::TooLarge),
            (".inf", Ambiguity::NotFinite),
            ("-.INF", Ambiguity::NotFinite),
            (".nan", Ambiguity::NotFinite),
            ("=", Ambiguity::ReservedMark),
            ("<<", Ambiguity::ReservedMark),
        ] {
            assert_eq!(read(text), Err(ambiguity), "{text}");
        }
    }
}
