// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AlphaLine} from "./AlphaLine.sol";
import {StorageSlot} from "@openzeppelin/contracts/utils/StorageSlot.sol";

/// @title An application of Cartesi Rollups 2.2.0 that can be foreclosed, as in 3.0.0-alpha
/// @notice FOR DEVELOPMENT NETWORKS ONLY. Withdrawals by an accounts drive are left out.
contract AlphaApplication is AlphaLine {
    /// @dev Beside what the application's own code stores.
    bytes32 private constant _FORECLOSED = keccak256("deml.devnet.foreclosed");

    address private immutable _GUARDIAN;

    /// @notice The guardian has given the application up: no claim of it is accepted any more.
    event Foreclosure();

    /// @notice Somebody else than the guardian asks.
    error NotGuardian();

    constructor(address code, address guardian) AlphaLine(code) {
        _GUARDIAN = guardian;
    }

    /// @notice Gives the application up for good.
    function foreclose() external {
        if (msg.sender != _GUARDIAN) revert NotGuardian();
        StorageSlot.getBooleanSlot(_FORECLOSED).value = true;
        emit Foreclosure();
    }

    function getGuardian() external view returns (address) {
        return _GUARDIAN;
    }

    function isForeclosed() external view returns (bool) {
        return StorageSlot.getBooleanSlot(_FORECLOSED).value;
    }
}
