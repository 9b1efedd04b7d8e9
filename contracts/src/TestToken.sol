// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITestToken} from "./ITestToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title TEST TOKEN, WORTH NOTHING: anyone can mint it
/// @dev What it promises is written in `ITestToken`.
contract TestToken is ITestToken, ERC20 {
    constructor() ERC20("DeML Test Token (worthless)", "TEST") {}

    /// @inheritdoc ITestToken
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}
