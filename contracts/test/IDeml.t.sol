// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "../src/Blob.sol";
import {Attestation, CompetitionTerms, SealedBlob, Tied, Unmet} from "../src/Competition.sol";
import {Encoding, IDeml, Terms} from "../src/IDeml.sol";
import {Metric} from "../src/Metric.sol";
import {encodeCompetitionNotice} from "./CompetitionNotices.sol";
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

    function openCompetition(uint32 job, CompetitionTerms calldata terms) external pure {
        _requireCanonical(abi.encodeCall(IDeml.openCompetition, (job, terms)));
    }

    function enter(uint32 job, SealedBlob calldata model) external pure {
        _requireCanonical(abi.encodeCall(IDeml.enter, (job, model)));
    }

    function show(uint32 job, Blob calldata model) external pure {
        _requireCanonical(abi.encodeCall(IDeml.show, (job, model)));
    }

    function enlist(uint32 job) external pure {
        _requireCanonical(abi.encodeCall(IDeml.enlist, (job)));
    }

    function retire() external pure {
        _requireCanonical(abi.encodeCall(IDeml.retire, ()));
    }

    function reveal(uint32 job, bytes32 key, bytes32 salt, Blob calldata plaintext) external pure {
        _requireCanonical(abi.encodeCall(IDeml.reveal, (job, key, salt, plaintext)));
    }

    function attest(uint32 job, uint32 page, bytes32 commitment) external pure {
        _requireCanonical(abi.encodeCall(IDeml.attest, (job, page, commitment)));
    }

    function unveil(
        uint32 job,
        uint32 page,
        Attestation[] calldata attestations,
        bytes calldata results,
        bytes32 salt
    ) external pure {
        _requireCanonical(abi.encodeCall(IDeml.unveil, (job, page, attestations, results, salt)));
    }

    function object(uint32 job, uint32 entry) external pure {
        _requireCanonical(abi.encodeCall(IDeml.object, (job, entry)));
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

    bytes4[16] private _commands = [
        IDeml.openJob.selector,
        IDeml.openCompetition.selector,
        IDeml.enter.selector,
        IDeml.show.selector,
        IDeml.enlist.selector,
        IDeml.retire.selector,
        IDeml.reveal.selector,
        IDeml.attest.selector,
        IDeml.unveil.selector,
        IDeml.object.selector,
        IDeml.cancelJob.selector,
        IDeml.publish.selector,
        IDeml.submit.selector,
        IDeml.evaluate.selector,
        IDeml.settle.selector,
        IDeml.withdraw.selector
    ];

    bytes32[28] private _notices = [
        IDeml.JobOpened.selector,
        IDeml.BlobStored.selector,
        IDeml.JobReady.selector,
        IDeml.ModelSubmitted.selector,
        IDeml.ModelScored.selector,
        IDeml.ModelRefused.selector,
        IDeml.JobCancelled.selector,
        IDeml.JobSettled.selector,
        IDeml.CompetitionOpened.selector,
        IDeml.Entered.selector,
        IDeml.ModelShown.selector,
        IDeml.BoardMoved.selector,
        IDeml.ShowRefused.selector,
        IDeml.Enlisted.selector,
        IDeml.Retired.selector,
        IDeml.SeatsDrawn.selector,
        IDeml.ModelRevealed.selector,
        IDeml.HoldOutRevealed.selector,
        IDeml.HoldOutReady.selector,
        IDeml.Attested.selector,
        IDeml.Unveiled.selector,
        IDeml.Objected.selector,
        IDeml.EntryScored.selector,
        IDeml.EntryRefused.selector,
        IDeml.Compared.selector,
        IDeml.Forfeited.selector,
        IDeml.Decided.selector,
        IDeml.Paid.selector
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
        return _encodeCompetitionCommand(selector, args);
    }

    function _encodeCompetitionCommand(bytes4 selector, Vector memory args)
        private
        pure
        returns (bytes memory)
    {
        if (selector == IDeml.retire.selector) return abi.encodeCall(IDeml.retire, ());
        uint32 job = uint32(args.number("job"));
        if (selector == IDeml.openCompetition.selector) {
            CompetitionTerms memory terms = _competitionTerms(args.at("terms"));
            return abi.encodeCall(IDeml.openCompetition, (job, terms));
        }
        if (selector == IDeml.enter.selector) {
            return abi.encodeCall(IDeml.enter, (job, _sealed(args.at("model"))));
        }
        if (selector == IDeml.show.selector) {
            return abi.encodeCall(IDeml.show, (job, _blob(args.at("model"), "leafSize")));
        }
        if (selector == IDeml.enlist.selector) return abi.encodeCall(IDeml.enlist, (job));
        if (selector == IDeml.reveal.selector) {
            Blob memory plaintext = _blob(args.at("plaintext"), "leafSize");
            bytes32 key = args.hash("key");
            return abi.encodeCall(IDeml.reveal, (job, key, args.hash("salt"), plaintext));
        }
        if (selector == IDeml.object.selector) {
            return abi.encodeCall(IDeml.object, (job, uint32(args.number("entry"))));
        }
        uint32 page = uint32(args.number("page"));
        if (selector == IDeml.attest.selector) {
            return abi.encodeCall(IDeml.attest, (job, page, args.hash("commitment")));
        }
        if (selector == IDeml.unveil.selector) {
            Attestation[] memory attestations = _attestations(args);
            bytes memory results = args.raw("results");
            bytes32 salt = args.hash("salt");
            return abi.encodeCall(IDeml.unveil, (job, page, attestations, results, salt));
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
        if (topic == IDeml.Retired.selector) return abi.encode(values.account("miner"));
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
        if (topic == IDeml.CompetitionOpened.selector) {
            CompetitionTerms memory terms = this.termsOfCompetitionOpened(payload);
            return abi.encode(job, values.account("sponsor"), terms);
        }
        bytes memory encoded = encodeCompetitionNotice(topic, job, values);
        if (encoded.length > 0) return encoded;
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

    function termsOfCompetitionOpened(bytes calldata payload)
        external
        pure
        returns (CompetitionTerms memory terms)
    {
        (,, terms) = abi.decode(payload[32:], (uint32, address, CompetitionTerms));
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

    function _competitionTerms(Vector memory terms)
        private
        pure
        returns (CompetitionTerms memory to)
    {
        to.title = terms.hash("title");
        to.asset = terms.account("asset");
        to.prize = terms.number("prize");
        to.minersPool = terms.number("minersPool");
        to.buyIn = terms.number("buyIn");
        to.entrantBond = terms.number("entrantBond");
        to.minerBond = terms.number("minerBond");
        to.miners = uint32(terms.number("miners"));
        to.close = uint64(terms.number("close"));
        to.revealSeconds = uint32(terms.number("revealSeconds"));
        to.attestSeconds = uint32(terms.number("attestSeconds"));
        to.quota = uint32(terms.number("quota"));
        to.ladderStep = uint32(terms.number("ladderStep"));
        to.metric = Metric(terms.number("metric"));
        to.minScore = uint32(terms.number("minScore"));
        to.minGain = uint32(terms.number("minGain"));
        to.minWorstClass = uint32(terms.number("minWorstClass"));
        to.significance = uint32(terms.number("significance"));
        to.tied = Tied(terms.number("tied"));
        to.unmet = Unmet(terms.number("unmet"));
        to.maxModelBytes = uint64(terms.number("maxModelBytes"));
        to.maxWork = uint64(terms.number("maxWork"));
        to.minersOnly = terms.flag("minersOnly");
        to.sampleRows = uint32(terms.number("sampleRows"));
        to.baseModel = _blob(terms.at("baseModel"), "leafSize");
        to.publicSlice = _blob(terms.at("publicSlice"), "leafSize");
        to.holdOut = _sealed(terms.at("holdOut"));
    }

    function _sealed(Vector memory model) private pure returns (SealedBlob memory) {
        return SealedBlob({
            commitment: model.hash("commitment"),
            ciphertext: _blob(model.at("ciphertext"), "leafSize")
        });
    }

    function _attestations(Vector memory args) private pure returns (Attestation[] memory all) {
        all = new Attestation[](args.number("count"));
        for (uint256 i = 0; i < all.length; ++i) {
            string memory element = string.concat("attestations[", vm.toString(i), "]");
            Vector memory attestation = args.at(element);
            all[i] = Attestation({
                score: uint32(attestation.number("score")),
                worstClass: uint32(attestation.number("worstClass")),
                results: attestation.hash("results")
            });
        }
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
