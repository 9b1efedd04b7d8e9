// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Terms} from "../src/Terms.sol";
import {Vector, readVectors} from "./Vector.sol";
import {vm} from "./Vm.sol";

contract JobTest {
    /// @dev A job's name is the hash of Solidity's encoding of what `openJob` says and who calls it.
    function testNamesAreHashesOfEncodedTerms() external view {
        Vector[] memory vectors = readVectors("../tests/vectors/jobs.json", "$.jobs");
        vm.assertEq(vectors.length > 0, true, "no vectors");
        for (uint256 i = 0; i < vectors.length; ++i) {
            Vector memory job = vectors[i];
            (bytes32 salt, Terms memory terms) = this.opened(job.raw("calldata"));
            bytes memory fields = abi.encode(
                bytes32("DeML job 1"),
                uint64(job.number("chainId")),
                job.account("app"),
                job.account("sponsor"),
                salt,
                terms
            );
            vm.assertEq(sha256(fields) == job.hash("job"), true, "another name");
        }
    }

    /// @dev The arguments of an `openJob`.
    function opened(bytes calldata call) external pure returns (bytes32 salt, Terms memory terms) {
        return abi.decode(call[4:], (bytes32, Terms));
    }
}
