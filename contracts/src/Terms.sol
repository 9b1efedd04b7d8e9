// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "./Blob.sol";
import {Metric, Output} from "./Metric.sol";

/// @notice A sponsor's terms, fixed for good when the job opens. Amounts are in the asset's smallest
/// unit, scores in parts per million, times in seconds of the market's clock, work in predicted
/// instructions of the machine, sizes in bytes.
/// @dev Where a flag says which of two cases is chosen, the fields of the other one are zero; no
/// other bytes are taken.
struct Terms {
    /// Short UTF-8 name, zero-padded.
    bytes32 title;
    /// What everything is paid in: zero for Ether, else an ERC-20 token the application allows.
    address asset;
    /// From this moment on nobody submits.
    uint64 close;
    /// How many submissions the job holds at a time.
    uint32 places;
    Offer offer;
    Sealing sealing;
    Evaluators evaluators;
    Award award;
}

/// @notice What an acceptable model is.
struct Offer {
    Metric metric;
    /// What models answer; for regression what the graph shows, which is a number.
    Output output;
    /// Smallest score that is accepted.
    uint32 minScore;
    /// Smallest gain over the base model's score on the hold-out; at least 1.
    uint32 minGain;
    /// What is demanded beside that, under a metric of its own.
    Threshold threshold;
    /// Largest model file.
    uint64 maxModelBytes;
    /// Largest work of one evaluation on the hold-out.
    uint64 maxWork;
    /// Most inputs that one evaluation may take.
    uint32 maxInputs;
    /// How many rows the hold-out has.
    uint32 rows;
    /// The model to beat, and to train from.
    Blob baseModel;
    /// Whether there is a public board.
    bool hasBoard;
    /// The board's: the dataset that models are shown on.
    Blob publicSlice;
    /// The board's: how many models each account may show.
    uint32 quota;
    /// The board's: by how much a shown model must beat what the board has of its account.
    uint32 ladderStep;
}

/// @notice A smallest score under a metric beside the offer's own.
struct Threshold {
    /// Of classes or of numbers, as the offer's own.
    Metric metric;
    /// Smallest such score that is accepted; if zero, the score is only told.
    uint32 minScore;
}

/// @notice Whether models and hold-out arrive as bytes, or as ciphertext first and key later.
struct Sealing {
    /// Whether they are sealed until the close.
    bool isSealed;
    /// The dataset that decides the score, as it is published: plain, or its ciphertext.
    Blob holdOut;
    /// If sealed: SHA-256 of `"DeML sealed blob 2"` (32 bytes), chain (8), application, the salt of
    /// `openJob`, sponsor, the dataset's digest, size (8) and leaf size (4), the key, and a salt, all
    /// packed.
    bytes32 commitment;
    /// If sealed: how long keys are taken after the close.
    uint32 revealSeconds;
    /// If sealed: lost by a sponsor who does not reveal a hold-out that fits.
    uint256 sponsorBond;
}

/// @notice Who computes the scores.
struct Evaluators {
    /// Whether drawn and bonded miners do; otherwise the machine alone.
    bool byMiners;
    MinerTerms miners;
}

/// @notice How miners evaluate.
struct MinerTerms {
    /// How many are drawn.
    uint32 seats;
    /// Lost by a seat that is silent or wrong.
    uint256 bond;
    /// What the sponsor pays for evaluating.
    uint256 pool;
    /// What each submission pays for it.
    uint256 buyIn;
    /// How long attestations are committed to, and then as long revealed.
    uint32 attestSeconds;
    /// How many rows the machine checks where evaluations are beyond it; zero if it can evaluate
    /// every model whole.
    uint32 sampleRows;
}

/// @notice Who is paid, and when.
struct Award {
    /// Whether there is a prize for the best model; otherwise rewards for accepted ones.
    bool isPrize;
    /// The prize, or each reward.
    uint256 amount;
    /// Rewards: how many models may be paid.
    uint32 count;
    /// Prize: models are told apart when the exact test's probability is at most this.
    uint32 significance;
    /// Prize: who takes it when models were revealed and none is accepted.
    Unmet unmet;
}

/// @notice Who takes the prize when models were revealed and none is accepted.
enum Unmet {
    /// The sponsor has it back.
    Return,
    /// All who revealed, in equal parts.
    Share
}

/// @notice A blob published as ciphertext, and what its key will have to open.
struct SealedBlob {
    /// SHA-256 of `"DeML sealed blob 2"` (32 bytes), chain (8), application, job, sender, the plain
    /// file's digest, size (8) and leaf size (4), the key, and a salt, all packed.
    bytes32 commitment;
    /// The ciphertext.
    Blob ciphertext;
}
