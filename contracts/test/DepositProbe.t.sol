// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DepositProbe, IPortal} from "../src/DepositProbe.sol";
import {ITestToken} from "../src/ITestToken.sol";
import {TestToken} from "../src/TestToken.sol";
import {vm} from "./Vm.sol";
import {FeeToken} from "./tokens/FeeToken.sol";
import {SilentToken} from "./tokens/SilentToken.sol";
import {ZeroFirstToken} from "./tokens/ZeroFirstToken.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @dev Moves tokens as the portal does, without an input.
contract Portal is IPortal {
    error NotMoved();

    function depositERC20Tokens(IERC20 token, address app, uint256 value, bytes calldata) external {
        if (!token.transferFrom(msg.sender, app, value)) revert NotMoved();
    }
}

contract DepositProbeTest {
    DepositProbe private immutable _probe = new DepositProbe();
    Portal private immutable _portal = new Portal();
    address private constant _APP = address(0xa99);

    function testPlainTokensArriveWhole(uint256 value) external {
        (uint256 paid, uint256 received) = _try(address(new TestToken()), value);
        vm.assertEq(paid, value);
        vm.assertEq(received, value);
    }

    function testAnAllowanceIsTakenBackFirst() external {
        ZeroFirstToken token = new ZeroFirstToken();
        vm.prank(address(_probe));
        token.approve(address(_portal), 3);
        (, uint256 received) = _try(address(token), 5);
        vm.assertEq(received, 5);
    }

    function testAFeeIsSeen() external {
        (uint256 paid, uint256 received) = _try(address(new FeeToken()), 1_000);
        vm.assertEq(paid, 1_000);
        vm.assertEq(received, 990);
    }

    function testATokenThatReturnsNothingReverts() external {
        SilentToken token = new SilentToken();
        token.mint(address(_probe), 5);
        vm.expectRevert(bytes(""));
        _probe.probe(IERC20(address(token)), _portal, _APP, 5);
    }

    function _try(address token, uint256 value) private returns (uint256 paid, uint256 received) {
        ITestToken(token).mint(address(_probe), value);
        return _probe.probe(IERC20(token), _portal, _APP, value);
    }
}
