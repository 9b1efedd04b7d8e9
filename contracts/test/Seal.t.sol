// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Vector, readVectors} from "./Vector.sol";
import {vm} from "./Vm.sol";

contract SealTest {
    /// @dev All fields have a fixed width, so packing them is unambiguous.
    function testCommitmentsAreHashesOfPackedFields() external view {
        Vector[] memory vectors = readVectors("../tests/vectors/seals.json", "$.seals");
        vm.assertEq(vectors.length > 0, true, "no vectors");
        for (uint256 i = 0; i < vectors.length; ++i) {
            bytes32 found = sha256(_fields(vectors[i]));
            vm.assertEq(found == vectors[i].hash("commitment"), true, "another commitment");
        }
    }

    function _fields(Vector memory seal) private pure returns (bytes memory) {
        Vector memory blob = seal.at("blob");
        return abi.encodePacked(
            bytes32("DeML sealed blob 2"),
            uint64(seal.number("chainId")),
            seal.account("app"),
            seal.hash("scope"),
            seal.account("sender"),
            blob.hash("digest"),
            uint64(blob.number("size")),
            uint32(blob.number("leafSize")),
            seal.hash("key"),
            seal.hash("salt")
        );
    }
}
