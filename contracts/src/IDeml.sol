// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "./Blob.sol";
import {
    Attestation,
    Decision,
    Offence,
    Scores,
    Share,
    SponsorStake,
    SubmissionStake,
    SubmittedModel
} from "./Outcome.sol";
import {SealedBlob, Terms} from "./Terms.sol";

/// @notice How the bytes of a chunk are written.
enum Encoding {
    Plain,
    Deflate,
    /// As the difference from the job's base model.
    Delta
}

/// @notice A blob's slot in a job.
enum Slot {
    /// The job's base model; the sponsor's.
    BaseModel,
    /// The dataset of its public board; the sponsor's.
    PublicSlice,
    /// Its hold-out, as it is published; the sponsor's.
    HoldOut,
    /// The model of the sender's submission, as it is published.
    Submission,
    /// The model that the sender shows on the public board.
    Shown
}

/// @notice What the machine can evaluate for a job.
enum Target {
    /// The base model, on the dataset that the job opens with.
    Base,
    /// The base model, on the revealed hold-out.
    BaseOnHoldOut,
    /// A submission's model, on the hold-out.
    Submission,
    /// The model that a submission's account shows, on the public slice.
    Shown
}

/// @title DeML's inputs and notices
/// @notice The single source of signatures. Never deployed: a payload for the InputBox, or the
/// `execLayerData` of a portal deposit, is the calldata of one of these functions; a notice's
/// payload is the topic of one of these events (32 bytes) followed by the ABI encoding of all its
/// arguments.
///
/// A job's name is the SHA-256 of `abi.encode(bytes32("DeML job 1"), uint64 chainId, address
/// application, address sponsor, bytes32 salt, Terms terms)`: whoever names a job consents to its
/// terms. Submissions have numbers in their job, from zero on, in the order of commitments.
/// @dev Decoding is strict: bytes that are not exactly the encoding of their arguments are refused,
/// and so are fields that a choice leaves without meaning and that are not zero.
interface IDeml {
    /// @notice Opens a job: moves award, pool, bond, and what the base model's evaluations and the
    /// bytes of all places cost from the sender's free balance to escrow.
    function openJob(bytes32 salt, Terms calldata terms) external;

    /// @notice Cancels a job that nobody has submitted to; only its sponsor may.
    function cancelJob(bytes32 job) external;

    /// @notice Delivers the next bytes of a blob expected from the sender; offset zero starts over.
    function publish(bytes32 job, Slot slot, uint64 offset, Encoding encoding, bytes calldata data)
        external;

    /// @notice Submits a model, whose bytes the sender publishes next; `data` names what it was
    /// trained on, which stays with the client. Moves what its evaluation costs to escrow.
    function submit(bytes32 job, Blob calldata model, Blob calldata data) external;

    /// @notice Submits a sealed model, whose ciphertext the sender publishes next and whose key the
    /// sender reveals after the close.
    function submitSealed(bytes32 job, SealedBlob calldata model) external;

    /// @notice Shows an open model on the public board; the sender has submitted and publishes its
    /// bytes next.
    function show(bytes32 job, Blob calldata model) external;

    /// @notice Offers to evaluate for a job; takes the bond.
    function enlist(bytes32 job) external;

    /// @notice Opens the sender's sealed model, or its hold-out if the sender is the sponsor.
    function reveal(bytes32 job, bytes32 key, bytes32 salt, Blob calldata plaintext) external;

    /// @notice Commits a drawn miner to its attestations of a page of the revealed models: the
    /// SHA-256 of `"DeML attestation 2"` (32 bytes), chain (8), application, job, sender, page (4),
    /// of each attestation its fields, and a salt of 32 bytes, all packed.
    function attest(bytes32 job, uint32 page, bytes32 commitment) external;

    /// @notice Reveals the attestations that the sender has committed to. `results` is empty, except
    /// where the machine only samples: there it is the results row by row of the page's one model.
    function revealAttestation(
        bytes32 job,
        uint32 page,
        Attestation[] calldata attestations,
        bytes calldata results,
        bytes32 salt
    ) external;

    /// @notice Goes on with an evaluation from step `from`, which counts the rows answered and the
    /// models compared so far, by at most about `work` instructions. `submission` is zero for the
    /// base model. While the machine lags this costs a surcharge, at most `maxSurcharge`.
    function evaluate(
        bytes32 job,
        Target target,
        uint32 submission,
        uint32 from,
        uint64 work,
        uint256 maxSurcharge
    ) external;

    /// @notice Moves a job on as far as time and one input's work allow.
    function settle(bytes32 job) external;

    /// @notice States the X25519 key that messages to the sender are encrypted for; the newest
    /// counts.
    function publishMessageKey(bytes32 key) external;

