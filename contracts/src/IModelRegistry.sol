// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "./Blob.sol";

/// @dev A score of 100 %, in parts per million.
uint32 constant SCORE_MAX = 1_000_000;

/// @title Which model won a job, and how good it is
/// @notice Keeps, on the chain where the money is, the outcome of each settled job: who paid for it,
/// the model that won, its score, and the dataset that decided.
///
/// One registry serves every application, and each application has its own records: whatever an
/// account writes is kept under that account, and nobody else can write there. A DeML application
/// writes through a voucher, which only runs once the claim that holds it is accepted; so a record
/// kept under an application was computed by that application's machine.
///
/// A reader therefore always names the application it trusts. Records under any other address say
/// only that this address wrote them.
/// @dev No owner, no settings and no constructor arguments: the CREATE2 address is known before any
/// application exists, so that an application can name it in its genesis.
interface IModelRegistry {
    /// @notice The outcome of one job.
    struct Record {
        /// Name of the job within its application.
        bytes32 job;
        /// Score of the model in parts per million, at most `SCORE_MAX`.
        uint32 score;
        /// Who offered the reward; never zero.
        address sponsor;
        /// The model that won.
        Blob model;
        /// The hold-out that decided the score.
        Blob dataset;
    }

    /// @notice An application recorded the outcome of one of its jobs.
    /// @param application Who wrote the record, and under whom it is kept
    /// @param job Name of the job within its application
    /// @param sponsor Who offered the reward
    /// @param model The model that won
    /// @param score Score of the model in parts per million
    /// @param dataset The hold-out that decided the score
    event ModelRecorded(
        address indexed application,
        bytes32 indexed job,
        address indexed sponsor,
        Blob model,
        uint32 score,
        Blob dataset
    );

    /// @notice No account is the sponsor of this job.
    error SponsorIsZero(bytes32 job);

    /// @notice A score is more than 100 %.
    error ScoreOutOfRange(uint32 score, uint32 maximum);

    /// @notice A job has its record already; records are final.
    error AlreadyRecorded(address application, bytes32 job);

    /// @notice The application recorded nothing for this job.
    error NoRecord(address application, bytes32 job);

    /// @notice Keeps the outcome of a job under the caller, for good.
    /// @dev Open to any caller, who writes its own records only. Reverts with `SponsorIsZero`,
    /// `ScoreOutOfRange` or `AlreadyRecorded`, in this order; otherwise emits `ModelRecorded`.
    /// The blobs are kept as given: whether such bytes exist is for the application to know.
    /// @param job Name of the job within the calling application
    /// @param sponsor Who offered the reward
    /// @param model The model that won
    /// @param score Score of the model in parts per million
    /// @param dataset The hold-out that decided the score
    function record(
        bytes32 job,
        address sponsor,
        Blob calldata model,
        uint32 score,
        Blob calldata dataset
    ) external;

    /// @notice The outcome of one job.
    /// @dev Reverts with `NoRecord` when the application recorded none.
    /// @param application The application whose word is taken
    /// @param job Name of the job within that application
    function recordOf(address application, bytes32 job) external view returns (Record memory);

    /// @notice How many jobs an application recorded.
    /// @param application The application whose word is taken
    function recordCount(address application) external view returns (uint256);

    /// @notice One page of an application's records, in the order they were written.
    /// @dev Shorter than `limit` at the end, and empty past it; never reverts.
    /// @param application The application whose word is taken
    /// @param offset How many records to skip
    /// @param limit How many records to return at most
    function recordsOf(address application, uint256 offset, uint256 limit)
        external
        view
        returns (Record[] memory);

    /// @notice The binary CIDv1 under which IPFS knows a blob, for readers on chain.
    /// @param blob The model or dataset of a record
    /// @return 36 bytes; its text form is `b` and the unpadded lower-case base32 of them
    function cidOf(Blob calldata blob) external pure returns (bytes memory);
}
