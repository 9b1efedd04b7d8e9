// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "../src/Blob.sol";
import {Encoding, IDeml, Metric, Terms} from "../src/IDeml.sol";
import {Vector, readVectors} from "./Vector.sol";
import {vm} from "./Vm.sol";

/// @dev Takes calldata only when it is exactly what Solidity would encode; Solidity's own decoder
/// already refuses missing bytes and values outside their types.
contract StrictDeml is IDeml {
    error NotCanonical();

    function openJob(Terms calldata terms) external pure {
        _requireCanonical(abi.encodeCall(IDeml.openJob, (terms)));
    }

    function cancelJob(uint32 job) external pure {
        _requireCanonical(abi.encodeCall(IDeml.cancelJob, (job)));
    }

    function publish(bytes32 digest, uint64 offset, Encoding encoding, bytes calldata data)
        external
        pure
    {
        _requireCanonical(abi.encodeCall(IDeml.publish, (digest, offset, encoding, data)));
    }

    function submit(uint32 job, Blob calldata model, Blob calldata data) external pure {
        _requireCanonical(abi.encodeCall(IDeml.submit, (job, model, data)));
    }

    function evaluate(uint32 job, uint64 work) external pure {
        _requireCanonical(abi.encodeCall(IDeml.evaluate, (job, work)));
    }

    function settle(uint32 job) external pure {
        _requireCanonical(abi.encodeCall(IDeml.settle, (job)));
    }

    function withdraw(address asset, uint256 amount) external pure {
        _requireCanonical(abi.encodeCall(IDeml.withdraw, (asset, amount)));
    }

    function _requireCanonical(bytes memory encoding) private pure {
        require(keccak256(encoding) == keccak256(msg.data), NotCanonical());
    }
}

