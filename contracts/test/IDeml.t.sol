// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "../src/Blob.sol";
import {Encoding, IDeml, Slot, Target} from "../src/IDeml.sol";
import {Attestation} from "../src/Outcome.sol";
import {SealedBlob, Terms} from "../src/Terms.sol";
import {NoticeCodec} from "./NoticeCodec.sol";
import {Vector, readVectors} from "./Vector.sol";
import {vm} from "./Vm.sol";

/// @dev Takes calldata only when it is exactly what Solidity would encode; Solidity's own decoder
/// already refuses missing bytes and values outside their types.
contract StrictDeml is IDeml {
    error NotCanonical();

    function openJob(bytes32 salt, Terms calldata terms) external pure {
        _requireCanonical(abi.encodeCall(IDeml.openJob, (salt, terms)));
    }

    function cancelJob(bytes32 job) external pure {
        _requireCanonical(abi.encodeCall(IDeml.cancelJob, (job)));
    }

    function publish(bytes32 job, Slot slot, uint64 offset, Encoding encoding, bytes calldata data)
        external
        pure
    {
        _requireCanonical(abi.encodeCall(IDeml.publish, (job, slot, offset, encoding, data)));
    }

    function submit(bytes32 job, Blob calldata model, Blob calldata data) external pure {
        _requireCanonical(abi.encodeCall(IDeml.submit, (job, model, data)));
    }

    function submitSealed(bytes32 job, SealedBlob calldata model) external pure {
        _requireCanonical(abi.encodeCall(IDeml.submitSealed, (job, model)));
    }

    function show(bytes32 job, Blob calldata model) external pure {
        _requireCanonical(abi.encodeCall(IDeml.show, (job, model)));
    }

    function enlist(bytes32 job) external pure {
        _requireCanonical(abi.encodeCall(IDeml.enlist, (job)));
    }

    function reveal(bytes32 job, bytes32 key, bytes32 salt, Blob calldata plaintext) external pure {
        _requireCanonical(abi.encodeCall(IDeml.reveal, (job, key, salt, plaintext)));
    }

    function attest(bytes32 job, uint32 page, bytes32 commitment) external pure {
        _requireCanonical(abi.encodeCall(IDeml.attest, (job, page, commitment)));
    }

    function revealAttestation(
        bytes32 job,
        uint32 page,
        Attestation[] calldata attestations,
        bytes calldata results,
        bytes32 salt
    ) external pure {
        _requireCanonical(
            abi.encodeCall(IDeml.revealAttestation, (job, page, attestations, results, salt))
        );
    }

    function evaluate(
        bytes32 job,
        Target target,
        uint32 submission,
        uint32 from,
        uint64 work,
        uint256 maxSurcharge
    ) external pure {
        _requireCanonical(
            abi.encodeCall(IDeml.evaluate, (job, target, submission, from, work, maxSurcharge))
        );
    }

    function settle(bytes32 job) external pure {
        _requireCanonical(abi.encodeCall(IDeml.settle, (job)));
    }

    function publishMessageKey(bytes32 key) external pure {
        _requireCanonical(abi.encodeCall(IDeml.publishMessageKey, (key)));
    }

    function sendMessage(bytes32 job, uint32 submission, uint32 sequence, bytes calldata ciphertext)
        external
        pure
    {
        _requireCanonical(
            abi.encodeCall(IDeml.sendMessage, (job, submission, sequence, ciphertext))
        );
    }

    function withdraw(address asset, uint256 amount) external pure {
        _requireCanonical(abi.encodeCall(IDeml.withdraw, (asset, amount)));
    }

    function _requireCanonical(bytes memory encoding) private pure {
        require(keccak256(encoding) == keccak256(msg.data), NotCanonical());
    }
}

/// @dev The bytes that Rust writes and reads, against the interface that defines them. That each
/// value stands where its name says is for Rust to check, which reads the names in the artifact.
contract IDemlTest {
    string private constant COMMANDS = "../tests/vectors/commands.json";
    string private constant NOTICES = "../tests/vectors/notices.json";

    StrictDeml private immutable _strict = new StrictDeml();
    NoticeCodec private immutable _codec = new NoticeCodec();

    bytes4[15] private _commands = [
        IDeml.openJob.selector,
        IDeml.cancelJob.selector,
        IDeml.publish.selector,
        IDeml.submit.selector,
        IDeml.submitSealed.selector,
        IDeml.show.selector,
        IDeml.enlist.selector,
        IDeml.reveal.selector,
        IDeml.attest.selector,
        IDeml.revealAttestation.selector,
        IDeml.evaluate.selector,
        IDeml.settle.selector,
        IDeml.publishMessageKey.selector,
        IDeml.sendMessage.selector,
        IDeml.withdraw.selector
    ];

    /// @dev Decoding what Rust writes and takes, and encoding it again, gives the same bytes.
    function testCommandsAreCanonical() external view {
        Vector[] memory vectors = readVectors(COMMANDS, "$.commands");
        bytes32[] memory selectors = new bytes32[](vectors.length);
        for (uint256 i = 0; i < vectors.length; ++i) {
            bytes memory found = vectors[i].raw("calldata");
            (bool isTaken,) = address(_strict).staticcall(found);
            vm.assertEq(isTaken, true, vectors[i].text("name"));
            selectors[i] = bytes4(found);
        }
        for (uint256 i = 0; i < _commands.length; ++i) {
            vm.assertEq(_contains(selectors, _commands[i]), true, "a command has no vector");
        }
    }

    /// @dev What Rust refuses as no encoding of a command, Solidity takes for none either, but for
    /// the rules that no Solidity type expresses.
    function testRefusedCommandsAreNotCanonical() external view {
        Vector[] memory vectors = readVectors(COMMANDS, "$.refused");
        vm.assertEq(vectors.length > 0, true, "nothing is refused");
        for (uint256 i = 0; i < vectors.length; ++i) {
            (bool isTaken,) = address(_strict).staticcall(vectors[i].raw("calldata"));
            vm.assertEq(isTaken, vectors[i].flag("beyondTypes"), vectors[i].text("refused"));
        }
    }

    /// @dev Decoding a notice by its event's types and encoding it again gives the same bytes.
    function testNoticesAreEvents() external view {
        Vector[] memory vectors = readVectors(NOTICES, "$.notices");
        bytes32[] memory topics = new bytes32[](vectors.length);
        for (uint256 i = 0; i < vectors.length; ++i) {
            bytes memory found = vectors[i].raw("payload");
            vm.assertEq(_codec.encodedAgain(found), found, vectors[i].text("name"));
            topics[i] = bytes32(found);
        }
        bytes32[] memory wanted = _codec.topics();
        for (uint256 i = 0; i < wanted.length; ++i) {
            vm.assertEq(_contains(topics, wanted[i]), true, "a notice has no vector");
        }
    }

    function _contains(bytes32[] memory all, bytes32 wanted) private pure returns (bool found) {
        for (uint256 i = 0; i < all.length && !found; ++i) {
            found = all[i] == wanted;
        }
    }
}
