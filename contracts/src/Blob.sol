// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice Bytes named by what they are: the file whose CIDv1 has this sha2-256 digest.
/// @dev The CID is a raw block when `size <= leafSize`, else the root of the balanced UnixFS tree
/// with raw leaves of `leafSize` bytes.
struct Blob {
    /// sha2-256 digest of the block, or of the tree's root node.
    bytes32 digest;
    /// Length of the whole file in bytes.
    uint64 size;
    /// Bytes per leaf of the importer's profile: 262144 (174 links a node) or 1048576 (1024 links).
    uint32 leafSize;
}
