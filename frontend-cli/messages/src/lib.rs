//! Messages between a job's sponsor and its clients: encrypted for the recipient's key, bound to
//! where they belong, and opened again. No I/O; for `deml`, and in WebAssembly for its page.
//!
//! What is hidden is the text, up to its length in steps of 256 bytes. Everybody sees who writes to
//! whom about which submission, when, and how many steps. Who wrote is known from the InputBox,
//! which states the sender of every input; nothing is signed inside, so a message read out is no
//! proof for others. Whoever has the recipient's key reads what was ever encrypted for it: a new
//! key, and deleting the old one, ends that.

mod hpke;

use blobs::hexadecimal;
use market::{Address, Ciphertext, JobId, MAX_MESSAGE_TEXT, MESSAGE_OVERHEAD, MESSAGE_STEP};

/// Longest text of a message, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = MAX_MESSAGE_TEXT - 1;

/// Domain separator at the start of every binding, zero-padded.
const DOMAIN: [u8; 32] = *b"DeML message 1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Ends the text; zeros follow.
const END: u8 = 0x80;

/// A key that messages are encrypted for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 32]);

/// The secret that opens messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretKey(pub [u8; 32]);

hexadecimal! {
    PublicKey(32): "a key for messages (0x and 64 hexadecimal digits)";
}

impl SecretKey {
    /// The key that others encrypt for.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(hpke::public(&self.0))
    }
}

/// Where a message belongs: it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The chain the market is on.
    pub chain_id: u64,
    /// Address of the market's application contract.
    pub app: Address,
    /// The job.
    pub job: JobId,
    /// The submission that it is about.
    pub submission: u32,
    /// Its sender.
    pub from: Address,
    /// Its recipient.
    pub to: Address,
    /// Number of messages that the sender had sent about the submission before.
    pub sequence: u32,
}

/// Reason why a message cannot be sent, or is not readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageRefused {
    /// There is nothing to say.
    #[error("the message is empty")]
    Empty,
    /// The text is too long.
    #[error("the message has {bytes} bytes, and {MAX_TEXT_BYTES} fit: send it in parts")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Anybody could read what is encrypted for this key.
    #[error("the recipient's key hides nothing: ask for another one")]
    WeakKey,
    /// It was encrypted for another key, or belongs elsewhere.
    #[error("it was encrypted for another key, or belongs elsewhere")]
    NotOurs,
    /// Its content is not a padded text.
    #[error("it does not hold a text")]
    NotText,
}

impl Binding {
    /// ```text
    /// byte   0  "DeML message 1", then zeros         92  submission, big-endian
    ///       32  chain id, big-endian                 96  sender
    ///       40  application                         116  recipient, to byte 136
    ///       60  job
    /// ```
    fn info(&self) -> Vec<u8> {
        let Self { chain_id, app, job, submission, from, to, sequence: _ } = self;
        let (chain_id, submission) = (chain_id.to_be_bytes(), submission.to_be_bytes());
        [&DOMAIN, chain_id.as_slice(), &app.0, &job.0, &submission, &from.0, &to.0].concat()
    }

    /// Encrypts a text for a key; `ephemeral` is random and used for this message only.
    ///
    /// - Errors: `Empty`, `TooLong`, `WeakKey`
    pub fn seal(
        &self,
        key: PublicKey,
        ephemeral: [u8; 32],
        text: &str,
    ) -> Result<Ciphertext, MessageRefused> {
        let bytes = text.len();
        if bytes == 0 {
            return Err(MessageRefused::Empty);
        }
        if bytes > MAX_TEXT_BYTES {
            return Err(MessageRefused::TooLong { bytes });
        }
        let mut padded = [text.as_bytes(), &[END]].concat();
        padded.resize(padded.len().next_multiple_of(MESSAGE_STEP), 0);
        let bound = (self.info(), self.sequence.to_be_bytes());
        let sealed = hpke::seal(&key.0, &ephemeral, (&bound.0, &bound.1), &padded);
        sealed.map(Ciphertext).ok_or(MessageRefused::WeakKey)
    }

