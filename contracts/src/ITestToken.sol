// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A worthless ERC-20 for development networks
/// @notice TEST TOKEN, WORTH NOTHING: anyone can mint any amount of it. It exists so that rewards in
/// ERC-20 can be tried out. Never let a market on a real network accept it.
interface ITestToken is IERC20 {
    /// @notice Creates tokens out of nothing, for whoever asks.
    /// @dev Open to any caller. Emits ERC-20's `Transfer` from the zero address.
    /// @param account Who receives them
    /// @param amount How many, in the smallest unit (18 decimals)
    function mint(address account, uint256 amount) external;
}