    /// @notice Writes about a submission: its client to the job's sponsor, or the sponsor to the
    /// client. `sequence` is the number of messages that the sender has sent about it before.
    /// `ciphertext` is HPKE's encapsulated key (32 bytes) and ciphertext: RFC 9180 in base mode,
    /// with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305. Its `info` is
    /// `"DeML message 1"` (32 bytes), chain (8), application, job, submission (4), sender and
    /// recipient, its `aad` is `sequence` (4), all packed. The text, UTF-8, is followed by a byte
    /// `0x80` and zeros up to a multiple of 256 bytes, at most 4096.
    function sendMessage(bytes32 job, uint32 submission, uint32 sequence, bytes calldata ciphertext)
        external;

    /// @notice Pays free balance out to the sender, as a voucher.
    function withdraw(address asset, uint256 amount) external;

    /// @notice A job opened; it waits for its blobs and its base model's scores. `number` is for
    /// display.
    event JobOpened(
        bytes32 job, uint32 number, address sponsor, bytes32 salt, Terms terms, SponsorStake stake
    );

    /// @notice All bytes of an expected blob arrived and match its CID.
    event BlobStored(bytes32 job, Slot slot, bytes32 digest, uint64 size, address publisher);

    /// @notice The base model is scored; from now on the job takes submissions.
    event JobReady(bytes32 job, Scores base);

    /// @notice A model was submitted; its bytes or its ciphertext are expected next.
    event Submitted(
        bytes32 job, uint32 submission, address client, SubmittedModel model, SubmissionStake stake
    );

    /// @notice An account shows a model, whose bytes are expected next; `stake` is for evaluating it.
    event ModelShown(bytes32 job, uint32 submission, address client, Blob model, uint256 stake);

    /// @notice A shown model was evaluated: the board moves to `score`, or does not, for `reason`.
    event ShowEvaluated(
        bytes32 job, uint32 submission, bytes32 model, bool moved, uint32 score, string reason
    );

    /// @notice A miner offers to evaluate.
    event Enlisted(bytes32 job, address miner);

    /// @notice The seats are drawn; seat `i` is that of `miners[i]`.
    event SeatsDrawn(bytes32 job, bytes32 seed, address[] miners);

    /// @notice A submission's model is open. Models are attested in pages by `position`.
    event ModelRevealed(
        bytes32 job, uint32 submission, address client, uint32 position, Blob model, bytes32 key
    );

    /// @notice The hold-out is open.
    event HoldOutRevealed(bytes32 job, Blob holdOut, bytes32 key);

    /// @notice The base model is scored on the revealed hold-out.
    event HoldOutReady(bytes32 job, Scores base);

    /// @notice A miner is committed to its attestations of a page.
    event Attested(bytes32 job, uint32 page, address miner, bytes32 commitment);

    /// @notice A miner has revealed its attestations of a page.
    event AttestationRevealed(bytes32 job, uint32 page, address miner);

    /// @notice The machine has evaluated a submission's model on the hold-out, or the rows it
    /// samples; `agreed` seats say the same.
    event ModelEvaluated(
        bytes32 job, uint32 submission, bytes32 model, Attestation attestation, uint32 agreed
    );

    /// @notice A submission was decided: accepted, or refused for `reason`, a named refusal with its
    /// values; `evaluated` says whether it has scores.
    event SubmissionDecided(
        bytes32 job,
        uint32 submission,
        address client,
        bytes32 model,
        bool accepted,
        bool evaluated,
        Scores scores,
        string reason
    );

    /// @notice The machine did work that was prepaid, up to `step`: `earned` goes to whose input did
    /// it, `operator` to the deployment's operator; `surcharge` is what the worker paid because the
    /// machine lags.
    event WorkPaid(
        bytes32 job,
        Target target,
        uint32 submission,
        uint32 step,
        address worker,
        uint256 earned,
        uint256 operator,
        uint256 surcharge
    );

    /// @notice The exact test of the best submission and another: how many rows either answers
    /// better than the other.
    event Compared(
        bytes32 job,
        uint32 best,
        uint32 other,
        uint32 bestBetter,
        uint32 otherBetter,
        bool separated
    );

    /// @notice A bond is lost.
    event Forfeited(bytes32 job, address account, uint256 bond, Offence offence);

    /// @notice All is decided; payments follow.
    event JobDecided(bytes32 job, Decision decision);

    /// @notice Money leaves a job's escrow: as a voucher, or to the free balance.
    event Paid(bytes32 job, address to, Share share, uint256 amount, bool voucher);

    /// @notice A job ended. `winner` is the best accepted submission, if `hasWinner`; `reason` says
    /// why it ended before it opened, and is empty if its sponsor cancelled or it ran its course.
    event JobEnded(bytes32 job, uint32 payouts, bool hasWinner, uint32 winner, string reason);

    /// @notice An account states the key that messages to it are encrypted for; the newest counts.
    event MessageKeyPublished(address account, bytes32 key);

    /// @notice A job's sponsor wrote to the client of a submission, or that client to the sponsor.
    event MessageSent(
        bytes32 job, uint32 submission, address from, address to, uint32 sequence, bytes ciphertext
    );

    /// @notice A balance too small to be kept, or of an asset that is not, leaves as a voucher.
    event Returned(address account, address asset, uint256 amount);
}
