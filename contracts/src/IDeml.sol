// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "./Blob.sol";
import {Attestation, CompetitionTerms, Outcome, SealedBlob, Share} from "./Competition.sol";
import {Metric} from "./Metric.sol";

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

    /// @notice Opens a competition: moves prize and miners' pool from the sender's free balance to
    /// escrow. `job` must be the number it gets, for which its hold-out is sealed.
    function openCompetition(uint32 job, CompetitionTerms calldata terms) external;

    /// @notice Enters a sealed model, whose ciphertext the sender publishes next; takes buy-in and
    /// bond from the sender's free balance. Once per account.
    function enter(uint32 job, SealedBlob calldata model) external;

    /// @notice Shows an open model on the public slice; the sender has entered and publishes its
    /// bytes next.
    function show(uint32 job, Blob calldata model) external;

    /// @notice Offers to evaluate for a competition, whose bond is taken at once; with the largest
    /// number for every competition, whose bonds are taken when drawn.
    function enlist(uint32 job) external;

    /// @notice Takes back the offer for every competition.
    function retire() external;

    /// @notice Opens the sender's sealed model, or its hold-out if the sender is the sponsor.
    function reveal(uint32 job, bytes32 key, bytes32 salt, Blob calldata plaintext) external;

    /// @notice Commits a drawn miner to its attestations of a page of the revealed models: the
    /// SHA-256 of `"DeML attestation 1"` (32 bytes), chain (8), application, job, sender, page, of
    /// each attestation its fields, and a salt of 32 bytes, all packed.
    function attest(uint32 job, uint32 page, bytes32 commitment) external;

    /// @notice Shows what the sender has committed to. `results` is empty, except in competitions
    /// for miners only, where it is the results row by row of the page's one model.
    function unveil(
        uint32 job,
        uint32 page,
        Attestation[] calldata attestations,
        bytes calldata results,
        bytes32 salt
    ) external;

    /// @notice Has the machine evaluate an entry whose attestations agree; takes a miner's bond,
    /// lost if they are right.
    function object(uint32 job, uint32 entry) external;

    /// @notice Cancels a job that nobody has submitted to or entered; only its sponsor may.
    function cancelJob(uint32 job) external;

    /// @notice Delivers the next bytes of a blob expected from the sender; offset zero starts over.
    function publish(bytes32 digest, uint64 offset, Encoding encoding, bytes calldata data) external;

    /// @notice Enters a model, whose bytes the sender publishes next; `data` names what it was
    /// trained on, which stays with the client.
    function submit(uint32 job, Blob calldata model, Blob calldata data) external;

    /// @notice Goes on with a job's pending evaluations, by about `work`
    /// instructions of the machine, one step at least.
    function evaluate(uint32 job, uint64 work) external;

    /// @notice Closes a job whose deadline has passed or whose rewards are all paid; moves a
    /// competition on as far as time and one input's work allow.
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

    /// @notice Prize and pool are in escrow; base model, public slice and the hold-out's ciphertext
    /// are expected next.
    event CompetitionOpened(uint32 job, address sponsor, CompetitionTerms terms);

    /// @notice Buy-in and bond are in escrow; the sealed model's ciphertext is expected next.
    event Entered(uint32 job, uint32 entry, address entrant, SealedBlob model);

    /// @notice An entrant shows a model, whose bytes are expected from the entrant next.
    event ModelShown(uint32 job, uint32 entry, address entrant, Blob model);

    /// @notice A shown model is better than what the board had of its entrant by more than the step.
    event BoardMoved(uint32 job, uint32 entry, bytes32 modelDigest, uint32 score);

    /// @notice A shown model does not move the board; `reason` is a named refusal with its values.
    event ShowRefused(uint32 job, uint32 entry, bytes32 modelDigest, string reason);

    /// @notice A miner offers to evaluate; `job` is the largest number for every competition.
    event Enlisted(uint32 job, address miner);

    /// @notice A miner takes back its offer for every competition.
    event Retired(address miner);

    /// @notice The seats are drawn; seat `i` is that of `miners[i]`. `seed` is the SHA-256 of the
    /// drawing input's `prevRandao`, the job and the digest of all commitments.
    event SeatsDrawn(uint32 job, bytes32 seed, address[] miners);

    /// @notice An entrant's model is open, and the entrant's bond free again. Models are attested in
    /// pages of 128 by `position`; in competitions for miners only position 0 is the base model's
    /// and each position a page.
    event ModelRevealed(
        uint32 job, uint32 entry, address entrant, uint32 position, Blob model, bytes32 key
    );

    /// @notice The hold-out is open.
    event HoldOutRevealed(uint32 job, Blob holdOut, bytes32 key);

    /// @notice The base model is scored on the hold-out.
    event HoldOutReady(uint32 job, uint32 baseScore, uint32 baseWorstClass);

    /// @notice A miner is committed to its attestations of a page.
    event Attested(uint32 job, uint32 page, address miner, bytes32 commitment);

    /// @notice A miner has shown its attestations of a page.
    event Unveiled(uint32 job, uint32 page, address miner);

    /// @notice The attestations of an entry are doubted; a miner's bond is in escrow for it.
    event Objected(uint32 job, uint32 entry, address objector);

    /// @notice An entry's score stands: `agreed` seats attest it, or the machine found it.
    event EntryScored(
        uint32 job,
        uint32 entry,
        bytes32 modelDigest,
        Attestation attestation,
        uint32 agreed,
        bool byMachine
    );

    /// @notice An entry is out of the ranking; `reason` is a named refusal with its values.
    event EntryRefused(uint32 job, uint32 entry, bytes32 modelDigest, string reason);

    /// @notice The exact test of the first entry and another: how many rows either answers better
    /// than the other.
    event Compared(
        uint32 job,
        uint32 first,
        uint32 other,
        uint32 firstBetter,
        uint32 otherBetter,
        bool separated
    );

    /// @notice A bond is lost; `reason` is `Silent`, `Wrong` or `Objection`.
    event Forfeited(uint32 job, address account, uint256 bond, string reason);

    /// @notice All is decided: `winners`, the best first, share `prize`; `rightMiners` share `fees`,
    /// and they and `rightObjectors` share `forfeits`; each of `revealed` entrants gets what is in
    /// `refunds` divided by them; `remainder` returns to the sponsor.
    event Decided(
        uint32 job,
        Outcome outcome,
        uint32[] winners,
        uint256 prize,
        uint32 rightMiners,
        uint32 rightObjectors,
        uint256 fees,
        uint256 forfeits,
        uint32 revealed,
        uint256 refunds,
        uint256 remainder
    );

    /// @notice A competition pays: `amount` as a voucher, `bond` to the free balance.
    event Paid(uint32 job, address to, Share share, uint256 amount, uint256 bond);
}