    /// Decrypts a message.
    ///
    /// - Errors: `NotOurs`, `NotText`
    pub fn open(&self, key: &SecretKey, message: &Ciphertext) -> Result<String, MessageRefused> {
        let bound = (self.info(), self.sequence.to_be_bytes());
        let opened = hpke::open(&key.0, (&bound.0, &bound.1), &message.0);
        let mut text = opened.ok_or(MessageRefused::NotOurs)?;
        while text.pop_if(|byte| *byte == 0).is_some() {}
        if text.pop() != Some(END) || text.is_empty() {
            return Err(MessageRefused::NotText);
        }
        String::from_utf8(text).map_err(|_| MessageRefused::NotText)
    }
}

/// Number of bytes that everybody knows the text fits in.
#[must_use]
pub const fn padded_bytes(message: &Ciphertext) -> usize {
    message.0.len().saturating_sub(MESSAGE_OVERHEAD)
}

/// A stranger's text, safe to show: without what is hidden in it. Line breaks stay.
#[must_use]
pub fn shown(text: &str) -> String {
    drafts::text::plain(&text.replace('\t', " ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: SecretKey = SecretKey([5; 32]);
    const BINDING: Binding = Binding {
        chain_id: 31_337,
        app: Address([1; 20]),
        job: JobId([2; 32]),
        submission: 3,
        from: Address([4; 20]),
        to: Address([5; 20]),
        sequence: 6,
    };

    fn sealed(text: &str) -> Result<Ciphertext, MessageRefused> {
        BINDING.seal(KEY.public(), [9; 32], text)
    }

    #[test]
    fn lengths_show_in_steps_only() {
        for (bytes, padded) in [(1, 256), (255, 256), (256, 512), (4_095, 4_096)] {
            let text = "x".repeat(bytes);
            let message = sealed(&text).unwrap();
            assert_eq!(padded_bytes(&message), padded);
            assert_eq!(BINDING.open(&KEY, &message).unwrap(), text);
        }
        assert_eq!(sealed(""), Err(MessageRefused::Empty));
        let long = "x".repeat(4_096);
        assert_eq!(sealed(&long), Err(MessageRefused::TooLong { bytes: 4_096 }));
        let weak = BINDING.seal(PublicKey([0; 32]), [9; 32], "hello");
        assert_eq!(weak, Err(MessageRefused::WeakKey));
    }

    #[test]
    fn it_opens_nowhere_else() {
        let message = sealed("hello").unwrap();
        for elsewhere in [
            Binding { chain_id: 1, ..BINDING },
            Binding { app: Address([9; 20]), ..BINDING },
            Binding { job: JobId([9; 32]), ..BINDING },
            Binding { submission: 4, ..BINDING },
            Binding { from: BINDING.to, to: BINDING.from, ..BINDING },
            Binding { from: Address([9; 20]), ..BINDING },
            Binding { to: Address([9; 20]), ..BINDING },
            Binding { sequence: 7, ..BINDING },
        ] {
            assert_eq!(elsewhere.open(&KEY, &message), Err(MessageRefused::NotOurs));
        }
        assert_eq!(BINDING.open(&SecretKey([6; 32]), &message), Err(MessageRefused::NotOurs));
        for at in 0..message.0.len() {
            let mut damaged = message.clone();
            damaged.0[at] ^= 0x40;
            assert_eq!(BINDING.open(&KEY, &damaged), Err(MessageRefused::NotOurs), "{at}");
        }
        for length in 0..60 {
            let short = Ciphertext(message.0[..length].to_vec());
            assert_eq!(BINDING.open(&KEY, &short), Err(MessageRefused::NotOurs));
        }
    }

    #[test]
    fn what_is_not_a_padded_text_is_not_shown() {
        let bound = (BINDING.info(), BINDING.sequence.to_be_bytes());
        for plain in [[0; 256], [b'a'; 256], [0x80; 256]] {
            let public = KEY.public();
            let sealed = hpke::seal(&public.0, &[9; 32], (&bound.0, &bound.1), &plain).unwrap();
            let opened = BINDING.open(&KEY, &Ciphertext(sealed));
            assert_eq!(opened, Err(MessageRefused::NotText));
        }
    }

    #[test]
    fn a_strangers_text_moves_nothing() {
        let text = "pay\u{202e}me\u{1b}[2J\r\nnow\u{200b}\u{feff}\tplease\u{7}";
        assert_eq!(shown(text), "payme\nnow please");
        assert_eq!(shown("grüße 数据 🙂"), "grüße 数据 🙂");
    }
}
