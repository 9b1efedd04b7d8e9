// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title The part of the ERC-20 portal that a deposit calls
interface IPortal {
    /// @notice Moves tokens of the caller to an application, and adds an input that says so.
    function depositERC20Tokens(IERC20 token, address app, uint256 value, bytes calldata data)
        external;
}

/// @title What a deposit of tokens would come to
/// @dev Never deployed. A client calls it by `eth_call` at its own account's address, with this code
/// put there for the length of the call: token and portal see that account, and nothing is changed.
contract DepositProbe {
    /// @notice Approves and deposits as a client does, and measures what arrives.
    /// @return paid What the account has less
    /// @return received What the application has more
    function probe(IERC20 token, IPortal portal, address app, uint256 value)
        external
        returns (uint256 paid, uint256 received)
    {
        uint256 own = token.balanceOf(address(this));
        uint256 its = token.balanceOf(app);
        uint256 allowance = token.allowance(address(this), address(portal));
        if (allowance < value) {
            if (allowance != 0) _approve(token, portal, 0);
            _approve(token, portal, value);
        }
        portal.depositERC20Tokens(token, app, value, "");
        return (own - token.balanceOf(address(this)), token.balanceOf(app) - its);
    }

    /// @dev A transaction does not look at what an approval returns, and some tokens return nothing.
    function _approve(IERC20 token, IPortal portal, uint256 value) private {
        (bool done, bytes memory why) =
            address(token).call(abi.encodeCall(IERC20.approve, (address(portal), value)));
        if (done) return;
        assembly ("memory-safe") {
            revert(add(why, 32), mload(why))
        }
    }
}
