//! The functions that a browser calls: it makes room for a question, writes it there, has it
//! answered, and reads the answer.

#![expect(unsafe_code, reason = "a name that the browser finds, which counts as unsafe")]

use std::cell::RefCell;

use crate::question::ask;

thread_local! {
    static QUESTION: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for a question of so many bytes: where it begins.
#[unsafe(no_mangle)]
extern "C" fn question(length: usize) -> *mut u8 {
    QUESTION.with_borrow_mut(|question| {
        *question = vec![0; length];
        question.as_mut_ptr()
    })
}

/// Answers the question that was written: how many bytes the answer has.
#[unsafe(no_mangle)]
extern "C" fn answer() -> usize {
    let answer = ask(&QUESTION.take());
    let length = answer.len();
    ANSWER.set(answer);
    length
}

/// Where the answer begins.
#[unsafe(no_mangle)]
extern "C" fn answered() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}

/// Nothing draws random numbers; whoever would is told that there are none.
fn no_random_numbers(_: &mut [u8]) -> Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}

getrandom::register_custom_getrandom!(no_random_numbers);
