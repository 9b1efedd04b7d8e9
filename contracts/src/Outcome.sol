// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "./Blob.sol";

/// @notice What a model shows on a dataset, in parts per million.
struct Scores {
    /// By the job's metric.
    uint32 score;
    /// By the threshold's metric.
    uint32 thresholdScore;
}

/// @notice What a miner finds of a model on the hold-out; all zero when it cannot be evaluated
/// within the terms.
struct Attestation {
    uint32 score;
    uint32 thresholdScore;
    /// SHA-256 of the results row by row.
    bytes32 results;
}

/// @notice A model as it was submitted.
struct SubmittedModel {
    /// Whether its ciphertext comes next, and its key after the close; otherwise its bytes.
    bool isSealed;
    /// What is published: the model, or its ciphertext.
    Blob published;
    /// If sealed: what it is committed to.
    bytes32 commitment;
    /// If not sealed: what it was trained on; never published.
    Blob data;
}

/// @notice What a sponsor moves to escrow when a job opens.
struct SponsorStake {
    /// For accepted models.
    uint256 award;
    /// For miners.
    uint256 pool;
    /// Lost if the hold-out is not revealed or does not fit.
    uint256 bond;
    /// For the base model's evaluations; what is not used returns.
    uint256 work;
    /// For the bytes of all places until the last date; time not used returns.
    uint256 rent;
}

/// @notice What a submission moves to escrow.
struct SubmissionStake {
    /// For its evaluation, and being compared; what is not used returns.
    uint256 work;
    /// Returned when it is whole and, if sealed, revealed.
    uint256 bond;
    /// For miners.
    uint256 buyIn;
}

/// @notice How a job ended.
enum Outcome {
    /// Before anyone submitted: by its sponsor, or as its blobs were not here or not fit.
    Cancelled,
    NobodySubmitted,
    NobodyRevealed,
    /// The sponsor did not reveal a hold-out that fits: those who revealed share the award.
    SponsorFailed,
    /// No model was accepted.
    NoWinner,
    Won,
    /// What decides was not evaluated in time, or the last date passed: each has its own.
    Returned
}

/// @notice Who gets what, beside the rest of each stake. Each sum is divided into equal parts,
/// rounded down; the first who is paid takes what is left over.
struct Decision {
    Outcome outcome;
    /// Whether somebody takes the prize.
    bool hasWinner;
    /// Whose submission does.
    uint32 winner;
    uint256 prize;
    /// What those who revealed share.
    uint256 shared;
    /// How many they are.
    uint32 revealed;
    /// What right seats share: pool and buy-ins.
    uint256 fees;
    /// What they share of lost bonds.
    uint256 forfeits;
    /// How many they are.
    uint32 rightSeats;
    /// What is lost of the sponsor's bond.
    uint256 sponsorLoses;
}

/// @notice Why a bond is lost.
enum Offence {
    /// A drawn miner left a page without attestations.
    Silent,
    /// Something attested is not so.
    Wrong,
    /// A model's bytes did not come.
    NotDelivered,
    /// A model, or the hold-out, was not revealed, or the hold-out does not fit.
    NotRevealed
}

/// @notice What a payment is for.
enum Share {
    /// A reward or the prize, and the rest of the stake.
    Reward,
    /// The rest of a stake.
    Stake,
    /// A part of an award that nobody won, and the rest of the stake.
    Award,
    /// What a right seat has: fees, forfeits, and its bond.
    Mining,
    /// A miner's bond, which was not drawn or not needed.
    Bond,
    /// What is left for the sponsor.
    Remainder,
    /// The floor of the rent, to the operator.
    Rent,
    /// What is lost, to the sink.
    Sink
}
