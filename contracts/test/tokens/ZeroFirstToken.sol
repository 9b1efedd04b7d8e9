// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TestToken} from "../../src/TestToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A token that changes no allowance but to or from zero
contract ZeroFirstToken is TestToken {
    error AllowanceNotZero();

    function approve(address spender, uint256 value) public override(ERC20, IERC20) returns (bool) {
        if (value != 0 && allowance(msg.sender, spender) != 0) revert AllowanceNotZero();
        return super.approve(spender, value);
    }
}
