//! Messages between a job's sponsor and its clients, as far as the market sees them: whose, to
//! whom, which one, and how long. It never decrypts one.
//!
//! **Keys.** An account publishes the X25519 key that messages to it are encrypted for
//! (`publish_message_key`); the newest counts. The market keeps none: no rule needs one, so there
//! is no record that anyone would have to pay for. Who wants a key finds it among the inputs on
//! Ethereum, where the InputBox vouches for its sender.
//!
//! **Threads.** A message (`send_message`) belongs to a submission and goes from the job's sponsor
//! to its client, or back; who is neither, is refused. So whoever writes has a stake in the job,
//! and all that the market keeps of all messages are the two numbers of [`MessageCounts`] in the
//! submission's record, whose bytes its sponsor has rented. Who has not submitted cannot ask: it
//! has staked nothing, and ten thousand accounts would write for the price of gas.
//!
//! **Numbers.** Each side counts its own messages from zero and states the next number: an input
//! that is sent twice is refused, a message that somebody withholds leaves a gap, and nobody else's
//! message is ever in the way of one's own.
//!
//! **Price.** Gas, and the machine's time, which goes on the clock as that of any input. No money
//! moves, so no message is in the way of a payment.

use std::fmt;

use blobs::texts;
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// Bytes of an encrypted message besides its text: the sender's share of the key, and the tag.
pub const MESSAGE_OVERHEAD: usize = 48;

/// Texts are padded to multiples of this many bytes.
pub const MESSAGE_STEP: usize = 256;

/// Longest padded text, in bytes.
pub const MAX_MESSAGE_TEXT: usize = 16 * MESSAGE_STEP;

/// An encrypted message.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Ciphertext(pub Vec<u8>);

/// Numbers of messages about a submission, which are also the numbers of the next ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// From the sponsor to the client.
    pub from_sponsor: u32,
    /// From the client to the sponsor.
    pub from_client: u32,
}

impl Ciphertext {
    /// Checks that it has the length of a padded text.
    ///
    /// - Errors: `MessageSizeOutOfRange`
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let text = self.0.len().checked_sub(MESSAGE_OVERHEAD);
        let is_padded = text.is_some_and(|text| {
            (MESSAGE_STEP..=MAX_MESSAGE_TEXT).contains(&text) && text.is_multiple_of(MESSAGE_STEP)
        });
        let size = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        is_padded.then_some(()).ok_or(Refusal::MessageSizeOutOfRange { size })
    }
}

impl fmt::Display for Ciphertext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Ciphertext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn read(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16)?).ok();
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

texts! {
    Ciphertext: "an encrypted message (0x and hexadecimal digits)", |text| read(text).map(Self);
    Vec<u8>, |message| &message.0, Self;
}

#[cfg(test)]
mod tests {
    use blobs::Text as _;

    use super::*;

    #[test]
    fn only_padded_lengths_are_messages() {
        for (length, is_one) in [
            (0, false),
            (48, false),
            (303, false),
            (304, true),
            (305, false),
            (560, true),
            (4_144, true),
            (4_400, false),
        ] {
            let checked = Ciphertext(vec![0; length]).check();
            let refused = Refusal::MessageSizeOutOfRange { size: length as u64 };
            assert_eq!(checked, if is_one { Ok(()) } else { Err(refused) }, "{length}");
        }
    }

    #[test]
    fn it_is_written_as_digits() {
        let message = Ciphertext(vec![0, 0x5a, 0xff]);
        assert_eq!(message.to_string(), "0x005aff");
        assert_eq!(Ciphertext::read("0x005aff"), Some(message));
        assert_eq!(Ciphertext::read("0x"), Some(Ciphertext::default()));
        for wrong in ["", "005aff", "0x0", "0x0g", "0x+1"] {
            assert_eq!(Ciphertext::read(wrong), None, "{wrong}");
        }
    }
}
