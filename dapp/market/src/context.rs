//! The context of an input, and what a command can refer to in a job.

use blobs::{choice, names};

use crate::units::{Address, Timestamp};

/// The context of an input: sender, time and origin, apart from the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The account the command acts for.
    pub sender: Address,
    /// Time of the block that carries the input.
    pub block_time: Timestamp,
    /// The chain of that block.
    pub chain_id: u64,
    /// Address of the application's contract.
    pub app: Address,
    /// Number of that block.
    pub block: u64,
    /// Random value that the validators drew for that block.
    pub prev_randao: [u8; 32],
    /// Index of the input among all inputs to the application.
    pub input: u64,
    /// Length of the payload in bytes.
    pub payload_bytes: u64,
}

names! {
    /// A blob's slot in a job.
    Slot: "a slot of a job" {
        /// The job's base model.
        BaseModel = "base_model",
        /// The dataset of the job's public board.
        PublicSlice = "public_slice",
        /// The job's hold-out, as published.
        HoldOut = "hold_out",
        /// A submission's model, as published.
        Submission = "submission",
        /// A model shown on the public board.
        Shown = "shown",
    }
}

choice! {
    /// An evaluation that the machine can do for a job.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Target {
        /// The base model, on the dataset that the job opens with.
        Base,
        /// The base model, on the revealed hold-out.
        BaseOnHoldOut,
        /// A submission's model, on the hold-out.
        Submission(u32),
        /// The model shown by a submission's account, on the public slice.
        Shown(u32),
    }, content = "submission"
}
