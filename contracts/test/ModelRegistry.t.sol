// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Blob} from "../src/Blob.sol";
import {IModelRegistry, SCORE_MAX} from "../src/IModelRegistry.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {vm} from "./Vm.sol";

/// @dev Writes a record from the named application; the call that a voucher makes.
function write(IModelRegistry registry, address application, IModelRegistry.Record memory entry) {
    vm.prank(application);
    registry.record(entry.job, entry.sponsor, entry.model, entry.score, entry.dataset);
}

/// @dev The given record, changed as little as it takes for the registry to accept it.
function valid(IModelRegistry.Record memory entry) pure returns (IModelRegistry.Record memory) {
    if (entry.sponsor == address(0)) entry.sponsor = address(1);
    entry.score %= SCORE_MAX + 1;
    return entry;
}

contract ModelRegistryTest {
    IModelRegistry private immutable _registry = new ModelRegistry();

    function testRecordIsReadBack(address application, IModelRegistry.Record memory entry)
        external
    {
        entry = valid(entry);
        write(_registry, application, entry);

        vm.assertEq(abi.encode(_registry.recordOf(application, entry.job)), abi.encode(entry));
        vm.assertEq(_registry.recordCount(application), 1);
    }

    function testRecordEmitsModelRecorded(address application, IModelRegistry.Record memory entry)
        external
    {
        entry = valid(entry);
        vm.expectEmit(address(_registry));
        emit IModelRegistry.ModelRecorded(
            application, entry.job, entry.sponsor, entry.model, entry.score, entry.dataset
        );
        write(_registry, application, entry);
    }

    function testRecordTakesTheLargestScore(address application, IModelRegistry.Record memory entry)
        external
    {
        entry = valid(entry);
        entry.score = SCORE_MAX;
        write(_registry, application, entry);
        vm.assertEq(_registry.recordOf(application, entry.job).score, SCORE_MAX);
    }

    function testRecordRevertsSponsorIsZero(address application, IModelRegistry.Record memory entry)
        external
    {
        entry.sponsor = address(0);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.SponsorIsZero.selector, entry.job));
        write(_registry, application, entry);
    }

    function testRecordRevertsScoreOutOfRange(
        address application,
        IModelRegistry.Record memory entry
    ) external {
        uint32 score = entry.score;
        if (score <= SCORE_MAX) score += SCORE_MAX + 1;
        entry = valid(entry);
        entry.score = score;
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.ScoreOutOfRange.selector, score, SCORE_MAX)
        );
        write(_registry, application, entry);
    }

    function testRecordRevertsAlreadyRecorded(
        address application,
        IModelRegistry.Record memory first,
        IModelRegistry.Record memory second
    ) external {
        (first, second) = (valid(first), valid(second));
        second.job = first.job;
        write(_registry, application, first);
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.AlreadyRecorded.selector, application, first.job)
        );
        write(_registry, application, second);

        vm.assertEq(abi.encode(_registry.recordOf(application, first.job)), abi.encode(first));
        vm.assertEq(_registry.recordCount(application), 1);
    }

    function testRecordOfRevertsNoRecord(
        address application,
        IModelRegistry.Record memory entry,
        bytes32 other
    ) external {
        vm.assume(other != entry.job);
        write(_registry, application, valid(entry));
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.NoRecord.selector, application, other)
        );
        _registry.recordOf(application, other);
    }

    function testForeignWriterWritesOnlyUnderItself(
        address application,
        address stranger,
        IModelRegistry.Record memory entry
    ) external {
        vm.assume(application != stranger);
        write(_registry, stranger, valid(entry));

        vm.assertEq(_registry.recordCount(application), 0);
        vm.assertEq(_registry.recordsOf(application, 0, 1).length, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.NoRecord.selector, application, entry.job)
        );
        _registry.recordOf(application, entry.job);
    }

    function testTwoApplicationsMayNameAJobAlike(
        address one,
        address other,
        IModelRegistry.Record memory first,
        IModelRegistry.Record memory second
    ) external {
        vm.assume(one != other);
        (first, second) = (valid(first), valid(second));
        second.job = first.job;
        write(_registry, one, first);
        write(_registry, other, second);

        vm.assertEq(abi.encode(_registry.recordOf(one, first.job)), abi.encode(first));
        vm.assertEq(abi.encode(_registry.recordOf(other, first.job)), abi.encode(second));
    }

    function testRecordsOfPagesInOrder(
        address application,
        IModelRegistry.Record memory entry,
        uint8 count,
        uint8 offset,
        uint8 limit
    ) external {
        (count, offset, limit) = (count % 8, offset % 10, limit % 10);
        entry = valid(entry);
        IModelRegistry.Record[] memory all = new IModelRegistry.Record[](count);
        for (uint256 i = 0; i < count; ++i) {
            all[i] = IModelRegistry.Record({
                job: entry.job ^ bytes32(i),
                score: entry.score,
                sponsor: entry.sponsor,
                model: entry.model,
                dataset: entry.dataset
            });
            write(_registry, application, all[i]);
        }

        IModelRegistry.Record[] memory page = _registry.recordsOf(application, offset, limit);
        uint256 remaining = offset < count ? count - offset : 0;
        vm.assertEq(page.length, limit < remaining ? limit : remaining);
        for (uint256 i = 0; i < page.length; ++i) {
            vm.assertEq(abi.encode(page[i]), abi.encode(all[offset + i]));
        }
    }

    function testRecordsOfNeverReverts(
        address application,
        IModelRegistry.Record memory entry,
        uint256 offset,
        uint256 limit
    ) external {
        write(_registry, application, valid(entry));
        uint256 length = _registry.recordsOf(application, offset, limit).length;
        vm.assertEq(length, offset == 0 && limit != 0 ? 1 : 0);
        vm.assertEq(_registry.recordsOf(application, 0, type(uint256).max).length, 1);
    }

    function testCidOfAFileOfOneLeafIsRaw(bytes32 digest, uint32 size, uint32 leafSize)
        external
        view
    {
        (size, leafSize) = size <= leafSize ? (size, leafSize) : (leafSize, size);
        vm.assertEq(
            _registry.cidOf(Blob({digest: digest, size: size, leafSize: leafSize})),
            bytes.concat(hex"01551220", digest)
        );
    }

    function testCidOfALargerFileIsDagPb(bytes32 digest, uint64 size, uint32 leafSize)
        external
        view
    {
        vm.assume(size > leafSize);
        vm.assertEq(
            _registry.cidOf(Blob({digest: digest, size: size, leafSize: leafSize})),
            bytes.concat(hex"01701220", digest)
        );
    }
}

