// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "./Blob.sol";

/// @notice What a score measures. Every score is an integer in parts per million, larger is better.
enum Metric {
    Accuracy,
    WorstClassRecall,
    MacroF1,
    MeanSquaredError,
    MeanAbsoluteError,
    LogLoss
}

/// @notice How the bytes of a chunk are written.
enum Encoding {
    Plain,
    Deflate
}

/// @notice A sponsor's terms, fixed for good when the job opens.
struct Terms {
    /// Short UTF-8 name, zero-padded.
    bytes32 title;
    /// Zero for Ether, else an ERC-20 token the application allows.
    address asset;
    /// Paid for each accepted model, in the asset's smallest unit.
    uint256 reward;
    /// How many models may be paid; `reward * rewards` is escrowed.
    uint32 rewards;
    /// Block time in seconds after which nothing more is accepted.
    uint64 deadline;
    Metric metric;
    /// Smallest score that is paid, in parts per million.
    uint32 minScore;
    /// Smallest gain over the base model's score, in parts per million; at least 1.
    uint32 minGain;
    /// Smallest recall of the worst class, in parts per million; zero for regression.
    uint32 minWorstClass;
    /// Largest model file, in bytes.
    uint64 maxModelBytes;
    /// Largest work of one evaluation, in predicted instructions of the machine.
    uint64 maxWork;
    Blob baseModel;
    Blob holdOut;
}

/// @title DeML's inputs and notices
/// @notice The single source of signatures. Never deployed: a payload for the InputBox, or the
/// `execLayerData` of a portal deposit, is the calldata of one of these functions; a notice's
/// payload is the topic of one of these events (32 bytes) followed by the ABI encoding of all its
/// arguments.
/// @dev Decoding is strict: bytes that are not exactly the encoding of their arguments are refused.
interface IDeml {
    /// @notice Opens a bounty: moves `reward * rewards` from the sender's free balance to escrow.
    function openJob(Terms calldata terms) external;

    /// @notice Cancels a job that nobody has submitted to; only its sponsor may.
    function cancelJob(uint32 job) external;

    /// @notice Delivers the next bytes of a blob expected from the sender; offset zero starts over.
    function publish(bytes32 digest, uint64 offset, Encoding encoding, bytes calldata data) external;

    /// @notice Enters a model, whose bytes the sender publishes next; `data` names what it was
    /// trained on, which stays with the client.
    function submit(uint32 job, Blob calldata model, Blob calldata data) external;

    /// @notice Goes on with a job's pending evaluations, by about `work`
    /// instructions of the machine, one step at least.
    function evaluate(uint32 job, uint64 work) external;

    /// @notice Closes a job whose deadline has passed or whose rewards are all paid.
    function settle(uint32 job) external;

    /// @notice Pays free balance out to the sender, as a voucher.
    function withdraw(address asset, uint256 amount) external;

    /// @notice A sponsor's reward is in escrow; the base model and the hold-out are expected next.
    event JobOpened(uint32 job, address sponsor, Terms terms);

    /// @notice All bytes of an expected blob arrived and match its CID.
    event BlobStored(bytes32 digest, uint64 size, address publisher);

    /// @notice The base model is scored; from now on the job takes submissions.
    event JobReady(uint32 job, uint32 baseScore, uint32 baseWorstClass);

    /// @notice A client entered a model, whose bytes are expected from the client next.
    event ModelSubmitted(uint32 job, uint32 submission, address client, Blob model, Blob data);

    /// @notice A model is evaluated; `accepted` when it earned the reward, paid in the same input.
    event ModelScored(
        uint32 job,
        uint32 submission,
        address client,
        bytes32 modelDigest,
        uint32 score,
        uint32 worstClass,
        bool accepted
    );

    /// @notice A model earns nothing; `reason` is a named refusal with its values.
    event ModelRefused(
        uint32 job, uint32 submission, address client, bytes32 modelDigest, string reason
    );

    /// @notice The job ended without settlement; `reason` is `Sponsor` or why its base model or
    /// hold-out cannot be evaluated.
    event JobCancelled(uint32 job, uint256 refund, string reason);

    /// @notice The job ended; `remainder` went back to the sponsor's free balance. `winner` is the
    /// best accepted submission, meaningful when `payouts` is not zero.
    event JobSettled(uint32 job, uint32 payouts, uint32 winner, uint256 remainder);
}
