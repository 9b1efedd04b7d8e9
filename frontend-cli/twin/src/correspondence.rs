//! Messages in a browser: a key and its publication, encryption, and what opens; by the code that
//! `deml` has. Secrets come from the page, which keeps them, and random bytes do, too.

use blobs::Digest;
use market::{Address, Ciphertext, Command, JobId, U256};
use messages::{Binding, PublicKey, SecretKey, shown};
use serde::{Deserialize, Serialize};
use wire::{encode_add_input, encode_command};

use crate::{
    error::{Error, Result},
    transactions::{Transaction, transaction},
};

/// Where messages belong, and who looks at them.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Mailbox {
    chain_id: u64,
    application: Address,
    input_box: Address,
    job: JobId,
    account: Address,
}

/// A key, and the transaction that publishes it.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    key: PublicKey,
    transactions: Vec<Transaction>,
}

/// A message to be encrypted.
#[derive(Clone, Debug, Deserialize)]
pub struct Draft {
    to: Address,
    submission: u32,
    sequence: u32,
    /// The recipient's key.
    key: PublicKey,
    /// Random; used for this message only.
    ephemeral: Digest,
    text: String,
}

/// An encrypted message.
#[derive(Clone, Debug, Serialize)]
pub struct Sealed {
    /// By which its sender finds the text again.
    digest: Digest,
    transactions: Vec<Transaction>,
}

/// An encrypted message as Ethereum has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Letter {
    from: Address,
    submission: u32,
    sequence: u32,
    ciphertext: Ciphertext,
}

/// What a message says.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    digest: Digest,
    /// The text, safe to show; `None` if none of the secrets opens it.
    text: Option<String>,
}

impl Mailbox {
    fn input(&self, what: &str, command: &Command) -> Vec<Transaction> {
        let data = encode_add_input(self.application, &encode_command(command));
        vec![transaction(what.to_owned(), self.input_box, U256::zero(), &data)]
    }

    /// The key of a secret.
    pub fn key(&self, secret: Digest) -> Key {
        let key = SecretKey(secret.0).public();
        let command = Command::PublishMessageKey { key: key.0 };
        Key { key, transactions: self.input("publish the key", &command) }
    }

    /// Encrypts a message of the account.
    ///
    /// - Errors: it is empty or too long, or the recipient's key hides nothing
    pub fn seal(&self, draft: &Draft) -> Result<Sealed> {
        let Self { chain_id, application: app, job, account: from, .. } = *self;
        let Draft { to, submission, sequence, key, ephemeral, ref text } = *draft;
        let binding = Binding { chain_id, app, job, submission, from, to, sequence };
        let sealed = binding.seal(key, ephemeral.0, text.trim_end());
        let ciphertext = sealed.map_err(|why| Error::refused("NotSealed", why))?;
        let digest = Digest::of(&ciphertext.0);
        let command = Command::SendMessage { job, submission, sequence, ciphertext };
        Ok(Sealed { digest, transactions: self.input("send the message", &command) })
    }

    /// Opens messages to the account.
    pub fn open(&self, secrets: &[Digest], letters: &[Letter]) -> Vec<Opened> {
        let Self { chain_id, application: app, job, account: to, .. } = *self;
        let opened = letters.iter().map(|letter| {
            let Letter { from, submission, sequence, ref ciphertext } = *letter;
            let binding = Binding { chain_id, app, job, submission, from, to, sequence };
            let texts = secrets.iter().filter_map(|secret| {
                binding.open(&SecretKey(secret.0), ciphertext).ok().map(|text| shown(&text))
            });
            let text = { texts }.next();
            Opened { digest: Digest::of(&ciphertext.0), text }
        });
        opened.collect()
    }
}