/// @dev The bytes that Rust writes and reads, against the interface that defines them.
contract IDemlTest {
    string private constant COMMANDS = "../tests/vectors/commands.json";
    string private constant NOTICES = "../tests/vectors/notices.json";

    StrictDeml private immutable _strict = new StrictDeml();

    bytes4[7] private _commands = [
        IDeml.openJob.selector,
        IDeml.cancelJob.selector,
        IDeml.publish.selector,
        IDeml.submit.selector,
        IDeml.evaluate.selector,
        IDeml.settle.selector,
        IDeml.withdraw.selector
    ];

    bytes32[8] private _notices = [
        IDeml.JobOpened.selector,
        IDeml.BlobStored.selector,
        IDeml.JobReady.selector,
        IDeml.ModelSubmitted.selector,
        IDeml.ModelScored.selector,
        IDeml.ModelRefused.selector,
        IDeml.JobCancelled.selector,
        IDeml.JobSettled.selector
    ];

    error UnknownCommand(bytes4 selector);
    error UnknownNotice(bytes32 topic);

    /// @dev Encoding a command's arguments here gives the bytes that Rust writes.
    function testCommandsAreCalldata() external view {
        Vector[] memory vectors = readVectors(COMMANDS, "$.commands");
        bytes32[] memory selectors = new bytes32[](vectors.length);
        for (uint256 i = 0; i < vectors.length; ++i) {
            bytes memory found = vectors[i].raw("calldata");
            bytes4 selector = bytes4(found);
            bytes memory expected = _encodeCommand(selector, vectors[i].at("args"));
            vm.assertEq(found, expected, vectors[i].text("name"));
            selectors[i] = selector;
        }
        for (uint256 i = 0; i < _commands.length; ++i) {
            vm.assertEq(_contains(selectors, _commands[i]), true, "a command has no vector");
        }
    }

    /// @dev Decoding what Rust takes and encoding it again gives the same bytes.
    function testCommandsAreCanonical() external view {
        Vector[] memory vectors = readVectors(COMMANDS, "$.commands");
        for (uint256 i = 0; i < vectors.length; ++i) {
            (bool isTaken,) = address(_strict).staticcall(vectors[i].raw("calldata"));
            vm.assertEq(isTaken, true, vectors[i].text("name"));
        }
    }

    /// @dev What Rust refuses as no encoding of a command, Solidity takes for none either.
    function testRefusedCommandsAreNotCanonical() external view {
        Vector[] memory vectors = readVectors(COMMANDS, "$.refused");
        vm.assertEq(vectors.length > 0, true, "nothing is refused");
        for (uint256 i = 0; i < vectors.length; ++i) {
            string memory reason = vectors[i].text("refused");
            (bool isTaken,) = address(_strict).staticcall(vectors[i].raw("calldata"));
            vm.assertEq(isTaken, _isBeyondTypes(reason), reason);
        }
    }

    /// @dev Encoding a notice's values here gives the bytes that Rust writes.
    function testNoticesAreEvents() external view {
        Vector[] memory vectors = readVectors(NOTICES, "$.notices");
        bytes32[] memory topics = new bytes32[](vectors.length);
        for (uint256 i = 0; i < vectors.length; ++i) {
            bytes memory found = vectors[i].raw("payload");
            bytes32 topic = bytes32(found);
            bytes memory arguments = _encodeNotice(topic, vectors[i].at("values"), found);
            vm.assertEq(found, bytes.concat(topic, arguments), vectors[i].text("name"));
            topics[i] = topic;
        }
        for (uint256 i = 0; i < _notices.length; ++i) {
            vm.assertEq(_contains(topics, _notices[i]), true, "a notice has no vector");
        }
    }

    /// @dev Two rules of the market's that no Solidity type expresses.
    function _isBeyondTypes(string memory reason) private pure returns (bool) {
        bytes32 name = keccak256(bytes(reason));
        return name == keccak256("TitleNotText") || name == keccak256("UnknownLeafSize");
    }

    function _encodeCommand(bytes4 selector, Vector memory args)
        private
        pure
        returns (bytes memory)
    {
        if (selector == IDeml.openJob.selector) {
            return abi.encodeCall(IDeml.openJob, (_terms(args.at("terms"))));
        }
        if (selector == IDeml.cancelJob.selector) {
            return abi.encodeCall(IDeml.cancelJob, (uint32(args.number("job"))));
        }
        if (selector == IDeml.publish.selector) {
            return abi.encodeCall(
                IDeml.publish,
                (
                    args.hash("digest"),
                    uint64(args.number("offset")),
                    Encoding(args.number("encoding")),
                    args.raw("data")
                )
            );
        }
        if (selector == IDeml.submit.selector) {
            return abi.encodeCall(
                IDeml.submit,
                (
                    uint32(args.number("job")),
                    _blob(args.at("model"), "leafSize"),
                    _blob(args.at("data"), "leafSize")
                )
            );
        }
        if (selector == IDeml.evaluate.selector) {
            return abi.encodeCall(
                IDeml.evaluate, (uint32(args.number("job")), uint64(args.number("work")))
            );
        }
        if (selector == IDeml.settle.selector) {
            return abi.encodeCall(IDeml.settle, (uint32(args.number("job"))));
        }
        if (selector == IDeml.withdraw.selector) {
            return abi.encodeCall(IDeml.withdraw, (args.account("asset"), args.number("amount")));
        }
        revert UnknownCommand(selector);
    }

    function _encodeNotice(bytes32 topic, Vector memory values, bytes memory payload)
        private
        view
        returns (bytes memory)
    {
        if (topic == IDeml.BlobStored.selector) {
            return
                abi.encode(
                    values.hash("digest"), values.number("size"), values.account("publisher")
                );
        }
        uint256 job = values.number("job");
        if (topic == IDeml.JobOpened.selector) {
            return abi.encode(job, values.account("sponsor"), this.termsOfJobOpened(payload));
        }
        if (topic == IDeml.JobReady.selector) {
            return abi.encode(job, values.number("base_score"), values.number("base_worst_class"));
        }
        if (topic == IDeml.JobCancelled.selector) {
            return abi.encode(job, values.number("refund"), values.text("reason"));
        }
        if (topic == IDeml.JobSettled.selector) {
            return abi.encode(
                job, values.number("payouts"), values.number("winner"), values.number("remainder")
            );
        }
        return _encodeSubmissionNotice(topic, job, values);
    }

    function _encodeSubmissionNotice(bytes32 topic, uint256 job, Vector memory values)
        private
        pure
        returns (bytes memory)
    {
        uint256 submission = values.number("submission");
        address client = values.account("client");
        if (topic == IDeml.ModelSubmitted.selector) {
            Blob memory model = _blob(values.at("model"), "leaf_size");
            Blob memory data = _blob(values.at("data"), "leaf_size");
            return abi.encode(job, submission, client, model, data);
        }
        bytes32 digest = values.hash("model_digest");
        if (topic == IDeml.ModelRefused.selector) {
            return abi.encode(job, submission, client, digest, values.text("reason"));
        }
        if (topic == IDeml.ModelScored.selector) {
            uint256 score = values.number("score");
            uint256 worstClass = values.number("worst_class");
            bool isAccepted = values.flag("accepted");
            return abi.encode(job, submission, client, digest, score, worstClass, isAccepted);
        }
        revert UnknownNotice(topic);
    }

    /// @dev Decoded, because the values show terms as people read them; `openJob`'s vectors give
    /// every field of them.
    function termsOfJobOpened(bytes calldata payload) external pure returns (Terms memory terms) {
        (,, terms) = abi.decode(payload[32:], (uint32, address, Terms));
    }

    function _terms(Vector memory terms) private pure returns (Terms memory) {
        return Terms({
            title: terms.hash("title"),
            asset: terms.account("asset"),
            reward: terms.number("reward"),
            rewards: uint32(terms.number("rewards")),
            deadline: uint64(terms.number("deadline")),
            metric: Metric(terms.number("metric")),
            minScore: uint32(terms.number("minScore")),
            minGain: uint32(terms.number("minGain")),
            minWorstClass: uint32(terms.number("minWorstClass")),
            maxModelBytes: uint64(terms.number("maxModelBytes")),
            maxWork: uint64(terms.number("maxWork")),
            baseModel: _blob(terms.at("baseModel"), "leafSize"),
            holdOut: _blob(terms.at("holdOut"), "leafSize")
        });
    }

    function _blob(Vector memory blob, string memory leafSize) private pure returns (Blob memory) {
        return Blob({
            digest: blob.hash("digest"),
            size: uint64(blob.number("size")),
            leafSize: uint32(blob.number(leafSize))
        });
    }

    function _contains(bytes32[] memory all, bytes32 wanted) private pure returns (bool found) {
        for (uint256 i = 0; i < all.length && !found; ++i) {
            found = all[i] == wanted;
        }
    }
}
