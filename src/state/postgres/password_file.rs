//! libpq's password file: `host:port:database:user:password`, a line each, `*` for any, `\` before `:` and `\`.
//!
//! See <https://www.postgresql.org/docs/current/libpq-pgpass.html>.

/// Returns the password of the first line that fits.
pub(super) fn password_in(file: &str, wanted: [&str; 4]) -> Option<String> {
    file.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, asked) = fields.split_last()?;
        let fits = asked.len() == 4
            && asked.iter().zip(wanted).all(|(field, wanted)| field.is_any || field.text == wanted);
        fits.then(|| password.text.clone())
    })
}

#[derive(Default)]
struct Field {
    text: String,
    /// `*` that is no text.
    is_any: bool,
}

fn fields(line: &str) -> Vec<Field> {
    let mut fields = vec![Field::default()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let is_last = fields.len() == 5;
        let field = fields.last_mut().expect("there is one");
        match character {
            ':' if !is_last => fields.push(Field::default()),
            '\\' => field.text.extend(characters.next()),
            character => field.text.push(character),
        }
    }
    for (field, raw) in fields.iter_mut().zip(line.split(':')) {
        field.is_any = raw == "*";
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let file = "# a comment\ndb:5432:push:ann:one\ndb:*:push:b\\:ob:t\\\\w\\:o:x\n*:*:*:*:any\n";
        let of = |user| password_in(file, ["db", "5432", "push", user]).unwrap();
        assert_eq!((of("ann"), of("b:ob"), of("eve")), ("one".into(), "t\\w:o:x".into(), "any".into()));
        assert_eq!(password_in("db:5432:push:ann", ["db", "5432", "push", "ann"]), None);
    }
}
