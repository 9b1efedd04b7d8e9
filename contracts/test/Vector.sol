// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {vm} from "./Vm.sol";

/// @dev A JSON object in a vector file: the file's text, and the path to the object in it.
///
/// `tests/vectors/README.md` says what is in which file. Integers are numbers or decimal strings.
struct Vector {
    string json;
    string path;
}

using {at, number, hash, account, raw, flag, text} for Vector global;

/// @dev The elements of the array at a path of a vector file, `$` being the file's own value.
function readVectors(string memory file, string memory array)
    view
    returns (Vector[] memory vectors)
{
    string memory json = vm.readFile(file);
    uint256 count = 0;
    while (vm.keyExistsJson(json, _element(array, count))) ++count;
    vectors = new Vector[](count);
    for (uint256 i = 0; i < count; ++i) {
        vectors[i] = Vector(json, _element(array, i));
    }
}

function _element(string memory array, uint256 index) pure returns (string memory) {
    return string.concat(array, "[", vm.toString(index), "]");
}

function at(Vector memory self, string memory name) pure returns (Vector memory) {
    return Vector(self.json, string.concat(self.path, ".", name));
}

function number(Vector memory self, string memory name) pure returns (uint256) {
    return vm.parseJsonUint(self.json, self.at(name).path);
}

function hash(Vector memory self, string memory name) pure returns (bytes32) {
    return vm.parseJsonBytes32(self.json, self.at(name).path);
}

function account(Vector memory self, string memory name) pure returns (address) {
    return vm.parseJsonAddress(self.json, self.at(name).path);
}

function raw(Vector memory self, string memory name) pure returns (bytes memory) {
    return vm.parseJsonBytes(self.json, self.at(name).path);
}

function flag(Vector memory self, string memory name) pure returns (bool) {
    return vm.parseJsonBool(self.json, self.at(name).path);
}

function text(Vector memory self, string memory name) pure returns (string memory) {
    return vm.parseJsonString(self.json, self.at(name).path);
}
