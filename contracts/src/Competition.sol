// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "./Blob.sol";
import {Metric} from "./Metric.sol";

/// @notice Who takes the prize when models cannot be told apart.
enum Tied {
    /// All of them, in equal parts.
    Equal,
    /// The one that was committed to first.
    Earliest
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
    /// SHA-256 of chain, application, job, sender, the plaintext's CID and size, and a salt.
    bytes32 commitment;
    /// The ciphertext.
    Blob ciphertext;
}

/// @notice A sponsor's terms, fixed for good when the competition opens. Amounts are in the asset's
/// smallest unit, scores and shares in parts per million, times in block seconds.
struct CompetitionTerms {
    /// Short UTF-8 name, zero-padded.
    bytes32 title;
    /// Zero for Ether, else an ERC-20 token the application allows.
    address asset;
    /// For the best model; escrowed.
    uint256 prize;
    /// For the miners, beside the buy-ins; escrowed.
    uint256 minersPool;
    /// Paid by each entrant.
    uint256 buyIn;
    /// Returned to an entrant who reveals.
    uint256 entrantBond;
    /// Returned to a miner who is right, or not drawn.
    uint256 minerBond;
    /// Seats for miners; none when the machine evaluates alone.
    uint32 miners;
    /// From this block time on nobody enters.
    uint64 close;
    /// How long keys are taken after that.
    uint32 revealSeconds;
    /// How long each of attesting, unveiling and objecting takes after that.
    uint32 attestSeconds;
    /// How many models an entrant may show on the public slice.
    uint32 quota;
    /// By how much a shown model must beat what the board has of its entrant.
    uint32 ladderStep;
    Metric metric;
    uint32 minScore;
    uint32 minGain;
    uint32 minWorstClass;
    /// Models are told apart when the exact test's probability is at most this.
    uint32 significance;
    Tied tied;
    Unmet unmet;
    uint64 maxModelBytes;
    uint64 maxWork;
    /// Whether evaluations are beyond the machine, which then only checks sampled rows.
    bool minersOnly;
    /// How many rows it checks.
    uint32 sampleRows;
    Blob baseModel;
    /// The dataset of the public board.
    Blob publicSlice;
    /// The dataset that decides.
    SealedBlob holdOut;
}

/// @notice What a miner finds of a model on the hold-out; all zero when it cannot be evaluated
/// within the terms.
struct Attestation {
    uint32 score;
    uint32 worstClass;
    /// SHA-256 of the results row by row.
    bytes32 results;
}

/// @notice How a competition ended.
enum Outcome {
    /// Before anyone entered, or its blobs were not there or not fit.
    Cancelled,
    /// Nobody entered.
    NobodyEntered,
    /// Nobody revealed.
    NobodyRevealed,
    /// The sponsor did not reveal a hold-out that fits: the entrants share prize and pool.
    SponsorFailed,
    /// No model was accepted.
    NoWinner,
    Won
}

/// @notice What a payment is for.
enum Share {
    /// Of the prize.
    Prize,
    /// Of the fees and forfeits, for right attestations or objections.
    Work,
    /// The entrant's buy-in that no miner earned, and what a failed sponsor owes.
    Entrant,
    /// A bond and nothing else.
    Bond
}
