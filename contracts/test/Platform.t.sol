// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../src/IModelRegistry.sol";
import {ITestToken} from "../src/ITestToken.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {TestToken} from "../src/TestToken.sol";
import {Vector, readVectors} from "./Vector.sol";
import {vm} from "./Vm.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @dev How Cartesi Rollups encodes the outputs that its Application executes.
interface IOutputs {
    function Voucher(address destination, uint256 value, bytes calldata payload) external;
}

/// @dev The bytes that Rust exchanges with Cartesi's contracts: deposits in, vouchers out.
///
/// This contract stands for the application when it runs a voucher's call.
contract PlatformTest {
    string private constant NOTICES = "../tests/vectors/notices.json";
    string private constant PORTALS = "../tests/vectors/portals.json";

    /// @dev The factory that gives a contract the same address on every chain.
    address private constant CREATE2_FACTORY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    function testVouchersAreOutputs() external view {
        Vector[] memory vouchers = _vouchers();
        for (uint256 i = 0; i < vouchers.length; ++i) {
            bytes memory expected = abi.encodeCall(
                IOutputs.Voucher,
                (
                    vouchers[i].account("destination"),
                    vouchers[i].number("value"),
                    vouchers[i].raw("payload")
                )
            );
            vm.assertEq(vouchers[i].raw("raw"), expected, vouchers[i].path);
        }
    }

    function testEtherVoucherCallsNothing() external view {
        Vector memory voucher = _vouchers()[0];
        vm.assertEq(voucher.number("value") > 0, true);
        vm.assertEq(voucher.raw("payload"), "");
    }

    function testTokenVoucherTransfers(uint256 minted) external {
        bytes memory payload = _vouchers()[1].raw("payload");
        (address account, uint256 amount) = this.transferOf(payload);
        if (minted < amount) minted = amount;
        ITestToken token = new TestToken();
        token.mint(address(this), minted);
        _execute(address(token), payload);

        vm.assertEq(token.balanceOf(account), amount);
        vm.assertEq(token.balanceOf(address(this)), minted - amount);
        vm.assertEq(payload, abi.encodeCall(IERC20.transfer, (account, amount)));
    }

    function testRecordVoucherRecords() external {
        bytes memory payload = _vouchers()[2].raw("payload");
        ModelRegistry registry = new ModelRegistry();
        _execute(address(registry), payload);

        vm.assertEq(registry.recordCount(address(this)), 1);
        IModelRegistry.Record memory kept = registry.recordsOf(address(this), 0, 1)[0];
        bytes memory expected = abi.encodeCall(
            IModelRegistry.record, (kept.job, kept.sponsor, kept.model, kept.score, kept.dataset)
        );
        vm.assertEq(payload, expected);
    }

    function testRecordVoucherGoesToTheRegistrysAddress() external view {
        bytes32 code = keccak256(type(ModelRegistry).creationCode);
        bytes32 create2 =
            keccak256(abi.encodePacked(bytes1(0xff), CREATE2_FACTORY, bytes32(0), code));
        vm.assertEq(_vouchers()[2].account("destination"), address(uint160(uint256(create2))));
    }

    function testDepositsArePackedAsThePortalsPackThem() external view {
        Vector[] memory deposits = readVectors(PORTALS, "$.portals");
        vm.assertEq(deposits.length > 0, true, "no deposits");
        for (uint256 i = 0; i < deposits.length; ++i) {
            bytes memory packed = abi.encodePacked(
                deposits[i].account("account"),
                deposits[i].number("amount"),
                deposits[i].raw("execLayerData")
            );
            if (keccak256(bytes(deposits[i].text("asset"))) != keccak256("ether")) {
                packed = abi.encodePacked(deposits[i].account("asset"), packed);
            }
            vm.assertEq(deposits[i].raw("payload"), packed, deposits[i].path);
        }
    }

    function transferOf(bytes calldata payload) external pure returns (address, uint256) {
        return abi.decode(payload[4:], (address, uint256));
    }

    /// @dev One payment in Ether, one in a token, one record, in this order.
    function _vouchers() private view returns (Vector[] memory) {
        return readVectors(NOTICES, "$.vouchers");
    }

    function _execute(address destination, bytes memory payload) private {
        (bool isDone, bytes memory returned) = destination.call(payload);
        vm.assertEq(isDone, true, string(returned));
    }
}
