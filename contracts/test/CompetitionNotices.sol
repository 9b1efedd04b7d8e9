// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "../src/Blob.sol";
import {Attestation, Outcome, SealedBlob, Share} from "../src/Competition.sol";
import {IDeml} from "../src/IDeml.sol";
import {Vector} from "./Vector.sol";
import {vm} from "./Vm.sol";

/// @dev The arguments of a competition's notice, encoded from its values; empty for other topics.
function encodeCompetitionNotice(bytes32 topic, uint256 job, Vector memory values)
    pure
    returns (bytes memory)
{
    if (topic == IDeml.Enlisted.selector) return abi.encode(job, values.account("miner"));
    if (topic == IDeml.SeatsDrawn.selector) {
        return abi.encode(job, values.hash("seed"), _accounts(values));
    }
    if (topic == IDeml.HoldOutRevealed.selector) {
        return abi.encode(job, _blob(values.at("hold_out")), values.hash("key"));
    }
    if (topic == IDeml.HoldOutReady.selector) {
        return abi.encode(job, values.number("base_score"), values.number("base_worst_class"));
    }
    if (topic == IDeml.Compared.selector) return _compared(job, values);
    if (topic == IDeml.Forfeited.selector) {
        address account = values.account("account");
        return abi.encode(job, account, values.number("bond"), values.text("reason"));
    }
    if (topic == IDeml.Paid.selector) {
        uint256 amount = values.number("amount");
        Share share = Share(_place(values.text("share"), _shares()));
        return abi.encode(job, values.account("to"), share, amount, values.number("bond"));
    }
    if (topic == IDeml.Decided.selector) return _decided(job, values);
    return _encodePageOrEntryNotice(topic, job, values);
}

function _encodePageOrEntryNotice(bytes32 topic, uint256 job, Vector memory values)
    pure
    returns (bytes memory)
{
    if (topic == IDeml.Attested.selector) {
        address miner = values.account("miner");
        return abi.encode(job, values.number("page"), miner, values.hash("commitment"));
    }
    if (topic == IDeml.Unveiled.selector) {
        return abi.encode(job, values.number("page"), values.account("miner"));
    }
    bool isOfEntry = topic == IDeml.Entered.selector || topic == IDeml.ModelShown.selector
        || topic == IDeml.ModelRevealed.selector || topic == IDeml.Objected.selector
        || topic == IDeml.BoardMoved.selector || topic == IDeml.ShowRefused.selector
        || topic == IDeml.EntryRefused.selector || topic == IDeml.EntryScored.selector;
    return isOfEntry ? _encodeEntryNotice(topic, job, values) : bytes("");
}

function _encodeEntryNotice(bytes32 topic, uint256 job, Vector memory values)
    pure
    returns (bytes memory)
{
    uint256 entry = values.number("entry");
    if (topic == IDeml.Objected.selector) {
        return abi.encode(job, entry, values.account("objector"));
    }
    if (topic == IDeml.Entered.selector) {
        Blob memory ciphertext = _blob(values.at("ciphertext"));
        SealedBlob memory model = SealedBlob(values.hash("commitment"), ciphertext);
        return abi.encode(job, entry, values.account("entrant"), model);
    }
    if (topic == IDeml.ModelShown.selector) {
        return abi.encode(job, entry, values.account("entrant"), _blob(values.at("model")));
    }
    if (topic == IDeml.ModelRevealed.selector) {
        Blob memory model = _blob(values.at("model"));
        address entrant = values.account("entrant");
        return abi.encode(job, entry, entrant, values.number("position"), model, values.hash("key"));
    }
    bytes32 digest = values.hash("model_digest");
    if (topic == IDeml.BoardMoved.selector) {
        return abi.encode(job, entry, digest, values.number("score"));
    }
    if (topic == IDeml.EntryScored.selector) {
        Attestation memory attestation = Attestation(
            uint32(values.number("score")),
            uint32(values.number("worst_class")),
            values.hash("results")
        );
        uint256 agreed = values.number("agreed");
        return abi.encode(job, entry, digest, attestation, agreed, values.flag("by_machine"));
    }
    return abi.encode(job, entry, digest, values.text("reason"));
}

function _compared(uint256 job, Vector memory values) pure returns (bytes memory) {
    uint256 firstBetter = values.number("first_better");
    uint256 otherBetter = values.number("other_better");
    return abi.encode(
        job,
        values.number("first"),
        values.number("other"),
        firstBetter,
        otherBetter,
        values.flag("separated")
    );
}

function _decided(uint256 job, Vector memory values) pure returns (bytes memory) {
    uint32[] memory winners = _numbers(values);
    bytes memory head = abi.encode(
        job,
        Outcome(_place(values.text("outcome"), _outcomes())),
        uint256(11 * 32),
        values.number("prize"),
        values.number("right_miners"),
        values.number("right_objectors")
    );
    bytes memory middle = abi.encode(
        values.number("fees"),
        values.number("forfeits"),
        values.number("revealed"),
        values.number("refunds"),
        values.number("remainder")
    );
    bytes memory tail = abi.encode(winners.length);
    for (uint256 i = 0; i < winners.length; ++i) {
        tail = bytes.concat(tail, abi.encode(winners[i]));
    }
    return bytes.concat(head, middle, tail);
}

function _blob(Vector memory blob) pure returns (Blob memory) {
    return Blob({
        digest: blob.hash("digest"),
        size: uint64(blob.number("size")),
        leafSize: uint32(blob.number("leaf_size"))
    });
}

function _accounts(Vector memory values) pure returns (address[] memory accounts) {
    accounts = new address[](_count(values, "miners"));
    for (uint256 i = 0; i < accounts.length; ++i) {
        accounts[i] = values.account(string.concat("miners[", vm.toString(i), "]"));
    }
}

function _numbers(Vector memory values) pure returns (uint32[] memory numbers) {
    numbers = new uint32[](_count(values, "winners"));
    for (uint256 i = 0; i < numbers.length; ++i) {
        numbers[i] = uint32(values.number(string.concat("winners[", vm.toString(i), "]")));
    }
}

function _count(Vector memory values, string memory name) pure returns (uint256 count) {
    string memory path = string.concat(values.path, ".", name, "[");
    while (vm.keyExistsJson(values.json, string.concat(path, vm.toString(count), "]"))) ++count;
}

function _place(string memory name, string[6] memory names) pure returns (uint256 place) {
    while (keccak256(bytes(names[place])) != keccak256(bytes(name))) ++place;
}

function _shares() pure returns (string[6] memory) {
    return ["prize", "work", "entrant", "bond", "", ""];
}

function _outcomes() pure returns (string[6] memory) {
    return ["cancelled", "nobody_entered", "nobody_revealed", "sponsor_failed", "no_winner", "won"];
}
