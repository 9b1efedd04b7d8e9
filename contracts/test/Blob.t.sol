// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "../src/Blob.sol";
import {Vector, readVectors} from "./Vector.sol";
import {vm} from "./Vm.sol";

contract BlobTest {
    bytes32 private constant BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

    error NotBase32(string text);

    /// @dev Size and leaf size say how IPFS itself named a file, up to the digest.
    function testCidsAreThoseOfIpfs() external view {
        Vector[] memory vectors = readVectors("../tests/vectors/cids.json", "$.vectors");
        vm.assertEq(vectors.length > 0, true, "no vectors");
        for (uint256 i = 0; i < vectors.length; ++i) {
            string memory text = vectors[i].text("cid");
            bytes memory expected = _decode(text);
            Blob memory blob = Blob({
                digest: _digest(expected),
                size: uint64(vectors[i].number("size")),
                leafSize: uint32(vectors[i].number("leaf_size"))
            });
            vm.assertEq(blob.cid(), expected, text);
        }
    }

    /// @dev The last 32 bytes.
    function _digest(bytes memory cid) private pure returns (bytes32 digest) {
        vm.assertEq(cid.length, 36);
        for (uint256 i = 4; i < 36; ++i) {
            digest = (digest << 8) | bytes32(uint256(uint8(cid[i])));
        }
    }

    /// @dev Multibase `b`: five bits per character; the bits that fill no byte are dropped.
    function _decode(string memory text) private pure returns (bytes memory decoded) {
        bytes memory characters = bytes(text);
        require(characters.length > 0 && characters[0] == "b", NotBase32(text));
        decoded = new bytes((characters.length - 1) * 5 / 8);
        uint256 bits = 0;
        uint256 length = 0;
        for (uint256 i = 1; i < characters.length; ++i) {
            bits = (bits << 5) | _digit(characters[i], text);
            if (i * 5 / 8 > length) {
                decoded[length++] = bytes1(uint8(bits >> (i * 5 % 8)));
            }
        }
    }

    function _digit(bytes1 character, string memory text) private pure returns (uint256) {
        for (uint256 digit = 0; digit < BASE32.length; ++digit) {
            if (BASE32[digit] == character) return digit;
        }
        revert NotBase32(text);
    }
}
