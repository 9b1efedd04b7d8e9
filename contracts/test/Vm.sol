// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @dev Forge answers these at the address hevm reserved for it.
Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

/// @title The few of forge's cheat codes that these tests use
/// @dev Declared here because npm's forge-std is incomplete and does not compile.
interface Vm {
    /// @notice Sends the next call from `sender`.
    function prank(address sender) external;

    /// @notice Demands that the next call reverts with exactly these bytes.
    function expectRevert(bytes calldata revertData) external;

    /// @notice Demands that the next call emits, from `emitter`, the event emitted here before it.
    function expectEmit(address emitter) external;

    /// @notice Skips a fuzzed case that is no example of the tested rule.
    function assume(bool condition) external pure;

    function assertEq(bool left, bool right) external pure;
    function assertEq(bool left, bool right, string calldata error) external pure;
    function assertEq(uint256 left, uint256 right) external pure;
    function assertEq(address left, address right) external pure;
    function assertEq(string calldata left, string calldata right) external pure;
    function assertEq(bytes calldata left, bytes calldata right) external pure;
    function assertEq(bytes calldata left, bytes calldata right, string calldata error)
        external
        pure;

    function toString(uint256 value) external pure returns (string memory);

    /// @notice The text of a file that foundry.toml allows to be read.
    function readFile(string calldata path) external view returns (string memory);

    /// @notice Whether a JSON path selects anything; the functions below return what it selects.
    function keyExistsJson(string calldata json, string calldata path) external pure returns (bool);
    function parseJsonAddress(string calldata json, string calldata path)
        external
        pure
        returns (address);
    function parseJsonBool(string calldata json, string calldata path) external pure returns (bool);
    function parseJsonBytes(string calldata json, string calldata path)
        external
        pure
        returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata path)
        external
        pure
        returns (bytes32);
    function parseJsonString(string calldata json, string calldata path)
        external
        pure
        returns (string memory);
    function parseJsonUint(string calldata json, string calldata path)
        external
        pure
        returns (uint256);
}
