//! Publish message key: an account states the key that messages to it are encrypted for. Nothing is
//! kept: no rule needs it, and the notice is on Ethereum for ever.

use crate::{effect::Event, input::Input};

pub(crate) fn apply(input: &mut Input<'_>, key: [u8; 32]) {
    let account = input.sender();
    input.emit(Event::MessageKeyPublished { account, key });
}
