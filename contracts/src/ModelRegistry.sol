// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "./Blob.sol";
import {IModelRegistry, SCORE_MAX} from "./IModelRegistry.sol";

/// @title The records of settled jobs, one list per application
/// @dev What it promises is written in `IModelRegistry`.
contract ModelRegistry is IModelRegistry {
    /// @dev A record exists exactly when its sponsor is not zero.
    mapping(address application => mapping(bytes32 job => Record)) private _records;

    /// @dev Recorded jobs in the order written.
    mapping(address application => bytes32[]) private _jobs;

    /// @inheritdoc IModelRegistry
    function record(
        bytes32 job,
        address sponsor,
        Blob calldata model,
        uint32 score,
        Blob calldata dataset
    ) external {
        require(sponsor != address(0), SponsorIsZero(job));
        require(score <= SCORE_MAX, ScoreOutOfRange(score, SCORE_MAX));
        require(!_isRecorded(msg.sender, job), AlreadyRecorded(msg.sender, job));

        _records[msg.sender][job] =
            Record({job: job, score: score, sponsor: sponsor, model: model, dataset: dataset});
        _jobs[msg.sender].push(job);
        emit ModelRecorded(msg.sender, job, sponsor, model, score, dataset);
    }

    /// @inheritdoc IModelRegistry
    function recordOf(address application, bytes32 job) external view returns (Record memory) {
        require(_isRecorded(application, job), NoRecord(application, job));
        return _records[application][job];
    }

    /// @inheritdoc IModelRegistry
    function recordCount(address application) external view returns (uint256) {
        return _jobs[application].length;
    }

    /// @inheritdoc IModelRegistry
    function recordsOf(address application, uint256 offset, uint256 limit)
        external
        view
        returns (Record[] memory records)
    {
        bytes32[] storage jobs = _jobs[application];
        uint256 remaining = offset < jobs.length ? jobs.length - offset : 0;
        records = new Record[](limit < remaining ? limit : remaining);
        for (uint256 i = 0; i < records.length; ++i) {
            records[i] = _records[application][jobs[offset + i]];
        }
    }

    /// @inheritdoc IModelRegistry
    function cidOf(Blob calldata blob) external pure returns (bytes memory) {
        return blob.cid();
    }

    function _isRecorded(address application, bytes32 job) private view returns (bool) {
        return _records[application][job].sponsor != address(0);
    }
}
