//! Calls into crates that panic on damaged input: what they cry out becomes an error.
//!
//! Knows neither whose call it is nor what the words mean. Needs unwinding: never set `panic = "abort"`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `call`, after a panic of which its values are not looked at any more.
///
/// # Errors
///
/// Returns the words of a panic, none where it had none; nothing is printed.
pub fn catch_panic<T>(call: impl FnOnce() -> T) -> Result<T, Option<String>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                previous(panic);
            }
        }));
    });
    let was_guarded = IS_GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    IS_GUARDED.set(was_guarded);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_words_and_a_value_stays_one() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        assert_eq!(catch_panic(|| panic!("static")), Err::<(), _>(Some("static".to_owned())));
        assert_eq!(catch_panic(|| panic!("made {}", 1)), Err::<(), _>(Some("made 1".to_owned())));
        assert_eq!(catch_panic(|| std::panic::panic_any(7)), Err::<(), _>(None));
        // One within another leaves the outer one guarded.
        let outer = catch_panic(|| {
            drop(catch_panic(|| panic!("inner")));
            IS_GUARDED.get()
        });
        assert_eq!((outer, IS_GUARDED.get()), (Ok(true), false));
    }
}
