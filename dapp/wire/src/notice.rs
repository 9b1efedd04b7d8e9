//! Notices: the ABI encoding of the market's events.

use ethabi::Token;
use market::{BoardMove, Event, ModelRefusal};

use crate::{
    abi::{Abi, Arguments, deml, tokens},
    refused::InputRefused,
};

/// An event as read outside the machine: a reason is the refusal's name and message, or empty if
/// there is none.
pub type Notice = Event<String>;

/// Verdict on a submission, with the reason as text.
pub type Ruling = market::Ruling<String>;

/// Encoded as text, which is not parsed back into a refusal.
impl Abi for Option<ModelRefusal> {
    fn write(&self, out: &mut Vec<Token>) {
        let sentence = |reason: &ModelRefusal| format!("{}: {reason}", reason.name());
        self.as_ref().map(sentence).unwrap_or_default().write(out);
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        Err(from.malformed())
    }
}

impl<R: Abi> Abi for market::Ruling<R> {
    fn write(&self, out: &mut Vec<Token>) {
        out.extend(tokens!(&self.accepted, &self.scores, &self.reason));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        let (accepted, scores) = (Abi::read(from)?, Abi::read(from)?);
        Ok(Self { accepted, scores, reason: Abi::read(from)? })
    }
}

impl<R: Abi> Abi for BoardMove<R> {
    fn write(&self, out: &mut Vec<Token>) {
        out.extend(tokens!(&self.score, &self.reason));
    }

    fn read(from: &mut Arguments) -> Result<Self, InputRefused> {
        Ok(Self { score: Abi::read(from)?, reason: Abi::read(from)? })
    }
}

/// The payload for an event: its topic, then its arguments.
#[must_use]
pub fn encode_notice(notice: &Notice) -> Vec<u8> {
    encode(notice)
}

/// Decodes the payload of a notice; `None` for any other bytes.
#[must_use]
pub fn decode_notice(payload: &[u8]) -> Option<Notice> {
    let (event, mut arguments) = deml().decode_notice(payload)?;
    let notice = read(event, &mut arguments).ok()?;
    (encode(&notice) == payload).then_some(notice)
}

/// Declares the arguments of each event, in the order of the interface.
macro_rules! notices {
    ($($event:ident { $($argument:ident),* })*) => {
        pub(crate) fn encode<R: Abi>(event: &Event<R>) -> Vec<u8> {
            let (event, arguments) = match event {
                $(Event::$event { $($argument),* } => {
                    (stringify!($event), tokens!($($argument),*))
                })*
            };
            deml().notice(event, &arguments)
        }

        fn read(event: &'static str, from: &mut Arguments) -> Result<Notice, InputRefused> {
            Ok(match event {
                $(stringify!($event) => {
                    Event::$event { $($argument: from.take(stringify!($argument))?,)* }
                })*
                // An event of the interface that is missing here; a test keeps them in sync.
                function => return Err(InputRefused::Malformed { function }),
            })
        }
    };
}

notices! {
    JobOpened { job, number, sponsor, salt, terms, stake }
    BlobStored { job, slot, digest, size, publisher }
    JobReady { job, base }
    Submitted { job, submission, client, model, stake }
    ModelShown { job, submission, client, model, stake }
    ShowEvaluated { job, submission, model, board }
    Enlisted { job, miner }
    SeatsDrawn { job, seed, miners }
    ModelRevealed { job, submission, client, position, model, key }
    HoldOutRevealed { job, hold_out, key }
    HoldOutReady { job, base }
    Attested { job, page, miner, commitment }
    AttestationRevealed { job, page, miner }
    ModelEvaluated { job, submission, model, attestation, agreed }
    SubmissionDecided { job, submission, client, model, verdict }
    WorkPaid { job, target, step, worker, earned, operator, surcharge }
    Compared { job, best, other, best_better, other_better, separated }
    Forfeited { job, account, bond, offence }
    JobDecided { job, decision }
    Paid { job, to, share, amount, voucher }
    JobEnded { job, payouts, winner, reason }
    MessageKeyPublished { account, key }
    MessageSent { job, submission, from, to, sequence, ciphertext }
    Returned { account, asset, amount }
}