/// @dev Four applications that write over and over, and remember what the registry took.
contract Applications {
    IModelRegistry private immutable _registry;
    mapping(address => IModelRegistry.Record[]) private _taken;

    constructor(IModelRegistry registry) {
        _registry = registry;
    }

    /// @dev Few jobs, so that most are tried more than once; about half of the scores are too large.
    function record(uint8 application, uint8 job, IModelRegistry.Record memory entry) external {
        address caller = at(application);
        entry.job = bytes32(uint256(job % 8));
        entry.score %= 2 * SCORE_MAX;
        vm.prank(caller);
        try _registry.record(entry.job, entry.sponsor, entry.model, entry.score, entry.dataset) {
            _taken[caller].push(entry);
        } catch {}
    }

    function at(uint8 application) public pure returns (address) {
        return address(uint160(0xa0) + application % 4);
    }

    function taken(address application) external view returns (IModelRegistry.Record[] memory) {
        return _taken[application];
    }
}

contract ModelRegistryInvariantTest {
    IModelRegistry private immutable _registry = new ModelRegistry();
    Applications private immutable _applications = new Applications(_registry);

    /// @dev What forge calls at random between two looks at the invariant.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_applications);
    }

    /// @dev Records are final: whatever is tried later, each application's list is what was taken.
    function invariantRecordsAreWhatWasTaken() external view {
        for (uint8 i = 0; i < 4; ++i) {
            address application = _applications.at(i);
            vm.assertEq(
                abi.encode(_registry.recordsOf(application, 0, type(uint256).max)),
                abi.encode(_applications.taken(application))
            );
        }
    }
}
