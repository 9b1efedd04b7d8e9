// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

/// @title A contract of Cartesi Rollups 2.2.0 that stands where its successor of 3.0.0-alpha is
/// @notice FOR DEVELOPMENT NETWORKS ONLY. What clients call and read of that line's InputBox and
/// portals is as in 2.2.0, but for `version()`; its own bytecode is not published.
/// @dev The code of 2.2.0 runs as this contract, so the address it calls others from is this one.
contract AlphaLine is Proxy {
    address private immutable _CODE;

    constructor(address code) {
        _CODE = code;
    }

    receive() external payable {
        _fallback();
    }

    /// @notice Major, minor, patch, prerelease and build, as every contract of the line tells them.
    function version()
        external
        pure
        returns (uint64, uint64, uint64, string memory, string memory)
    {
        return (3, 0, 0, "alpha.6", "deml");
    }

    function _implementation() internal view override returns (address) {
        return _CODE;
    }
}
