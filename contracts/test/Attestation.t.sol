// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Vector, readVectors} from "./Vector.sol";
import {vm} from "./Vm.sol";

contract AttestationTest {
    /// @dev All fields have a fixed width, so packing them is unambiguous: only attestations repeat.
    function testCommitmentsAreHashesOfPackedFields() external view {
        Vector[] memory vectors = readVectors("../tests/vectors/attestations.json", "$.commitments");
        vm.assertEq(vectors.length > 0, true, "no vectors");
        for (uint256 i = 0; i < vectors.length; ++i) {
            bytes32 found = sha256(_fields(vectors[i]));
            vm.assertEq(found == vectors[i].hash("commitment"), true, "another commitment");
        }
    }

    function _fields(Vector memory binding) private view returns (bytes memory fields) {
        fields = abi.encodePacked(
            bytes32("DeML attestation 2"),
            uint64(binding.number("chainId")),
            binding.account("app"),
            binding.hash("job"),
            binding.account("miner"),
            uint32(binding.number("page"))
        );
        Vector[] memory attestations =
            readVectors("../tests/vectors/attestations.json", binding.at("attestations").path);
        bool isAll = attestations.length == binding.number("count");
        vm.assertEq(isAll, true, "another number of attestations");
        for (uint256 i = 0; i < attestations.length; ++i) {
            fields = abi.encodePacked(
                fields,
                uint32(attestations[i].number("score")),
                uint32(attestations[i].number("thresholdScore")),
                attestations[i].hash("results")
            );
        }
        return abi.encodePacked(fields, binding.hash("salt"));
    }
}
