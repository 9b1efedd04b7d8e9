// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITestToken} from "../src/ITestToken.sol";
import {TestToken} from "../src/TestToken.sol";
import {vm} from "./Vm.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

contract TestTokenTest {
    ITestToken private immutable _token = new TestToken();

    function testNameSaysThatItIsWorthless() external view {
        IERC20Metadata token = IERC20Metadata(address(_token));
        vm.assertEq(token.name(), "DeML Test Token (worthless)");
        vm.assertEq(token.symbol(), "TEST");
        vm.assertEq(token.decimals(), 18);
        vm.assertEq(_token.totalSupply(), 0);
    }

    function testAnyoneMints(address caller, address account, uint256 amount) external {
        vm.assume(account != address(0));
        vm.expectEmit(address(_token));
        emit IERC20.Transfer(address(0), account, amount);
        vm.prank(caller);
        _token.mint(account, amount);

        vm.assertEq(_token.balanceOf(account), amount);
        vm.assertEq(_token.totalSupply(), amount);
    }

    function testMintRevertsERC20InvalidReceiver(uint256 amount) external {
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0))
        );
        _token.mint(address(0), amount);
    }

    function testTransferMovesTokens(address from, address to, uint256 minted, uint256 amount)
        external
    {
        vm.assume(from != address(0) && to != address(0) && from != to);
        amount = amount <= minted ? amount : minted;
        _token.mint(from, minted);
        vm.prank(from);
        vm.assertEq(_token.transfer(to, amount), true);

        vm.assertEq(_token.balanceOf(from), minted - amount);
        vm.assertEq(_token.balanceOf(to), amount);
        vm.assertEq(_token.totalSupply(), minted);
    }

    function testTransferRevertsERC20InsufficientBalance(
        address from,
        address to,
        uint256 minted,
        uint256 amount
    ) external {
        vm.assume(from != address(0) && to != address(0) && minted < amount);
        _token.mint(from, minted);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, from, minted, amount
            )
        );
        vm.prank(from);
        _token.transfer(to, amount);
    }

    function testTransferFromSpendsTheAllowance(
        address owner,
        address spender,
        address to,
        uint256 allowed,
        uint256 amount
    ) external {
        vm.assume(owner != address(0) && spender != address(0) && to != address(0) && owner != to);
        vm.assume(allowed != type(uint256).max);
        amount = amount <= allowed ? amount : allowed;
        _token.mint(owner, allowed);
        vm.prank(owner);
        vm.assertEq(_token.approve(spender, allowed), true);
        vm.prank(spender);
        vm.assertEq(_token.transferFrom(owner, to, amount), true);

        vm.assertEq(_token.allowance(owner, spender), allowed - amount);
        vm.assertEq(_token.balanceOf(to), amount);
    }

    function testTransferFromRevertsERC20InsufficientAllowance(
        address owner,
        address spender,
        address to,
        uint256 allowed,
        uint256 amount
    ) external {
        vm.assume(owner != address(0) && spender != address(0) && to != address(0));
        vm.assume(allowed < amount);
        _token.mint(owner, amount);
        vm.prank(owner);
        _token.approve(spender, allowed);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, spender, allowed, amount
            )
        );
        vm.prank(spender);
        _token.transferFrom(owner, to, amount);
    }
}
