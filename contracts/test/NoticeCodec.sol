// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "../src/Blob.sol";
import {IDeml, Slot, Target} from "../src/IDeml.sol";
import {
    Attestation,
    Decision,
    Offence,
    Scores,
    Share,
    SponsorStake,
    SubmissionStake,
    SubmittedModel
} from "../src/Outcome.sol";
import {Terms} from "../src/Terms.sol";

/// @dev The first arguments of a submission's event, which are encoded as if they were one.
struct OfSubmission {
    bytes32 job;
    uint32 submission;
    address client;
}

/// @dev The arguments of `WorkPaid`.
struct Work {
    bytes32 job;
    Target target;
    uint32 submission;
    uint32 step;
    address worker;
    uint256 earned;
    uint256 operator;
    uint256 surcharge;
}

/// @dev The arguments of `Compared`.
struct Comparison {
    bytes32 job;
    uint32 best;
    uint32 other;
    uint32 bestBetter;
    uint32 otherBetter;
    bool separated;
}

/// @dev A verdict without its reason.
struct Ruling {
    OfSubmission head;
    bytes32 model;
    bool accepted;
    bool evaluated;
    Scores scores;
}

/// @dev Notices, decoded by their events' types and encoded again.
contract NoticeCodec {
    error UnknownNotice(bytes32 topic);

    /// @dev All topics that there are.
    function topics() external pure returns (bytes32[] memory all) {
        bytes32[24] memory list = [
            IDeml.JobOpened.selector,
            IDeml.BlobStored.selector,
            IDeml.JobReady.selector,
            IDeml.Submitted.selector,
            IDeml.ModelShown.selector,
            IDeml.ShowEvaluated.selector,
            IDeml.Enlisted.selector,
            IDeml.SeatsDrawn.selector,
            IDeml.ModelRevealed.selector,
            IDeml.HoldOutRevealed.selector,
            IDeml.HoldOutReady.selector,
            IDeml.Attested.selector,
            IDeml.AttestationRevealed.selector,
            IDeml.ModelEvaluated.selector,
            IDeml.SubmissionDecided.selector,
            IDeml.WorkPaid.selector,
            IDeml.Compared.selector,
            IDeml.Forfeited.selector,
            IDeml.JobDecided.selector,
            IDeml.Paid.selector,
            IDeml.JobEnded.selector,
            IDeml.MessageKeyPublished.selector,
            IDeml.MessageSent.selector,
            IDeml.Returned.selector
        ];
        all = new bytes32[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            all[i] = list[i];
        }
    }

    /// @dev The topic, and the arguments after decoding and encoding.
    function encodedAgain(bytes calldata payload) external pure returns (bytes memory) {
        bytes32 topic = bytes32(payload);
        bytes calldata data = payload[32:];
        bytes memory encoded = _ofJobs(topic, data);
        if (encoded.length == 0) encoded = _ofSubmissions(topic, data);
        if (encoded.length == 0) encoded = _ofMiners(topic, data);
        if (encoded.length == 0) encoded = _ofMessages(topic, data);
        if (encoded.length == 0) encoded = _ofMoney(topic, data);
        require(encoded.length > 0, UnknownNotice(topic));
        return bytes.concat(topic, encoded);
    }

    function _ofJobs(bytes32 topic, bytes calldata data) private pure returns (bytes memory) {
        if (topic == IDeml.JobOpened.selector) {
            (
                bytes32 job,
                uint32 number,
                address sponsor,
                bytes32 salt,
                Terms memory t,
                SponsorStake memory s
            ) = abi.decode(data, (bytes32, uint32, address, bytes32, Terms, SponsorStake));
            return abi.encode(job, number, sponsor, salt, t, s);
        }
        if (topic == IDeml.BlobStored.selector) {
            (bytes32 job, Slot slot, bytes32 digest, uint64 size, address publisher) =
                abi.decode(data, (bytes32, Slot, bytes32, uint64, address));
            return abi.encode(job, slot, digest, size, publisher);
        }
        if (topic == IDeml.JobReady.selector || topic == IDeml.HoldOutReady.selector) {
            (bytes32 job, Scores memory base) = abi.decode(data, (bytes32, Scores));
            return abi.encode(job, base);
        }
        if (topic == IDeml.HoldOutRevealed.selector) {
            (bytes32 job, Blob memory holdOut, bytes32 key) =
                abi.decode(data, (bytes32, Blob, bytes32));
            return abi.encode(job, holdOut, key);
        }
        if (topic == IDeml.JobDecided.selector) {
            (bytes32 job, Decision memory decision) = abi.decode(data, (bytes32, Decision));
            return abi.encode(job, decision);
        }
        if (topic == IDeml.JobEnded.selector) {
            (bytes32 job, uint32 payouts, bool hasWinner, uint32 winner, string memory reason) =
                abi.decode(data, (bytes32, uint32, bool, uint32, string));
            return abi.encode(job, payouts, hasWinner, winner, reason);
        }
        return "";
    }

    function _ofSubmissions(bytes32 topic, bytes calldata data)
        private
        pure
        returns (bytes memory)
    {
        if (topic == IDeml.Submitted.selector) {
            (OfSubmission memory head, SubmittedModel memory model, SubmissionStake memory stake) =
                abi.decode(data, (OfSubmission, SubmittedModel, SubmissionStake));
            return abi.encode(head, model, stake);
        }
        if (topic == IDeml.ModelShown.selector) {
            (OfSubmission memory head, Blob memory model, uint256 stake) =
                abi.decode(data, (OfSubmission, Blob, uint256));
            return abi.encode(head, model, stake);
        }
        if (topic == IDeml.ShowEvaluated.selector) {
            (
                bytes32 job,
                uint32 submission,
                bytes32 model,
                bool moved,
                uint32 score,
                string memory reason
            ) = abi.decode(data, (bytes32, uint32, bytes32, bool, uint32, string));
            return abi.encode(job, submission, model, moved, score, reason);
        }
        if (topic == IDeml.ModelRevealed.selector) {
            (OfSubmission memory head, uint32 position, Blob memory model, bytes32 key) =
                abi.decode(data, (OfSubmission, uint32, Blob, bytes32));
            return abi.encode(head, position, model, key);
        }
        if (topic == IDeml.ModelEvaluated.selector) {
            (bytes32 job, uint32 number, bytes32 model, Attestation memory a, uint32 agreed) =
                abi.decode(data, (bytes32, uint32, bytes32, Attestation, uint32));
            return abi.encode(job, number, model, a, agreed);
        }
        if (topic == IDeml.SubmissionDecided.selector) {
            (Ruling memory ruling, string memory reason) = abi.decode(data, (Ruling, string));
            return abi.encode(ruling, reason);
        }
        if (topic == IDeml.Compared.selector) {
            return abi.encode(abi.decode(data, (Comparison)));
        }
        return "";
    }

    function _ofMiners(bytes32 topic, bytes calldata data) private pure returns (bytes memory) {
        if (topic == IDeml.Enlisted.selector) {
            (bytes32 job, address miner) = abi.decode(data, (bytes32, address));
            return abi.encode(job, miner);
        }
        if (topic == IDeml.SeatsDrawn.selector) {
            (bytes32 job, bytes32 seed, address[] memory miners) =
                abi.decode(data, (bytes32, bytes32, address[]));
            return abi.encode(job, seed, miners);
        }
        if (topic == IDeml.Attested.selector) {
            (bytes32 job, uint32 page, address miner, bytes32 commitment) =
                abi.decode(data, (bytes32, uint32, address, bytes32));
            return abi.encode(job, page, miner, commitment);
        }
        if (topic == IDeml.AttestationRevealed.selector) {
            (bytes32 job, uint32 page, address miner) = abi.decode(data, (bytes32, uint32, address));
            return abi.encode(job, page, miner);
        }
        return "";
    }

    function _ofMessages(bytes32 topic, bytes calldata data) private pure returns (bytes memory) {
        if (topic == IDeml.MessageKeyPublished.selector) {
            (address account, bytes32 key) = abi.decode(data, (address, bytes32));
            return abi.encode(account, key);
        }
        if (topic == IDeml.MessageSent.selector) {
            (
                bytes32 job,
                uint32 submission,
                address from,
                address to,
                uint32 sequence,
                bytes memory ciphertext
            ) = abi.decode(data, (bytes32, uint32, address, address, uint32, bytes));
            return abi.encode(job, submission, from, to, sequence, ciphertext);
        }
        return "";
    }

    function _ofMoney(bytes32 topic, bytes calldata data) private pure returns (bytes memory) {
        if (topic == IDeml.WorkPaid.selector) return abi.encode(abi.decode(data, (Work)));
        if (topic == IDeml.Forfeited.selector) {
            (bytes32 job, address account, uint256 bond, Offence offence) =
                abi.decode(data, (bytes32, address, uint256, Offence));
            return abi.encode(job, account, bond, offence);
        }
        if (topic == IDeml.Paid.selector) {
            (bytes32 job, address to, Share share, uint256 amount, bool voucher) =
                abi.decode(data, (bytes32, address, Share, uint256, bool));
            return abi.encode(job, to, share, amount, voucher);
        }
        if (topic == IDeml.Returned.selector) {
            (address account, address asset, uint256 amount) =
                abi.decode(data, (address, address, uint256));
            return abi.encode(account, asset, amount);
        }
        return "";
    }
}
