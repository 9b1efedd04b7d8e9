// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title An authority that speaks the ABI of Cartesi Rollups 3.0.0-alpha.6
/// @notice FOR DEVELOPMENT NETWORKS ONLY. A claim is submitted with a proof of the machine's root,
/// staged, and accepted by anyone once the staging period has passed.
contract AlphaAuthority is Ownable {
    enum Status {
        Unsubmitted,
        Staged,
        Accepted
    }

    struct Claim {
        Status status;
        uint256 stagingBlockNumber;
        bytes32 stagedOutputsMerkleRoot;
    }

    uint256 private immutable _EPOCH_LENGTH;
    uint256 private immutable _STAGING_PERIOD;

    mapping(address => mapping(uint256 => mapping(bytes32 => Claim))) private _claims;
    mapping(address => mapping(uint256 => bool)) private _isClaimed;
    mapping(address => mapping(bytes32 => bool)) private _isValid;

    event ClaimSubmitted(
        address indexed submitter,
        address indexed appContract,
        uint256 lastProcessedBlockNumber,
        bytes32 outputsMerkleRoot,
        bytes32 machineMerkleRoot
    );
    event ClaimStaged(
        address indexed appContract,
        uint256 lastProcessedBlockNumber,
        bytes32 outputsMerkleRoot,
        bytes32 machineMerkleRoot
    );
    event ClaimAccepted(
        address indexed appContract,
        uint256 lastProcessedBlockNumber,
        bytes32 outputsMerkleRoot,
        bytes32 machineMerkleRoot
    );

    error NotEpochFinalBlock(uint256 lastProcessedBlockNumber, uint256 epochLength);
    error NotPastBlock(uint256 lastProcessedBlockNumber, uint256 currentBlockNumber);
    error NotFirstClaim(address appContract, uint256 lastProcessedBlockNumber);
    error ClaimNotStaged(address appContract, uint256 lastProcessedBlockNumber, Status status);
    error ClaimStagingPeriodNotOverYet(uint256 blocksAfterStaging, uint256 stagingPeriod);

    constructor(address initialOwner, uint256 epochLength, uint256 stagingPeriod)
        Ownable(initialOwner)
    {
        _EPOCH_LENGTH = epochLength;
        _STAGING_PERIOD = stagingPeriod;
    }

    function submitClaim(
        address appContract,
        uint256 lastProcessedBlockNumber,
        bytes32 outputsMerkleRoot,
        bytes32[] calldata proof
    ) external onlyOwner {
        if (lastProcessedBlockNumber % _EPOCH_LENGTH != _EPOCH_LENGTH - 1) {
            revert NotEpochFinalBlock(lastProcessedBlockNumber, _EPOCH_LENGTH);
        }
        if (lastProcessedBlockNumber >= block.number) {
            revert NotPastBlock(lastProcessedBlockNumber, block.number);
        }
        if (_isClaimed[appContract][lastProcessedBlockNumber]) {
            revert NotFirstClaim(appContract, lastProcessedBlockNumber);
        }
        _isClaimed[appContract][lastProcessedBlockNumber] = true;
        bytes32 machineRoot = keccak256(abi.encode(outputsMerkleRoot));
        for (uint256 level = 0; level < proof.length; ++level) {
            machineRoot = keccak256(abi.encode(machineRoot, proof[level]));
        }
        _claims[appContract][lastProcessedBlockNumber][machineRoot] =
            Claim(Status.Staged, block.number, outputsMerkleRoot);
        emit ClaimSubmitted(
            msg.sender, appContract, lastProcessedBlockNumber, outputsMerkleRoot, machineRoot
        );
        emit ClaimStaged(appContract, lastProcessedBlockNumber, outputsMerkleRoot, machineRoot);
    }

    function acceptClaim(
        address appContract,
        uint256 lastProcessedBlockNumber,
        bytes32 machineMerkleRoot
    ) external {
        Claim storage claim = _claims[appContract][lastProcessedBlockNumber][machineMerkleRoot];
        if (claim.status != Status.Staged) {
            revert ClaimNotStaged(appContract, lastProcessedBlockNumber, claim.status);
        }
        uint256 staged = block.number - claim.stagingBlockNumber;
        if (staged < _STAGING_PERIOD) {
            revert ClaimStagingPeriodNotOverYet(staged, _STAGING_PERIOD);
        }
        claim.status = Status.Accepted;
        bytes32 outputsRoot = claim.stagedOutputsMerkleRoot;
        _isValid[appContract][outputsRoot] = true;
        emit ClaimAccepted(appContract, lastProcessedBlockNumber, outputsRoot, machineMerkleRoot);
    }

    function getClaim(
        address appContract,
        uint256 lastProcessedBlockNumber,
        bytes32 machineMerkleRoot
    ) external view returns (Claim memory) {
        return _claims[appContract][lastProcessedBlockNumber][machineMerkleRoot];
    }

    function isOutputsMerkleRootValid(address appContract, bytes32 outputsMerkleRoot)
        external
        view
        returns (bool)
    {
        return _isValid[appContract][outputsMerkleRoot];
    }

    function getEpochLength() external view returns (uint256) {
        return _EPOCH_LENGTH;
    }

    function getClaimStagingPeriod() external view returns (uint256) {
        return _STAGING_PERIOD;
    }

    function version()
        external
        pure
        returns (uint64, uint64, uint64, string memory, string memory)
    {
        return (3, 0, 0, "alpha.6", "deml");
    }
}
